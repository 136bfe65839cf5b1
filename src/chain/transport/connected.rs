//! What is a connection to one host, and how is its end noticed? SSH that is verified and logged in.
//!
//! Main type: [`Connected`]. It is made in `connect/hop.rs`, from a [`HostVerified`] and an [`Authenticated`]; channels
//! over it are opened in `channel/open.rs`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use russh::client::Handle;
use russh::keys::PublicKey;
use russh::keys::agent::AgentSessionBinding;

use super::abortable::AbortHandle;
use super::byte_counts::ByteCounts;
use super::client_handler::{ClientHandler, ConnectionState};
use crate::auth::Authenticated;
use crate::chain::error::{Cause, ChainError, Trail};
use crate::chain::stage_timeout::limit;
use crate::config::Host;
use crate::progress::Stage;
use crate::prompt::Asking;
use crate::trust::HostVerified;

/// How long a host may take to answer a keepalive.
const ECHO: Duration = Duration::from_secs(5);

/// An authenticated SSH connection to one host.
pub struct Connected {
    pub trail: Trail,
    pub verified: HostVerified,
    pub login: Authenticated,
    pub handle: Handle<ClientHandler>,
    pub state: Arc<ConnectionState>,
    pub asking: Arc<Asking>,
    pub host: Host,
    /// The connection to the hop that this one goes through; it stays open as long as this one.
    pub before: Option<Arc<Connected>>,
    pub abort: AbortHandle,
    pub byte_counts: Arc<ByteCounts>,
}

impl Connected {
    /// Whether the transport has ended or was aborted.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed() || self.abort.is_aborted()
    }

    /// Aborts the transport: everything on it is lost.
    pub fn abort(&self) {
        self.abort.abort();
    }

    /// Aborts the first hop on the way here that is silent, so that the next attempt does not wait for it again.
    pub async fn abort_if_silent(&self) {
        let mut hops: Vec<&Connected> = std::iter::successors(Some(self), |hop| hop.before.as_deref()).collect();
        while let Some(hop) = hops.pop() {
            if hop.is_silent().await {
                return hop.abort();
            }
        }
    }

    /// Whether nothing arrives for [`ECHO`], not even the answer to a keepalive.
    async fn is_silent(&self) -> bool {
        let before = self.byte_counts.read.load(Ordering::Relaxed);
        let answered = tokio::time::timeout(ECHO, self.handle.send_ping()).await.is_ok();
        !answered && self.byte_counts.read.load(Ordering::Relaxed) == before
    }

    /// The first host on the way whose connection has ended.
    pub fn broken_at(&self) -> Option<&Connected> {
        let before = self.before.as_ref().and_then(|before| before.broken_at());
        before.or_else(|| self.is_closed().then_some(self))
    }

    /// Why the transport ended; empty if that is not known.
    pub fn disconnect_reason(&self) -> String {
        self.state.disconnect_reason().unwrap_or_default()
    }

    /// Runs `work` at this host within the time limit of `stage`.
    pub async fn within<T>(&self, stage: Stage, work: impl Future<Output = T>) -> Result<T, ChainError> {
        match self.asking.within(limit(stage, &self.host), work).await {
            Ok(done) => Ok(done),
            Err(limit) => {
                self.abort_if_silent().await;
                Err(self.failed(stage, Cause::TimedOut(limit)))
            }
        }
    }

    /// Whether the server proves in time that it holds all of `keys`; true if there are none.
    pub async fn prove(&self, keys: Vec<PublicKey>) -> bool {
        let proving = async { keys.is_empty() || self.handle.hostkeys_prove(keys).await.is_ok() };
        self.asking.within(limit(Stage::VerifyHost, &self.host), proving).await.unwrap_or(false)
    }

    /// An error of this connection at `stage`. A host key that changed takes precedence over any other cause.
    pub fn failed(&self, stage: Stage, cause: Cause) -> ChainError {
        self.host_key_change().unwrap_or_else(|| ChainError { trail: self.trail.clone(), stage, cause })
    }

    /// The error of the first host on the way whose key changed at a rekey.
    pub fn host_key_change(&self) -> Option<ChainError> {
        let before = self.before.as_ref().and_then(|before| before.host_key_change());
        let own = || {
            let cause = Cause::Trust(self.state.host_key_change()?);
            Some(ChainError { trail: self.trail.clone(), stage: Stage::VerifyHost, cause })
        };
        before.or_else(own)
    }

    /// The cause for a transport that broke with `error`: the server's own text if there is one.
    pub fn lost(&self, error: &russh::Error) -> Cause {
        Cause::Lost(self.state.disconnect_reason().unwrap_or_else(|| match error {
            russh::Error::Disconnect | russh::Error::SendError => String::new(),
            other => other.to_string(),
        }))
    }

    /// Returns when the transport has ended.
    pub async fn ended(&self) {
        self.state.ended.cancelled().await;
    }

    /// The data of the first key exchange for a session-bind to an agent (OpenSSH PROTOCOL.agent §1).
    pub fn binding(&self) -> Option<&AgentSessionBinding> {
        self.handle.agent_session_binding()
    }
}
