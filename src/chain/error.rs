//! What failed, at which hop, on which rung.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::auth::AuthError;
use crate::progress::Stage;
use crate::sftp::SftpError;
use crate::trust::TrustError;
use crate::words::words_of;

/// A hop that could not be climbed, or a session that broke.
///
/// Reads like `acc-pvt: laptop > acc-bastion > acc-pvt: authenticate: publickey refused (…)`.
#[derive(Debug, Error)]
#[error("{}: {trail}: {stage}: {cause}", trail.end())]
pub struct ChainError {
    /// The hosts from here to the one that failed.
    pub trail: Trail,
    /// The rung that failed.
    pub stage: Stage,
    /// Why.
    #[source]
    pub cause: Cause,
}

impl ChainError {
    /// The transport broke where there had been one. Before the keys are exchanged it may be anybody's refusal, and words
    /// of the server are one.
    pub fn is_broken(&self) -> bool {
        match &self.cause {
            Cause::Lost(_) => self.stage > Stage::Greet,
            Cause::Auth(AuthError::Disconnected { reason, .. }) => reason.is_empty(),
            Cause::Auth(AuthError::Transport(_)) => true,
            Cause::Sftp(error) => matches!(error, SftpError::Ended(_)),
            _ => false,
        }
    }

    /// The connection ended before its login was done, whoever ended it. By a host that has just let us in, it was lost.
    pub fn has_ended(&self) -> bool {
        matches!(self.cause, Cause::Lost(_) | Cause::Auth(AuthError::Disconnected { .. } | AuthError::Transport(_)))
    }

    /// A host that was reached before may be reached again later: one that restarts refuses for a while.
    pub fn may_pass(&self) -> bool {
        let is_out_of_reach =
            matches!(self.cause, Cause::Io { .. } | Cause::ForwardRefused { .. } | Cause::Resolve { .. });
        is_out_of_reach || self.is_late() || matches!(self.cause, Cause::Lost(_)) || self.is_broken()
    }

    /// It took longer than it may.
    pub(super) fn is_late(&self) -> bool {
        matches!(self.cause, Cause::TimedOut(_) | Cause::Auth(AuthError::TimedOut { .. }))
    }
}

/// The hosts from this machine (`laptop`) to one host, by alias.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Trail(pub Vec<String>);

impl Trail {
    /// The last host of the trail.
    pub fn end(&self) -> &str {
        self.0.last().map_or("laptop", String::as_str)
    }
}

impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("laptop")?;
        self.0.iter().try_for_each(|hop| write!(f, " > {hop}"))
    }
}

/// Why a rung failed.
#[derive(Debug, Error)]
pub enum Cause {
    /// The name has no address (first hop: here; later ones: at the hop before).
    #[error("cannot resolve {name}: {problem}")]
    Resolve {
        /// The name.
        name: String,
        /// What the resolver said.
        problem: String,
    },
    /// The system refused: connection refused, unreachable, …
    #[error("{what}: {}", words_of(source))]
    Io {
        /// What was tried (`connect to 10.0.0.1:22`).
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Nothing happened for too long.
    #[error("no answer within {}", seconds(.0))]
    TimedOut(Duration),
    /// The hop before would not, or could not, open a channel to this one (RFC 4254 §5.1).
    #[error("{by} cannot open {to}: {reason}")]
    ForwardRefused {
        /// The hop that was asked.
        by: String,
        /// `host:port` as it was asked for.
        to: String,
        /// The SSH reason and the text that came with it.
        reason: String,
    },
    /// The host key did not pass.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The login did not pass.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The peer is no SSH server, or shares no algorithm with us, or broke the protocol.
    #[error("{0}")]
    Protocol(String),
    /// The server refused a channel, a subsystem or a command.
    #[error("{0}")]
    Refused(String),
    /// The connection was lost.
    #[error("connection lost{}", because(.0))]
    Lost(String),
    /// The SFTP version exchange failed.
    #[error(transparent)]
    Sftp(#[from] SftpError),
}

fn seconds(duration: &Duration) -> String {
    format!("{} s", duration.as_secs_f32())
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}
