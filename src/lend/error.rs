//! Why nothing is lent: facts only.

use thiserror::Error;

use super::openssh_version::{OpenSshVersion, RESTRICTS};
use super::tier::Tier;
use crate::chain::ChainError;

/// Why nothing is lent, or why a loan went wrong.
#[derive(Debug, Error)]
pub enum LendError {
    /// One of the two hosts could not be reached.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// hop logged in to the destination with something that cannot be lent.
    #[error("{destination}: the login was by {method}, which cannot be lent: only a key can")]
    NotByKey {
        /// The destination.
        destination: String,
        /// How the login was done.
        method: String,
    },
    /// A host on the way has the destination's host key (cloned images): a proof by it would prove nothing.
    #[error("{destination} and {other} have the same host key {fingerprint}")]
    SameKey {
        /// The destination.
        destination: String,
        /// The other host.
        other: String,
        /// `SHA256:…`
        fingerprint: String,
    },
    /// The destination's host key is of a type whose signatures hop does not check here.
    #[error("{destination}: host key of type {algorithm}, which proves nothing here")]
    HostKeyType {
        /// The destination.
        destination: String,
        /// The type.
        algorithm: String,
    },
    /// A name that cannot stand in an ssh_config.
    #[error("{what} cannot be passed on: {why}")]
    Unfit {
        /// The word.
        what: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The source did not get ready.
    #[error("{source_host}: {problem}")]
    Source {
        /// The source.
        source_host: String,
        /// What it said, or did not say; a stranger's words.
        problem: String,
    },
    /// Tier D.
    #[error(
        "{source_host}: its client cannot prove where it logs in ({}; {} begins to; and there is no bash, nc, socat or \
         python3 to overhear it)", said(*client), OpenSshVersion(8, 9)
    )]
    NoProof {
        /// The source.
        source_host: String,
        /// Its client.
        client: Option<OpenSshVersion>,
    },
    /// Tier B or C, and only A would do.
    #[error("tier {tier}, where host-bound logins are required (client of {source_host}: {}; server of {destination}: {})",
        said(*client), said(*server))]
    NotHostbound {
        /// What could be had.
        tier: Tier,
        /// The source.
        source_host: String,
        /// Its client.
        client: Option<OpenSshVersion>,
        /// The destination.
        destination: String,
        /// Its server.
        server: Option<OpenSshVersion>,
    },
    /// The destination's server cannot be told to restrict a key.
    #[error("{destination}: its server ({}) is not known to restrict a key ({} begins to)", said(*server), RESTRICTS)]
    NoRestriction {
        /// The destination.
        destination: String,
        /// Its server.
        server: Option<OpenSshVersion>,
    },
    /// No one-time key was let in at the destination.
    #[error("{destination}: no one-time key was added to ~/.ssh/authorized_keys: {problem}")]
    NotAdmitted {
        /// The destination.
        destination: String,
        /// What it said, or did not say; a stranger's words.
        problem: String,
    },
    /// The one-time key's line is still there; its key is gone, so it opens nothing.
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
        /// What the key is called.
        key: String,
    },
    /// The source gives its sessions no agent.
    #[error("{source_host} forwards no agent (AllowAgentForwarding no, or no place for its socket)")]
    NoForwarding {
        /// The source.
        source_host: String,
    },
    /// A signature was given, and the client that it was meant for was refused: somebody else took it.
    #[error(
        "the signature lent to {source_host} for {user}@{destination} was used, and not by hop's own client: \
         somebody on {source_host} has taken a login"
    )]
    Misused {
        /// The source.
        source_host: String,
        /// Whom the login is for.
        user: String,
        /// Where it leads.
        destination: String,
    },
}

fn said(version: Option<OpenSshVersion>) -> String {
    version.map_or_else(|| "no OpenSSH".to_owned(), |version| version.to_string())
}
