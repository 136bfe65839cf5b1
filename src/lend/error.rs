//! Why is nothing lent? Only facts.

use thiserror::Error;

use super::openssh_version::{OpenSshVersion, RESTRICTS};
use super::tier::Tier;
use crate::chain::ChainError;

/// Why nothing is lent, or what went wrong with a loan.
#[derive(Debug, Error)]
pub enum LendError {
    /// One of the two hosts could not be reached.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// hop logged in to the destination by a method that cannot be lent.
    #[error("{destination}: the login was by {method}, which cannot be lent: only a key can")]
    NotByKey {
        /// The destination.
        destination: String,
        /// The methods of the login.
        method: String,
    },
    /// A host on the way has the destination's host key (cloned images), so a proof with that key would prove nothing.
    #[error("{destination} and {other} have the same host key {fingerprint}")]
    SameKey {
        /// The destination.
        destination: String,
        /// The other host.
        other: String,
        /// `SHA256:…`
        fingerprint: String,
    },
    /// The destination's host key has a type whose signatures hop cannot check here.
    #[error("{destination}: host key of type {algorithm}, which proves nothing here")]
    HostKeyType {
        /// The destination.
        destination: String,
        /// The type.
        algorithm: String,
    },
    /// A word that cannot be written in an ssh_config.
    #[error("{what} cannot be passed on: {why}")]
    Unfit {
        /// The word.
        what: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The source could not be prepared.
    #[error("{source_host}: {problem}")]
    Source {
        /// The source.
        source_host: String,
        /// What the source said, or that it said nothing; the text is a stranger's.
        problem: String,
    },
    /// Nothing can be proven, and the key is not an ephemeral one.
    #[error(
        "{source_host}: its client cannot prove where it logs in ({}; {} begins to; and there is no bash, nc, socat or \
         python3 to overhear it)", said(*client), OpenSshVersion(8, 9)
    )]
    NoProof {
        /// The source.
        source_host: String,
        /// The version of its client.
        client: Option<OpenSshVersion>,
    },
    /// Only tier B or C is possible, and A is required.
    #[error("tier {tier}, where host-bound logins are required (client of {source_host}: {}; server of {destination}: {})",
        said(*client), said(*server))]
    NotHostbound {
        /// The tier that is possible.
        tier: Tier,
        /// The source.
        source_host: String,
        /// The version of its client.
        client: Option<OpenSshVersion>,
        /// The destination.
        destination: String,
        /// The version of its server.
        server: Option<OpenSshVersion>,
    },
    /// The destination's server is too old to restrict a key, or not known to be able to.
    #[error("{destination}: its server ({}) is not known to restrict a key ({} begins to)", said(*server), RESTRICTS)]
    NoRestriction {
        /// The destination.
        destination: String,
        /// The version of its server.
        server: Option<OpenSshVersion>,
    },
    /// No one-time key was admitted at the destination.
    #[error("{destination}: no one-time key was added to ~/.ssh/authorized_keys: {problem}")]
    NotAdmitted {
        /// The destination.
        destination: String,
        /// What the destination said, or that it said nothing; the text is a stranger's.
        problem: String,
    },
    /// The one-time key's line is still there. The private key is gone, so the line admits nobody.
    #[error("{destination}: the line that ends with {name} could not be removed from ~/.ssh/authorized_keys")]
    LineLeft {
        /// The destination.
        destination: String,
        /// The line's comment.
        name: String,
    },
    /// The user's agent holds the key for certain hosts only.
    #[error("{destination}: {key} is held for certain hosts only (ssh-add -h), which a lent login cannot show")]
    Constrained {
        /// The destination.
        destination: String,
        /// The key's name for people.
        key: String,
    },
    /// The source does not forward an agent.
    #[error("{source_host} forwards no agent (AllowAgentForwarding no, or no place for its socket)")]
    NoForwarding {
        /// The source.
        source_host: String,
    },
    /// A signature was given, but the client it was meant for was refused: somebody else used it.
    #[error(
        "the signature lent to {source_host} for {user}@{destination} was used, and not by hop's own client: \
         somebody on {source_host} has taken a login"
    )]
    Misused {
        /// The source.
        source_host: String,
        /// The user of the login.
        user: String,
        /// The destination of the login.
        destination: String,
    },
}

fn said(version: Option<OpenSshVersion>) -> String {
    version.map_or_else(|| "no OpenSSH".to_owned(), |version| version.to_string())
}
