//! What is the proof of a login?
//!
//! Main type: [`Authenticated`].

use super::credential::Credential;

/// A login that succeeded. Only [`authenticate`](super::authenticate) makes one.
#[derive(Debug)]
pub struct Authenticated {
    pub(super) user: String,
    pub(super) methods: Vec<String>,
    pub(super) needed_a_person: bool,
    pub(super) credential: Option<Credential>,
}

impl Authenticated {
    /// The key that opened the target, where a key alone did.
    pub fn credential(&self) -> Option<&Credential> {
        self.credential.as_ref()
    }

    /// Whom we are logged in as.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// What opened the target: `publickey /home/a/acc.pem`, `keyboard-interactive`, or several joined by `, `.
    pub fn method(&self) -> String {
        self.methods.join(", ")
    }

    /// True when a further login to the same host would need a person again: a code to type, a security key to touch.
    /// Passphrases and passwords are remembered, so they do not count.
    pub fn needed_a_person(&self) -> bool {
        self.needed_a_person
    }
}
