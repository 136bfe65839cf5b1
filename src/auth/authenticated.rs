//! What proves that a login succeeded?
//!
//! Main type: [`Authenticated`].

use super::credential::Credential;

/// Proof of a login that succeeded. Only [`authenticate`](super::authenticate) makes one.
#[derive(Debug)]
pub struct Authenticated {
    pub(super) user: String,
    pub(super) methods: Vec<String>,
    pub(super) needed_a_person: bool,
    pub(super) credential: Option<Credential>,
}

impl Authenticated {
    /// The key that logged in, if a key alone was enough.
    pub fn credential(&self) -> Option<&Credential> {
        self.credential.as_ref()
    }

    /// The user who is logged in.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The methods that logged in: `publickey /home/a/acc.pem`, `keyboard-interactive`, or several joined by `, `.
    pub fn method(&self) -> String {
        self.methods.join(", ")
    }

    /// Whether another login to the same host would need a person again, for a code to type or a security key to touch.
    /// Passphrases and passwords are remembered, so they do not count.
    pub fn needed_a_person(&self) -> bool {
        self.needed_a_person
    }
}
