//! Tunnels: connections that come in on one side of the chain go out on the other.
//!
//! `-L` and `-D` listen here ([`local`]), `-R` listens on the host ([`remote`]), `-W` joins one connection to hop's own
//! streams ([`stdio`]), and `-A` joins the host to the user's agent ([`agent`]). Each connection has its own task
//! (`pump.rs`), and those of `-L` and `-D` have, as far as possible, a session each (`tunnel_sessions.rs`). The bytes
//! that wait for slow readers are bounded over all of them (`hold.rs`).
//!
//! | floor | what is there |
//! | --- | --- |
//! | `tunnel_sessions` `pump` `listen` | a session for each connection; a connection and its channel; listening here |
//! | `hold` `spec` `socks` `permitted` | the bytes that wait for slow readers; which forwarding goes where; SOCKS |

mod hold;
mod listen;
mod permitted;
mod pump;
mod socks;
mod spec;
mod tunnel_sessions;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::task::JoinSet;

pub use hold::Hold;
pub use listen::{Listener, Listening};
pub use permitted::Permitted;
pub use spec::{Forward, ForwardAddress, ForwardTarget};
pub use tunnel_sessions::{MOST_SESSIONS, TunnelSessions};

use crate::agent::AgentClient;
use crate::chain::{Arrival, ChainError, ChannelStream, RemoteListener, Session};
use crate::progress::{Event, Observer};
use hold::HoldShare;
use listen::Local;
use pump::pump;

/// The most connections that the host may have open to one place on this side; the host itself sets no limit.
const MOST_FROM_THERE: usize = 1024;

/// What the tunnels of a run share.
#[derive(Clone)]
pub struct Tunnels {
    /// The sessions for connections accepted on this side.
    pub sessions: Arc<TunnelSessions>,
    /// The bytes that wait for the readers of connections accepted on the host, all of which use one session.
    pub hold: Arc<Hold>,
    /// Where connections from the host may lead that name their destination.
    pub permitted: Permitted,
    /// The observer that is told about connections that fail.
    pub observer: Arc<dyn Observer>,
}

/// Serves a local listener while it is polled. Each connection uses a session that is alive at that moment, so the
/// listener outlives a lost connection.
pub async fn local(listener: Listener, to: ForwardTarget, tunnels: Tunnels) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok(local) => {
                let (to, tunnels) = (to.clone(), tunnels.clone());
                connections.spawn(async move {
                    if let Err(problem) = outward(local, &to, &tunnels).await {
                        tunnels.observer.event(Event::Warning(problem));
                    }
                });
            }
            // most often there are no descriptors left: open connections continue, and free some when they end
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Forwards one local connection to its target; the error is in words.
async fn outward(mut local: Local, to: &ForwardTarget, tunnels: &Tunnels) -> Result<(), String> {
    let asked = match to {
        ForwardTarget::Fixed(_) => None,
        ForwardTarget::Asked => {
            let mut both = tokio::io::join(&mut local.reader, &mut local.writer);
            // a client whose SOCKS request is bad has already been answered
            let Ok(request) = socks::greet(&mut both).await else { return Ok(()) };
            Some(request)
        }
    };
    let (session, share) = tunnels.sessions.session().await.map_err(|error| error.to_string())?;
    let opened = match (&asked, to) {
        (Some(request), _) => session.tcpip(&request.host, request.port, (&local.from.0, local.from.1)).await,
        (None, ForwardTarget::Fixed(place)) => connect(&session, place, (&local.from.0, local.from.1)).await,
        (None, ForwardTarget::Asked) => return Ok(()),
    };
    if let Some(request) = &asked {
        let answer = socks::answer(request.version, opened.as_ref().map(drop).map_err(drop));
        local.writer.write_all(&answer).await.map_err(|error| error.to_string())?;
    }
    let channel = opened.map_err(|error| error.to_string())?;
    forward_one(local, channel, share).await
}

async fn forward_one(local: Local, channel: ChannelStream, share: HoldShare) -> Result<(), String> {
    let from = format!("{} port {}", local.from.0, local.from.1);
    let carried = pump(local.reader, local.writer, channel, share).await;
    carried.map_err(|_| format!("the connection from {from} took nothing while others waited for it: closed"))
}

/// Opens a channel to a place, as the host sees it.
async fn connect(
    session: &Session,
    place: &ForwardAddress,
    originator: (&str, u16),
) -> Result<ChannelStream, ChainError> {
    match place {
        ForwardAddress::Port(host, port) => {
            session.tcpip(host.as_deref().unwrap_or("localhost"), *port, originator).await
        }
        ForwardAddress::Path(path) => session.streamlocal(&path.to_string_lossy()).await,
    }
}

/// Makes the host listen; a port without an address follows the rule of `channel_rfwd_bind_host` (`channels.c`).
pub async fn listen_there(session: &Session, place: &ForwardAddress) -> Result<RemoteListener, ChainError> {
    match place {
        ForwardAddress::Path(path) => session.listen_streamlocal(&path.to_string_lossy()).await,
        ForwardAddress::Port(host, port) => {
            let address = match host.as_deref() {
                None => "localhost",
                Some("*") => "",
                Some(host) => host,
            };
            session.listen_tcpip(address, *port).await
        }
    }
}

