//! Which keys are still to be offered in a login, and which have been?
//!
//! Main type: [`OfferedKeys`].

use std::path::PathBuf;
use std::sync::Arc;

use russh::keys::ssh_key::HashAlg;
use tokio::sync::Mutex;

use super::error::{KeyProblem, UnusedKey};
use super::identity::Candidate;
use crate::agent::client::AgentClient;

/// The keys of one login.
#[derive(Default)]
pub(super) struct OfferedKeys {
    /// The keys still to be offered, the next one last; `None` before they have been looked for.
    pub(super) waiting: Option<Vec<Candidate>>,
    pub(super) offered: Vec<Candidate>,
    pub(super) unused: Vec<UnusedKey>,
    pub(super) doubtful: Vec<UnusedKey>,
    pub(super) agent: Option<Arc<Mutex<AgentClient>>>,
    /// The result of `best_supported_rsa_hash`, kept because that call may wait a second.
    pub(super) rsa: Option<Option<Option<HashAlg>>>,
}

impl OfferedKeys {
    /// Puts all keys back: after a partial success each may be asked for again, as in ssh (`pubkey_reset`).
    pub fn start_again(&mut self) {
        let offered = std::mem::take(&mut self.offered).into_iter().rev();
        self.waiting = self.waiting.take().map(|waiting| offered.chain(waiting).collect());
    }

    pub fn take_unused(&mut self) -> Vec<UnusedKey> {
        std::mem::take(&mut self.unused)
    }

    pub fn take_doubtful(&mut self) -> Vec<UnusedKey> {
        std::mem::take(&mut self.doubtful)
    }

    pub fn cannot_use(&mut self, file: PathBuf, problem: KeyProblem) {
        self.unused.push(UnusedKey { file, problem });
    }
}
