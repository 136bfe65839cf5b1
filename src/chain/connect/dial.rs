//! The first byte: a TCP connection, a ProxyCommand, or a direct-tcpip channel through the hop before.
//!
//! Main functions: [`straight`], [`command`], [`through`]. The name of a later hop is sent unresolved: only the hop
//! before knows its network.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, BufReader, ReadBuf};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::bind_address;
use crate::chain::channel::tunnel::Tunnel;
use crate::chain::error::Cause;
use crate::chain::transport::abortable::Duplex;
use crate::chain::transport::connected::Connected;
use crate::chain::transport::quick_ack::Receipted;
use crate::config::Host;
use crate::config::host::AddressFamily;
use crate::progress::{Event, Observer};

/// How long sent data may stay unacknowledged before the system gives the connection up.
const USER_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest line of a ProxyCommand's stderr that is passed on, in bytes.
const STDERR_LINE: u64 = 4 * 1024;

/// Who a channel is for, where no connection to us is behind it: what ssh says for `-W`.
const NOBODY: (&str, u16) = ("127.0.0.1", 65535);

/// A transport, and the address behind it where one is known.
pub type Dialled = (Box<dyn Duplex>, Option<IpAddr>);

/// Looks the first hop's name up.
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

/// Connects to the first address that answers, each within `limit`, as often as `ConnectionAttempts` says.
pub async fn straight(host: &Host, addresses: &[SocketAddr], limit: Duration) -> Result<Dialled, Cause> {
    let mut last = Cause::TimedOut(limit);
    for attempt in 0..host.connection_attempts.value.max(1) {
        if attempt > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        for address in addresses {
            let what = || format!("connect to {address}");
            match tokio::time::timeout(limit, connect(host, *address)).await {
                Ok(Ok(stream)) => return Ok((Box::new(Receipted::new(stream)), Some(address.ip()))),
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
    let channel = before.direct_tcpip(&host.hostname, host.port.value, NOBODY).await?;
    // whatever it is called, it is no address of this machine's network: `127.0.0.1` is the hop before
    Ok((Box::new(Tunnel::new(channel)), None))
}

/// Runs a `ProxyCommand` as ssh does: the user's shell replaces itself by the command, stderr is passed on.
pub fn command((shell, line): (&Path, &str), hop: &str, observer: &Arc<dyn Observer>) -> Result<Dialled, Cause> {
    let mut child = Command::new(shell)
        .arg("-c")
        .arg(format!("exec {line}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| Cause::Io { what: format!("run ProxyCommand `{line}` by {}", shell.display()), source })?;
    let missing = || Cause::Protocol("the ProxyCommand has no standard streams".to_owned());
    let input = child.stdin.take().ok_or_else(missing)?;
    let output = child.stdout.take().ok_or_else(missing)?;
    let stderr = child.stderr.take().ok_or_else(missing)?;
    let words = tokio::spawn(pass_on(stderr, hop.to_owned(), observer.clone()));
    Ok((Box::new(Piped { running: Some((child, words)), input, output, ending: None, ended: None }), None))
}

async fn pass_on(stderr: tokio::process::ChildStderr, hop: String, observer: Arc<dyn Observer>) {
    let mut stderr = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        match (&mut stderr).take(STDERR_LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                observer.event(Event::Warning(format!("{hop}: ProxyCommand: {}", text.trim_end())));
            }
        }
    }
}

/// A child, and the task that passes on its words.
type Running = (Child, JoinHandle<()>);

/// A child's standard streams as one transport; the child dies with it.
struct Piped {
    running: Option<Running>,
    input: ChildStdin,
    output: ChildStdout,
    /// Once a stream has ended: finding out how the child did.
    ending: Option<Pin<Box<dyn Future<Output = String> + Send>>>,
    /// How it did.
    ended: Option<String>,
}

/// How a child ended whose output has ended, after all that it said; it is not waited for long, and killed.
async fn ended(running: Option<Running>) -> String {
    let closed = || "the ProxyCommand closed its output".to_owned();
    let Some((mut child, words)) = running else { return closed() };
    let status = tokio::time::timeout(Duration::from_secs(1), child.wait()).await;
    // a child of its own may still hold stderr open: its words may come late
    let _ = tokio::time::timeout(Duration::from_millis(500), words).await;
    match status {
        Ok(Ok(status)) => format!("the ProxyCommand ended ({status})"),
        _ => closed(),
    }
}

impl Piped {
    /// The error that both directions end with, whichever found out first.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Error> {
        if self.ended.is_none() {
            let running = self.running.take();
            let ending = self.ending.get_or_insert_with(|| Box::pin(ended(running)));
            self.ended = Some(ready!(ending.as_mut().poll(cx)));
        }
        Poll::Ready(std::io::Error::other(self.ended.clone().unwrap_or_default()))
    }
}

impl AsyncRead for Piped {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        if self.ending.is_none() {
            let before = buf.filled().len();
            ready!(Pin::new(&mut self.output).poll_read(cx, buf))?;
            if buf.filled().len() > before || buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_ended(cx).map(Err)
    }
}

impl AsyncWrite for Piped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        match ready!(Pin::new(&mut self.input).poll_write(cx, buf)) {
            // a command that has died shows here first when it never read
            Err(_) => self.poll_ended(cx).map(Err),
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.input).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.input).poll_shutdown(cx)
    }
}
