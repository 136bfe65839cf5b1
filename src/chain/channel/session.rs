//! What can be done at the end of the chain? Start SFTP, run a program, connect further, listen.
//!
//! Main type: [`Session`]. A running program is a [`Process`] (`process.rs`). Clones share a session; its connection
//! ends with the last clone and the last channel.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use russh::Channel;
use russh::client::Msg;
use tokio::sync::mpsc::Receiver;
use tokio::time::error::Elapsed;

use super::channel_stream::ChannelStream;
use super::halves::split;
use super::process::{self, Process, Program, Task};
use crate::agent::wire::SessionBind;
use crate::auth::Authenticated;
use crate::chain::error::{Cause, ChainError, Trail};
use crate::chain::transport::connected::Connected;
use crate::chain::transport::incoming_channels::{IncomingChannel, IncomingType};
use crate::progress::Stage;
use crate::sftp;
use crate::trust::HostVerified;

/// How long a host may try to connect to another: Linux takes two minutes for an address that never answers.
const CONNECTING: Duration = Duration::from_secs(600);

/// An authenticated session with a verified host.
#[derive(Clone)]
pub struct Session {
    connection: Arc<Connected>,
}

impl Session {
    pub(crate) fn new(connection: Arc<Connected>) -> Self {
        Session { connection }
    }

    /// The hosts from this machine to here.
    pub fn trail(&self) -> &Trail {
        &self.connection.trail
    }

    /// The proof that the host's key was verified.
    pub fn host_verified(&self) -> &HostVerified {
        &self.connection.verified
    }

    /// Whether a person had to answer a question to log in here: a further login would ask again.
    pub fn needed_a_person(&self) -> bool {
        self.connection.login.needed_a_person()
    }

    /// The login that the server accepted.
    pub fn login(&self) -> &Authenticated {
        &self.connection.login
    }

    /// The server's version string (`SSH-2.0-OpenSSH_9.2`), as proven by the key exchange.
    pub fn server_version(&self) -> &str {
        self.connection.state.version.get().map_or("", String::as_str)
    }

    /// This host and every host on the way here, the last first: aliases and proofs.
    pub fn passed(&self) -> Vec<(&str, &HostVerified)> {
        let hops = std::iter::successors(Some(&self.connection), |hop| hop.before.as_ref());
        hops.map(|hop| (hop.trail.end(), &hop.verified)).collect()
    }

    /// The number of agent channels that the host opened while nobody listened through [`Session::listen_agent`]; all
    /// were refused.
    pub fn agents_refused(&self) -> u32 {
        self.connection.incoming_channels().agents_refused()
    }

    /// Starts the `sftp` subsystem on a channel of its own (RFC 4254 §6.5).
    pub async fn sftp(&self) -> Result<sftp::Client, ChainError> {
        let channel = self.connection.open_session().await?;
        let (incoming, outgoing) = split(channel, self.connection.clone());
        let refused = incoming.refused();
        let failed = |cause| self.connection.failed(Stage::StartSftp, cause);
        let start = async {
            let asked = outgoing.half().request_subsystem(true, "sftp").await;
            asked.map_err(|error| failed(self.connection.lost(&error)))?;
            Ok(sftp::Client::start(incoming, outgoing).await)
        };
        let starting = self.connection.within(Stage::StartSftp, start).await??;
        starting.map_err(|error| match refused.load(Ordering::Acquire) {
            true => failed(Cause::Refused("the server has no sftp subsystem".to_owned())),
            false => failed(Cause::Sftp(error)),
        })
    }

    /// Runs `command` in the remote user's shell (RFC 4254 §6.5). The bytes are passed on unchanged: quote whatever the
    /// shell must not interpret. Output that is not read stops the whole session, so a process should have a session of
    /// its own.
    pub async fn exec(&self, command: &[u8]) -> Result<Process, ChainError> {
        self.start(&Program::new(Task::Command(command.to_vec()))).await
    }

    /// Starts a program on a channel of its own (RFC 4254 §6), with its terminal and its environment. As with
    /// [`Session::exec`], output that is not read stops the whole session.
    pub async fn start(&self, program: &Program) -> Result<Process, ChainError> {
        process::start(&self.connection, program).await
    }

