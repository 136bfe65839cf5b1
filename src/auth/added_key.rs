//! Does a key go into the user's agent (`AddKeysToAgent`)? One of a file does that has just logged in, once a run.
//!
//! ssh adds each key that it reads; here it is one that a server has accepted. That it could not be added is told under
//! `-v`: the login is none the worse for it.

use russh::client::Handler;
use russh::keys::PrivateKey;

use super::identity::{Candidate, Hands};
use super::login::LoginAttempt;
use crate::agent::client::{AgentClient, AgentError, Constraints};
use crate::config::host::{AddKeys, AddKeysToAgent, IdentityAgent};

impl<H: Handler> LoginAttempt<'_, H> {
    /// Adds the key of `candidate`, if it is one of a file and the configuration wants it.
    pub(super) async fn add_to_agent(&self, candidate: &Candidate) {
        let AddKeysToAgent { add, lifetime } = self.host.add_keys_to_agent.value;
        let (Hands::File(path), IdentityAgent::Socket(socket)) = (&candidate.hands, &self.host.identity_agent.value)
        else {
            return;
        };
        if add == AddKeys::No || self.keyring.is_mute(socket) || !self.keyring.adds_first(path) {
            return;
        }
        let Ok(key) = self.keyring.unlock(path, 0).await else { return };
        if add == AddKeys::Ask {
            let what = format!("Add key {} ({}) to agent", path.display(), key.comment());
            let agreed = self.may_ask() && self.answer_timeout.elsewhere(self.keyring.agrees(what)).await == Ok(true);
            if !agreed {
                return self.detail(&format!("not added to the agent: {}", path.display()));
            }
        }
        let constraints = Constraints { lifetime, confirm: add == AddKeys::Confirm };
        let adding =
            async { AgentClient::connect(socket).await?.add(&key, &comment(candidate, &key), constraints).await };
        match self.answer_timeout.elsewhere(adding).await {
            Ok(()) => self.detail(&format!("added to the agent: {}", path.display())),
            Err::<_, AgentError>(error) => self.detail(&format!("not added to the agent: {}: {error}", path.display())),
        }
    }
}

/// What the agent calls the key.
fn comment(candidate: &Candidate, key: &PrivateKey) -> String {
    match key.comment().to_string() {
        empty if empty.is_empty() => candidate.to_string(),
        comment => comment,
    }
}
