//! Why is there no usable configuration? The errors state facts, with file and line; advice is given elsewhere.
//!
//! Main type: [`ConfigError`].

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use super::origin::Origin;

/// Whether an error is about permissions; those have an exit code of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigErrorKind {
    /// A file that someone else could have written.
    Permissions,
    /// Any other error.
    Invalid,
}

/// A line that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Where the line is: file and line number, or the flag that held it.
    pub origin: Origin,
    /// What is wrong with the line.
    pub problem: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.problem)
    }
}

/// Why the configuration cannot be read, or a host cannot be resolved.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// Lines that OpenSSH would refuse as well; at least one.
    #[error("{}", listed(.0))]
    BadLines(Vec<BadLine>),
    /// A file that belongs to neither root nor the user, or that others can write.
    #[error("{}: bad owner or permissions (owner {uid}, mode {mode:04o})", file.display())]
    Permissions {
        /// The file.
        file: PathBuf,
        /// The user id of its owner.
        uid: u32,
        /// Its mode bits.
        mode: u32,
    },
    /// A file that exists, or was asked for, and cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// `Include` nested deeper than 16.
    #[error("{}: too many nested includes", file.display())]
    TooDeep {
        /// The file that would have been read next.
        file: PathBuf,
    },
    /// A value that cannot be used for this host: an unknown token, a name that a shell would interpret, …
    #[error("{host}: {keyword} ({origin}): {problem}")]
    Value {
        /// The host, as typed.
        host: String,
        /// The keyword, as `ssh -G` prints it.
        keyword: String,
        /// Where the value came from.
        origin: Origin,
        /// What is wrong with the value.
        problem: String,
    },
    /// The jumps lead back to a host that is already in the chain.
    #[error("{}: the jumps go in a loop: {}", way.first().map_or("", String::as_str), way.join(" > "))]
    JumpLoop {
        /// The hosts in the order they were met, beginning with the target.
        way: Vec<String>,
    },
    /// More hops than hop allows.
    #[error("{host}: more than {most} hops")]
    TooManyHops {
        /// The target, as typed.
        host: String,
        /// The largest number allowed.
        most: usize,
    },
    /// Canonicalisation found no name, and `CanonicalizeFallbackLocal no` forbids using the name as typed.
    #[error("could not resolve host `{host}` in any canonical domain")]
    NotCanonical {
        /// The name that was looked up.
        host: String,
    },
    /// `CanonicalizePermittedCNAMEs` has rules, and the name does not exist.
    #[error("could not resolve host `{host}`, which CanonicalizePermittedCNAMEs is to be applied to")]
    NoSuchHost {
        /// The name that was looked up.
        host: String,
    },
    /// A `RefuseConnection` line applies to the host.
    #[error("{host}: {origin} refuses the connection: {reason}")]
    Refused {
        /// The host, as typed.
        host: String,
        /// The line.
        origin: Origin,
        /// The reason the line gives.
        reason: String,
    },
}

impl ConfigError {
    /// The kind of the error.
    pub fn kind(&self) -> ConfigErrorKind {
        match self {
            ConfigError::Permissions { .. } => ConfigErrorKind::Permissions,
            _ => ConfigErrorKind::Invalid,
        }
    }
}

fn listed(lines: &[BadLine]) -> String {
    lines.iter().map(BadLine::to_string).collect::<Vec<_>>().join("; ")
}
