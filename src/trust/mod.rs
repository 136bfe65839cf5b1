//! Who are you? A host key is compared with what is known, and the outcome is a proof: [`HostVerified`].

use std::path::PathBuf;

use thiserror::Error;

/// A line of a known_hosts file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAt {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The key type recorded there, as written (`ssh-ed25519`).
    pub algorithm: String,
    /// `SHA256:…` of the key recorded there.
    pub fingerprint: String,
}

/// Why an unknown key was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAccepted {
    /// `StrictHostKeyChecking yes`.
    Strict,
    /// There was nobody to ask.
    NobodyToAsk,
    /// The person said no.
    Declined,
}

/// Why a host is not verified.
#[derive(Debug, Error)]
pub enum TrustError {
    /// No key is known for the name.
    #[error("host key unknown: {algorithm} {fingerprint} for {host}")]
    Unknown {
        /// The name looked up in known_hosts.
        host: String,
        /// The type of the key that was presented.
        algorithm: String,
        /// `SHA256:…` of the key that was presented.
        fingerprint: String,
        /// Why it was not accepted.
        because: NotAccepted,
    },
    /// Keys are known for the name, and this is none of them.
    #[error("host key CHANGED: {host} presented {algorithm} {fingerprint}")]
    Changed {
        /// The name looked up in known_hosts.
        host: String,
        /// The type of the key that was presented.
        algorithm: String,
        /// `SHA256:…` of the key that was presented.
        fingerprint: String,
        /// Where the known ones stand.
        known: Vec<KnownAt>,
    },
    /// The key is marked `@revoked`.
    #[error("host key REVOKED: {host} presented {algorithm} {fingerprint}")]
    Revoked {
        /// The name looked up in known_hosts.
        host: String,
        /// The type of the key that was presented.
        algorithm: String,
        /// `SHA256:…` of the key that was presented.
        fingerprint: String,
        /// The line that revokes it.
        at: KnownAt,
    },
    /// A host certificate that does not hold.
    #[error("host certificate for {host}: {problem}")]
    Certificate {
        /// The name looked up in known_hosts.
        host: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A known_hosts file could not be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The accepted key could not be recorded.
    #[error("cannot record the host key in {}: {source}", file.display())]
    Record {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
