//! How do I get there? Hosts become a session, one hop at a time, each hop's SSH inside the one before.
//!
//! [`Chain`] holds the connections of a run; a [`Way`] is a list of hosts that can be connected through as often as
//! needed; a [`Session`] is at the end of it. Each host goes through the same stages (`connect/hop.rs`): dial
//! (`connect/dial.rs`), exchange keys and verify the host key (`transport/client_handler.rs`), authenticate. Between
//! two levels of SSH is a stream that never blocks (`channel/tunnel.rs`). Keys are exchanged again when the
//! configuration says so (`transport/rekey.rs`). Nothing here knows files or verbs.
//!
//! The bulk data of one copy travels in several lanes. A lane is a session of its own at the last host. Lanes are
//! spread over a few TCP connections to the first host, because the SSH windows and TCP buffers on the way limit the
//! speed of each. A host without a bastion before it gets at most that many sessions, each shared by several lanes.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `connect` | reaching a host; the open connections |
//! | `channel` | sessions, processes, forwarded connections, tunnels |
//! | `transport` | one connection: its stream, algorithms, windows, keys, and the client's side of it |
//! | `stage_timeout` | time limits, and the one question that is open |
//! | `error` | what failed, where, at which stage |
//!
//! Memory: each level of each lane holds at most one window of undelivered bytes (8 MiB, `transport/window.rs`); the
//! rooms above decide how many bytes they request at a time.

mod channel;
mod connect;
mod error;
mod stage_timeout;
mod transport;

use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::sync::Semaphore;

pub use channel::channel_stream::{Arrival, ChannelReader, ChannelStream, ChannelWriter};
pub use channel::process::{
    ExitStatus, Output, Process, ProcessInput, ProcessOutput, Program, RemoteTerminal, Size, Task,
};
pub use channel::session::{RemoteListener, Session};
pub use error::{Cause, ChainError, Trail};
pub use transport::host_key_log::listen;
pub use transport::supported::supported;

use crate::auth::Keyring;
use crate::config::Host;
use crate::progress::Observer;
use crate::prompt::{Asking, Prompt};
use crate::sftp;
use connect::hop::HopConnector;
use connect::pool::{ConnectionPool, SessionSlot};
use connect::proxy_command::ProxyErrors;
use transport::window::WINDOW;

/// The most logins at the same time; sshd begins to drop connections at ten (`MaxStartups 10:30:100`).
const LOGINS: usize = 7;

/// The connections of one run. Cheap to clone.
#[derive(Clone)]
pub struct Chain {
    pool: Arc<ConnectionPool>,
    /// The number of TCP connections to the first hop; `None` for the default, one per lane up to a limit.
    connections: Option<usize>,
    /// The window of each channel at the last host, in bytes.
    window: u32,
}

impl Chain {
    /// A chain with no connection yet. `prompt` is asked for passphrases and passwords, and about unknown host keys.
    pub fn new(prompt: Arc<dyn Prompt>, observer: Arc<dyn Observer>) -> Self {
        Chain::begin(prompt, observer.clone(), ProxyErrors::Told(observer))
    }

    /// The same, with the standard error of each `ProxyCommand` going to `errors` as it is, as with ssh.
    pub fn with_proxy_errors(prompt: Arc<dyn Prompt>, observer: Arc<dyn Observer>, errors: Arc<OwnedFd>) -> Self {
        Chain::begin(prompt, observer, ProxyErrors::Inherited(errors))
    }

    fn begin(prompt: Arc<dyn Prompt>, observer: Arc<dyn Observer>, proxy_errors: ProxyErrors) -> Self {
        let asking = Asking::new(prompt);
        let keyring = Keyring::new(asking.clone(), observer.clone());
        let logins = Arc::new(Semaphore::new(LOGINS));
        let connector =
            HopConnector { keyring, asking, observer, proxy_errors, logins, weak_crypto_told: Arc::default() };
        Chain { pool: Arc::new(ConnectionPool::new(connector)), connections: None, window: WINDOW }
    }

    /// Spreads lanes over this many TCP connections to the first hop.
    pub fn with_connections(self, connections: usize) -> Self {
        Chain { connections: Some(connections.max(1)), ..self }
    }

    /// Sets the window of each channel at the last host, in bytes: how much the host may have in flight to us. The
    /// default is 8 MiB.
    pub fn with_window(self, window: u32) -> Self {
        Chain { window, ..self }
    }

    /// The way along `hops`, of which there is at least one and the last is the target.
    pub fn way(&self, hops: Vec<Host>) -> Way {
        let trail = Trail(hops.iter().map(|host| host.alias.clone()).collect());
        Way { chain: self.clone(), hops: hops.into(), trail }
    }
}

/// A chain of hosts that can be connected through as often as needed. Cheap to clone; opens nothing by itself.
#[derive(Clone)]
pub struct Way {
    chain: Chain,
    hops: Arc<[Host]>,
    trail: Trail,
}

impl Way {
    /// The target's name as the user typed it.
    pub fn alias(&self) -> &str {
        self.trail.end()
    }

    /// The hosts from this machine to the target.
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// The hosts, the last being the target.
    pub fn hops(&self) -> &[Host] {
        &self.hops
    }

    /// A session for `lane`; the same lane gets the same session as long as it is open.
    pub async fn session(&self, lane: usize) -> Result<Session, ChainError> {
        let connected = self.chain.pool.connect(&self.hops, self.slot(lane), self.chain.window).await?;
        Ok(Session::new(connected))
    }

    /// A session that is shared with nothing else; it ends with its last clone. `leave` decides whether it may log in;
    /// meanwhile it connects as far as it can without asking a person. `None` if it may not log in.
    pub async fn session_apart(
        &self,
        leave: impl Future<Output = Result<bool, ChainError>>,
    ) -> Result<Option<Session>, ChainError> {
        // on the heap: a test's or a worker's stack is small
        let reached = Box::pin(self.chain.pool.connect_apart(&self.hops, self.chain.window, leave)).await?;
        Ok(reached.map(Session::new))
    }

    /// A new SFTP session for `lane`.
    pub async fn sftp(&self, lane: usize) -> Result<sftp::Client, ChainError> {
        self.session(lane).await?.sftp().await
    }

    /// Gives up every connection of `lane` on this way, shared or not: their users see them as lost, and the next call
    /// connects anew. For a way on which nothing moves although nothing was closed.
    pub fn abandon(&self, lane: usize) {
        self.chain.pool.abandon(&self.hops, self.slot(lane));
    }

    /// Whether a person is being asked something, for this way or another of the same chain.
    pub fn asks_a_person(&self) -> bool {
        self.chain.pool.asks_a_person()
    }

    fn slot(&self, lane: usize) -> SessionSlot {
        let slot = match self.chain.connections {
            Some(connections) => SessionSlot { connection: lane % connections, session: lane / connections },
            None => SessionSlot::of(lane),
        };
        let session = if self.hops.len() > 1 { slot.session } else { 0 };
        SessionSlot { session, ..slot }
    }
}