/// Serves a remote listener until its session ends: each connection goes to a place on this side.
pub async fn remote(mut listener: RemoteListener, to: ForwardTarget, tunnels: Tunnels) {
    let mut connections = JoinSet::new();
    while let Some((channel, originator)) = accepted(&mut listener, &mut connections).await {
        let (to, tunnels) = (to.clone(), tunnels.clone());
        connections.spawn(async move {
            if let Err(problem) = inward(channel, &to, &tunnels).await {
                tunnels.observer.event(Event::Warning(format!("connection from {originator}: {problem}")));
            }
        });
    }
}

/// The next connection from the host, once fewer than the limit are open; meanwhile a few wait, and more are refused.
async fn accepted(listener: &mut RemoteListener, connections: &mut JoinSet<()>) -> Option<(ChannelStream, String)> {
    while connections.try_join_next().is_some() {}
    while connections.len() >= MOST_FROM_THERE {
        connections.join_next().await;
    }
    listener.accept().await
}

/// Forwards one connection from the host to its target here; the error is in words.
async fn inward(channel: ChannelStream, to: &ForwardTarget, tunnels: &Tunnels) -> Result<(), String> {
    match to {
        ForwardTarget::Fixed(place) => {
            let local = Local::connect(place).await.map_err(|error| format!("{place}: {error}"))?;
            forward_one(local, channel, tunnels.hold.share()).await
        }
        ForwardTarget::Asked => reverse_socks(channel, tunnels).await,
    }
}

/// SOCKS for the far side: the pump is connected to a pipe, and the request is read from the pipe's other end.
async fn reverse_socks(channel: ChannelStream, tunnels: &Tunnels) -> Result<(), String> {
    let (near, mut far) = tokio::io::duplex(64 * 1024);
    let (reader, writer) = tokio::io::split(near);
    let serving = async {
        let request = socks::greet(&mut far).await.map_err(|error| error.to_string())?;
        let is_permitted = tunnels.permitted.permits(&request.host, request.port);
        let place = ForwardAddress::Port(Some(request.host), request.port);
        let local = match is_permitted {
            true => Local::connect(&place).await,
            false => Err(io::Error::new(io::ErrorKind::PermissionDenied, "PermitRemoteOpen does not list it")),
        };
        let answer = socks::answer(request.version, local.as_ref().map(drop).map_err(drop));
        far.write_all(&answer).await.map_err(|error| error.to_string())?;
        let local = local.map_err(|error| format!("{place}: {error}"))?;
        let mut both = tokio::io::join(local.reader, local.writer);
        tokio::io::copy_bidirectional(&mut far, &mut both).await.map_err(|error| error.to_string())
    };
    let carrying = pump(reader, writer, channel, tunnels.hold.share());
    let (served, carried) = tokio::join!(serving, carrying);
    carried.map_err(|_| "it took nothing while others waited for it: closed".to_owned())?;
    served.map(drop)
}

/// Joins one connection to `input` and `output` until the far side closes it (`-W`).
///
/// # Errors
/// The far side does not open the connection.
pub async fn stdio(
    session: &Session,
    place: &ForwardAddress,
    mut input: Receiver<Bytes>,
    output: Sender<Bytes>,
) -> Result<(), ChainError> {
    let ChannelStream { mut incoming, outgoing } = connect(session, place, ("127.0.0.1", 65535)).await?;
    let sending = async {
        while let Some(chunk) = input.recv().await {
            if outgoing.send(chunk).await.is_err() {
                break; // the other direction reports the error
            }
        }
        let _ = outgoing.end().await; // likewise
        std::future::pending::<()>().await;
    };
    let receiving = async {
        while let Some(arrival) = incoming.next().await {
            if let Arrival::Data(chunk) = arrival
                && output.send(chunk).await.is_err()
            {
                return;
            }
        }
    };
    tokio::select! {
        () = sending => {}
        () = receiving => {}
    }
    Ok(())
}

/// Serves the host's connections to the user's agent until the session ends. Each connection first tells the agent
/// which session it serves, so that keys restricted to destinations work (OpenSSH PROTOCOL.agent §1).
pub async fn agent(session: Session, socket: PathBuf, tunnels: Tunnels) {
    let mut listener = session.listen_agent();
    let mut connections = JoinSet::new();
    while let Some((channel, _)) = accepted(&mut listener, &mut connections).await {
        let (session, socket, tunnels) = (session.clone(), socket.clone(), tunnels.clone());
        connections.spawn(async move {
            if let Err(error) = to_agent(&session, &socket, channel, &tunnels).await {
                tunnels.observer.event(Event::Warning(format!("agent forwarding: {error}")));
            }
        });
    }
}

async fn to_agent(session: &Session, socket: &Path, channel: ChannelStream, tunnels: &Tunnels) -> io::Result<()> {
    let mut client = AgentClient::connect(socket).await.map_err(io::Error::other)?;
    if let Some(binding) = session.agent_binding() {
        let _ = client.session_bind(binding).await; // agents before OpenSSH 8.9 know no binding, and have no such keys
    }
    let stream = client.into_stream().ok_or_else(|| io::Error::other("the agent did not answer"))?;
    let local = Local::unix(stream);
    forward_one(local, channel, tunnels.hold.share()).await.map_err(io::Error::other)
}