    /// Opens a connection to `host:port` as the host sees it, for a client that connected from `originator` (RFC 4254
    /// §7.2). The host may try several addresses in turn, for [`CONNECTING`] in all.
    pub async fn tcpip(&self, host: &str, port: u16, originator: (&str, u16)) -> Result<ChannelStream, ChainError> {
        let opening = self.connection.direct_tcpip(host, port, originator);
        self.channel(tokio::time::timeout(CONNECTING, opening).await)
    }

    /// Opens a connection to a Unix socket of the host (OpenSSH PROTOCOL §2.4).
    pub async fn streamlocal(&self, path: &str) -> Result<ChannelStream, ChainError> {
        let opening = self.connection.direct_streamlocal(path);
        self.channel(tokio::time::timeout(CONNECTING, opening).await)
    }

    fn channel(&self, opened: Result<Result<Channel<Msg>, Cause>, Elapsed>) -> Result<ChannelStream, ChainError> {
        let opened = opened.unwrap_or(Err(Cause::TimedOut(CONNECTING)));
        let channel = opened.map_err(|cause| self.connection.failed(Stage::OpenChannel, cause))?;
        Ok(ChannelStream::new(channel, self.connection.clone()))
    }

    /// Makes the host listen on a port; for 0 it chooses one (RFC 4254 §7.1). An empty `address` means all interfaces,
    /// `localhost` the loopback ones.
    pub async fn listen_tcpip(&self, address: &str, port: u16) -> Result<RemoteListener, ChainError> {
        let listening = self.connection.within(Stage::OpenChannel, self.connection.listen_tcpip(address, port)).await?;
        let port = listening.map_err(|cause| self.connection.failed(Stage::OpenChannel, cause))?;
        Ok(self.listener(IncomingType::Tcpip(address.to_owned(), u32::from(port)), port))
    }

    /// Makes the host listen on a Unix socket (OpenSSH PROTOCOL §2.4).
    pub async fn listen_streamlocal(&self, path: &str) -> Result<RemoteListener, ChainError> {
        let listening = self.connection.within(Stage::OpenChannel, self.connection.listen_streamlocal(path)).await?;
        listening.map_err(|cause| self.connection.failed(Stage::OpenChannel, cause))?;
        Ok(self.listener(IncomingType::Streamlocal(path.to_owned()), 0))
    }

    /// Lets the host open channels to the user's agent; a [`Program`] must request them too.
    pub fn listen_agent(&self) -> RemoteListener {
        self.listener(IncomingType::Agent, 0)
    }

    fn listener(&self, kind: IncomingType, port: u16) -> RemoteListener {
        RemoteListener {
            queue: self.connection.incoming_channels().allow(kind),
            connection: self.connection.clone(),
            port,
        }
    }

    /// The session-bind message for an agent that is going to serve this host through us (OpenSSH PROTOCOL.agent §1).
    pub fn agent_binding(&self) -> Option<SessionBind> {
        self.connection.binding().map(|binding| SessionBind {
            host_key: binding.host_key().to_vec(),
            session_id: binding.session_id().to_vec(),
            signature: binding.signature().to_vec(),
            is_forwarding: true,
        })
    }

    /// Waits until the server has read everything sent before, which its answer to a request shows (RFC 4254 §4), or
    /// the connection has ended. There is no time limit for a server that does not answer: the caller has to set one.
    pub async fn taken_in(&self) {
        let _ = self.connection.handle.send_ping().await; // an error means that the connection has ended
    }

    /// The error of the first host on the way whose key changed at a rekey.
    pub fn host_key_change(&self) -> Option<ChainError> {
        self.connection.host_key_change()
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.connection.is_closed()
    }

    /// Waits until the connection has ended, and returns the reason.
    pub async fn ended(&self) -> ChainError {
        self.connection.ended().await;
        self.connection.failed(Stage::Transfer, self.connection.lost(&russh::Error::Disconnect))
    }
}

/// A port or socket where the host listens for us, or the forwarded agent.
pub struct RemoteListener {
    queue: Receiver<IncomingChannel>,
    connection: Arc<Connected>,
    port: u16,
}

impl RemoteListener {
    /// The port; 0 for a socket or an agent.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next connection, and its originator as named by the host; `None` if the session has ended.
    pub async fn accept(&mut self) -> Option<(ChannelStream, String)> {
        let IncomingChannel { channel, originator } = tokio::select! {
            incoming = self.queue.recv() => incoming?,
            () = self.connection.ended() => return None,
        };
        Some((ChannelStream::new(channel, self.connection.clone()), originator))
    }
}
