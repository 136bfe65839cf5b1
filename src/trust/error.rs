//! Why is this host not verified? [`TrustError`] states facts, without advice: the host as known_hosts names it, and
//! the lines that speak against it. Which hop it was and what to type is added by its callers.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// A line of a known_hosts file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAt {
    /// The file; `KnownHostsCommand-HOSTNAME` for the output of the command.
    pub file: PathBuf,
    /// The line number, from 1.
    pub line: usize,
    /// The key type recorded there, as known_hosts names it (`ssh-ed25519`).
    pub algorithm: String,
    /// `SHA256:…` of the key recorded there.
    pub fingerprint: String,
}

/// The list that revokes a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoker {
    /// A line of known_hosts or of `RevokedHostKeys`.
    Line(Box<KnownAt>),
    /// A key revocation list: the whole file, since it has no lines.
    List(PathBuf),
}

impl fmt::Display for Revoker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Revoker::Line(at) => write!(f, "{}:{}", at.file.display(), at.line),
            Revoker::List(file) => write!(f, "{}", file.display()),
        }
    }
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
    /// There is no user file to record the key in, or the name cannot be written in one. ssh refuses here too.
    NowhereToRecord,
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
    /// Keys are known for the name, and the presented key is none of them.
    #[error("host key CHANGED: {host} presented {algorithm} {fingerprint}")]
    Changed {
        /// The name looked up in known_hosts.
        host: String,
        /// The type of the key that was presented.
        algorithm: String,
        /// `SHA256:…` of the key that was presented.
        fingerprint: String,
        /// The lines with the known keys.
        known: Vec<KnownAt>,
    },
    /// The host presented another key in a later key exchange (RFC 4253 §9) than at the start of the connection.
    #[error("host key CHANGED: {host} presented {} when keys were changed", shown.as_deref().unwrap_or("none that could be seen"))]
    ChangedAtRekey {
        /// The name looked up in known_hosts.
        host: String,
        /// The type and `SHA256:…` of the key presented then; `None` if it was not seen.
        shown: Option<String>,
    },
    /// The key, or the authority that signed its certificate, is marked `@revoked` or listed in `RevokedHostKeys`.
    #[error("host key REVOKED: {host} presented {algorithm} {fingerprint}")]
    Revoked {
        /// The name looked up in known_hosts.
        host: String,
        /// The type of the key that was presented.
        algorithm: String,
        /// `SHA256:…` of the key that was presented.
        fingerprint: String,
        /// What revokes it.
        by: Revoker,
    },
    /// A host certificate that is not valid.
    #[error("host certificate for {host}: {problem}")]
    Certificate {
        /// The name looked up in known_hosts.
        host: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An RSA key that is too short to be trusted (`RequiredRSASize`).
    #[error("host key of {host} is too short: RSA with {bits} bits")]
    TooShort {
        /// The name looked up in known_hosts.
        host: String,
        /// The length of its modulus in bits.
        bits: u32,
    },
    /// `KnownHostsCommand` gave no answer.
    #[error("KnownHostsCommand for {host}: {problem}")]
    Command {
        /// The name looked up in known_hosts.
        host: String,
        /// What went wrong.
        problem: String,
    },
    /// A known_hosts file could not be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The accepted key could not be recorded.
    #[error("cannot record the host key in {}: {source}", file.display())]
    Record {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}
