//! What happened during a loan? Main type: [`Account`]: the signatures given, and each [`Refusal`] by name.

use std::collections::BTreeMap;

use thiserror::Error;

/// The signatures and refusals of a loan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// The number of signatures given.
    pub signatures: u32,
    /// How often each kind of request was refused.
    pub refusals: BTreeMap<Refusal, u32>,
    /// Why a signature that the policy allowed could not be made.
    pub failure: Option<String>,
}

impl Account {
    /// The total number of refusals.
    pub fn refused(&self) -> u32 {
        self.refusals.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The reasons for the refusals, in words.
    pub fn reasons(&self) -> String {
        self.refusals.keys().map(Refusal::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Adds the account of another loan.
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

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum Refusal {
    /// Nothing is lent yet, or nothing any more.
    #[error("outside of the loan's time")]
    NotArmed,
    /// More connections to the agent than a login needs.
    #[error("too many agent connections")]
    Crowd,
    /// A frame whose length no message has.
    #[error("giant or empty message")]
    Frame,
    /// A message that did not arrive in time.
    #[error("too slow")]
    TooSlow,
    /// Bytes that are not a message.
    #[error("malformed message")]
    Malformed,
    /// A message that adds, removes or locks keys, or an extension.
    #[error("not a request to list or sign")]
    Unsupported,
    /// A session-bind to a host that is not the destination, or without proof.
    #[error("session bound to another host, or without proof")]
    Unbound,
    /// A session-bind for forwarding the agent.
    #[error("agent passed on to another host")]
    PassedOn,
    /// A second session-bind on one connection.
    #[error("bound twice")]
    BoundTwice,
    /// An earlier session-bind on the connection was bad.
    #[error("connection with a bad binding")]
    Poisoned,
    /// A key that is not the one lent.
    #[error("another key")]
    OtherKey,
    /// Data to sign that is not a publickey login.
    #[error("not a login")]
    NotALogin,
    /// A user who is not the one stated.
    #[error("another user")]
    OtherUser,
    /// A service other than `ssh-connection`.
    #[error("another service")]
    OtherService,
    /// An algorithm that does not belong to the key, or is weak.
    #[error("another algorithm")]
    OtherAlgorithm,
    /// A session that is not proven to be with the destination.
    #[error("session not proven to be with the destination")]
    OtherSession,
    /// A login that does not contain the destination's host key although it must, or contains another.
    #[error("login not bound to the destination")]
    NotHostbound,
    /// A session for which a login was signed before.
    #[error("replay")]
    Replay,
}
