//! What carries SSH to a host? A TCP connection, or a direct-tcpip channel through the hop before.
//!
//! Main functions: [`straight`], [`through`]; for a ProxyCommand see `proxy_command.rs`. The name of a later hop is
//! sent unresolved: only the hop before knows its network.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, lookup_host};

use super::bind_address;
use crate::chain::channel::tunnel::Tunnel;
use crate::chain::error::Cause;
use crate::chain::transport::abortable::Duplex;
use crate::chain::transport::connected::Connected;
use crate::chain::transport::quick_ack::QuickAckStream;
use crate::config::Host;
use crate::config::host::AddressFamily;

/// How long sent data may stay unacknowledged before the system ends the connection.
const USER_TIMEOUT: Duration = Duration::from_secs(60);
/// The originator of a channel that no client asked for, the same as ssh sends for `-W`.
const NO_ORIGINATOR: (&str, u16) = ("127.0.0.1", 65535);

/// A transport, and the host's address if it is known.
pub type Dialled = (Box<dyn Duplex>, Option<IpAddr>);

/// The addresses of the first hop's name.
pub async fn resolve(host: &Host) -> Result<Vec<SocketAddr>, Cause> {
    let name = host.hostname.as_str();
    let unresolved = |problem: String| Cause::Resolve { name: name.to_owned(), problem };
    let found = lookup_host((name, host.port.value)).await.map_err(|error| unresolved(error.to_string()))?;
    let family = host.address_family.value;
    let fits = |address: &SocketAddr| match family {
        AddressFamily::Any => true,
        AddressFamily::Inet => address.is_ipv4(),
        AddressFamily::Inet6 => address.is_ipv6(),
    };
    let addresses: Vec<_> = found.filter(fits).collect();
    match addresses.is_empty() {
        true => Err(unresolved("it has no address of the wanted family".to_owned())),
        false => Ok(addresses),
    }
}

/// Connects to the first address that answers, waiting `limit` for each. The round is repeated as often as
/// `ConnectionAttempts` says.
pub async fn straight(host: &Host, addresses: &[SocketAddr], limit: Duration) -> Result<Dialled, Cause> {
    let mut last = Cause::TimedOut(limit);
    for attempt in 0..host.connection_attempts.value.max(1) {
        if attempt > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        for address in addresses {
            let what = || format!("connect to {address}");
            match tokio::time::timeout(limit, connect(host, *address)).await {
                Ok(Ok(stream)) => return Ok((Box::new(QuickAckStream::new(stream)), Some(address.ip()))),
                Ok(Err(source)) => last = Cause::Io { what: what(), source },
                Err(_) => last = Cause::TimedOut(limit),
            }
        }
    }
    Err(last)
}

async fn connect(host: &Host, address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = bind_address::source(host, address.ip()).await? {
        socket.bind(source)?;
    }
    socket.set_keepalive(host.tcp_keep_alive.value)?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    if host.tcp_keep_alive.value {
        socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    }
    Ok(stream)
}

/// Opens a channel to `host` at the hop before it (RFC 4254 §7.2).
pub async fn through(before: &Arc<Connected>, host: &Host) -> Result<Dialled, Cause> {
    let channel = before.direct_tcpip(&host.hostname, host.port.value, NO_ORIGINATOR).await?;
    // an address in the network of the hop before, not of this machine: there `127.0.0.1` is the hop itself
    Ok((Box::new(Tunnel::new(channel)), None))
}
