//! What is a connection to one host? SSH that is verified and logged in, and how its end is found out.
//!
//! Main type: [`Connected`]. It is made in `connect/hop.rs`, from a [`HostVerified`] and an [`Authenticated`]; what is
//! opened on it is `channel/open.rs`'s business.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use russh::client::Handle;
use russh::keys::PublicKey;
use russh::keys::agent::AgentSessionBinding;

use super::abortable::Severed;
use super::byte_counts::Odometer;
use crate::auth::Authenticated;
use crate::chain::error::{Cause, ChainError, Trail};
use crate::chain::greeter::{Greeter, Notes};
use crate::chain::stage_timeout::{Asking, limit};
use crate::config::Host;
use crate::progress::Stage;
use crate::trust::HostVerified;

/// How long a host may take to answer when it is asked whether it is there.
const ECHO: Duration = Duration::from_secs(5);

/// An authenticated SSH connection to one host.
pub struct Connected {
    pub trail: Trail,
    pub verified: HostVerified,
    pub login: Authenticated,
    pub handle: Handle<Greeter>,
    pub notes: Arc<Notes>,
    pub asking: Arc<Asking>,
    pub host: Host,
    /// The hop this one is reached through stays connected as long as this one.
    pub before: Option<Arc<Connected>>,
    pub cord: Severed,
    pub odometer: Arc<Odometer>,
}

impl Connected {
    /// The transport has ended, or was cut.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed() || self.cord.is_cut()
    }

    /// Cuts the transport: everything on it is lost.
    pub fn cut(&self) {
        self.cord.cut();
    }

    /// Cuts the first hop on the way here of which nothing is heard: something has run out of time, and the next try is
    /// not to wait for the same.
    pub async fn cut_if_silent(&self) {
        let mut hops: Vec<&Connected> = std::iter::successors(Some(self), |hop| hop.before.as_deref()).collect();
        while let Some(hop) = hops.pop() {
            if hop.is_silent().await {
                return hop.cut();
            }
        }
    }

    /// Nothing comes for a while, not even an answer.
    async fn is_silent(&self) -> bool {
        let before = self.odometer.read.load(Ordering::Relaxed);
        let answered = tokio::time::timeout(ECHO, self.handle.send_ping()).await.is_ok();
        !answered && self.odometer.read.load(Ordering::Relaxed) == before
    }

    /// The first host of the way whose connection has ended.
    pub fn broken_at(&self) -> Option<&Connected> {
        let before = self.before.as_ref().and_then(|before| before.broken_at());
        before.or_else(|| self.is_closed().then_some(self))
    }

    /// Why the transport ended, as far as it is known.
    pub fn farewell(&self) -> String {
        self.notes.farewell().unwrap_or_default()
    }

    /// Gives `work` at this host as long as `stage` may take.
    pub async fn within<T>(&self, stage: Stage, work: impl Future<Output = T>) -> Result<T, ChainError> {
        match self.asking.within(limit(stage, &self.host), work).await {
            Ok(done) => Ok(done),
            Err(limit) => {
                self.cut_if_silent().await;
                Err(self.failed(stage, Cause::TimedOut(limit)))
            }
        }
    }

    /// Whether the server proves that it holds all of `keys`; nothing to prove is proven.
    pub async fn prove(&self, keys: Vec<PublicKey>) -> bool {
        keys.is_empty() || self.handle.hostkeys_prove(keys).await.is_ok()
    }

    /// An error of this connection at `stage`.
    pub fn failed(&self, stage: Stage, cause: Cause) -> ChainError {
        ChainError { trail: self.trail.clone(), stage, cause }
    }

    /// The transport broke with `error`; the server's own words come first.
    pub fn lost(&self, error: &russh::Error) -> Cause {
        Cause::Lost(self.notes.farewell().unwrap_or_else(|| match error {
            russh::Error::Disconnect | russh::Error::SendError => String::new(),
            other => other.to_string(),
        }))
    }

    /// Returns when the transport has ended.
    pub async fn ended(&self) {
        self.notes.ended.cancelled().await;
    }

    /// The first key exchange, as an agent wants to know it (OpenSSH PROTOCOL.agent §1).
    pub fn binding(&self) -> Option<&AgentSessionBinding> {
        self.handle.agent_session_binding()
    }
}
