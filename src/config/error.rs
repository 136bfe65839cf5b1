//! Why is there no configuration? Facts with file and line; what to do about it is said elsewhere.
//!
//! Main type: [`ConfigError`].

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use super::origin::Origin;

/// Whether an error is one of permissions (they have an exit code of their own).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigErrorKind {
    /// A file that someone else could have written.
    Permissions,
    /// Anything else.
    Invalid,
}

/// A line that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Where it stands: a file and line, or the flag it came with.
    pub origin: Origin,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.problem)
    }
}

/// Why a host cannot be resolved.
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
        /// Its owner.
        uid: u32,
        /// Its mode bits.
        mode: u32,
    },
    /// A file that is there, or was asked for, and cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `Include` nested deeper than 16.
    #[error("{}: too many nested includes", file.display())]
    TooDeep {
        /// The file that was to be read next.
        file: PathBuf,
    },
    /// A value that cannot be used for this host: an unknown token, a name a shell could act on, …
    #[error("{host}: {keyword} ({origin}): {problem}")]
    Value {
        /// The host, as typed.
        host: String,
        /// The keyword, as `ssh -G` prints it.
        keyword: String,
        /// Where the value came from.
        origin: Origin,
        /// What is wrong with it.
        problem: String,
    },
    /// The jumps lead back to a host that is on the way already.
    #[error("{}: the jumps go in a loop: {}", way.first().map_or("", String::as_str), way.join(" > "))]
    JumpLoop {
        /// The hosts, as they were met, from the target on.
        way: Vec<String>,
    },
    /// More hops than anyone has.
    #[error("{host}: more than {most} hops")]
    TooManyHops {
        /// The target, as typed.
        host: String,
        /// The most there may be.
        most: usize,
    },
    /// Canonicalisation found no name, and `CanonicalizeFallbackLocal no` forbids to go on with the one typed.
    #[error("could not resolve host `{host}` in any canonical domain")]
    NotCanonical {
        /// The name.
        host: String,
    },
    /// There are rules for aliases (`CanonicalizePermittedCNAMEs`), and the name is none.
    #[error("could not resolve host `{host}`, which CanonicalizePermittedCNAMEs is to be applied to")]
    NoSuchHost {
        /// The name.
        host: String,
    },
    /// `RefuseConnection`.
    #[error("{host}: {origin} refuses the connection: {reason}")]
    Refused {
        /// The host, as typed.
        host: String,
        /// The line.
        origin: Origin,
        /// What the line says.
        reason: String,
    },
}

impl ConfigError {
    /// What kind of error it is.
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
