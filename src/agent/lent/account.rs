//! What did a loan come to? Main type: [`Account`]: the signatures given, and each [`Refusal`] by name.

use std::collections::BTreeMap;

use thiserror::Error;

/// What a loan came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Signatures given.
    pub signatures: u32,
    /// What was refused, and how often.
    pub refusals: BTreeMap<Refusal, u32>,
    /// Why a signature that was due could not be had.
    pub failure: Option<String>,
}

impl Account {
    /// Refusals in all.
    pub fn refused(&self) -> u32 {
        self.refusals.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Why something was refused, in words.
    pub fn reasons(&self) -> String {
        self.refusals.keys().map(Refusal::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Adds what another loan came to.
    pub fn add(&mut self, other: &Account) {
        self.signatures = self.signatures.saturating_add(other.signatures);
        for (refusal, count) in &other.refusals {
            let sum = self.refusals.entry(*refusal).or_default();
            *sum = sum.saturating_add(*count);
        }
        if other.failure.is_some() {
            self.failure.clone_from(&other.failure);
        }
    }

    /// Notes a refusal.
    pub fn refuse(&mut self, refusal: Refusal) {
        let count = self.refusals.entry(refusal).or_default();
        *count = count.saturating_add(1);
    }
}

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum Refusal {
    /// Nothing is lent at the moment, or nothing any more.
    #[error("outside of the loan's time")]
    NotArmed,
    /// More connections to the agent than a login needs.
    #[error("too many agent connections")]
    Crowd,
    /// A frame of a length that no message has.
    #[error("giant or empty message")]
    Frame,
    /// A message that did not come in time.
    #[error("too slow")]
    TooSlow,
    /// Bytes that are no message.
    #[error("malformed message")]
    Malformed,
    /// A message that adds, removes or locks, or an extension.
    #[error("not a request to list or sign")]
    Unsupported,
    /// A binding to a host that is not the destination, or that is not proven.
    #[error("session bound to another host, or without proof")]
    Unbound,
    /// A binding for passing the agent on.
    #[error("agent passed on to another host")]
    PassedOn,
    /// A second binding on one connection.
    #[error("bound twice")]
    BoundTwice,
    /// The connection had a bad binding before.
    #[error("connection with a bad binding")]
    Poisoned,
    /// Another key.
    #[error("another key")]
    OtherKey,
    /// Data that is no publickey login.
    #[error("not a login")]
    NotALogin,
    /// Another user.
    #[error("another user")]
    OtherUser,
    /// Another service.
    #[error("another service")]
    OtherService,
    /// An algorithm that does not belong to the key, or is weak.
    #[error("another algorithm")]
    OtherAlgorithm,
    /// A session that is not the proven one.
    #[error("session not proven to be with the destination")]
    OtherSession,
    /// A login without the destination's host key in it, where that is required, or with another.
    #[error("login not bound to the destination")]
    NotHostbound,
    /// A session that was signed for before.
    #[error("replay")]
    Replay,
}
