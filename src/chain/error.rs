//! What failed, at which hop, at which stage?
//!
//! Main types: [`ChainError`], [`Cause`], [`Trail`]. What to do about it is `cli/advice`'s business.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::auth::AuthError;
use crate::config::Family;
use crate::progress::Stage;
use crate::sftp::SftpError;
use crate::trust::TrustError;
use crate::words::words_of;

/// A hop that was not reached, or a session that broke.
///
/// Reads like `acc-pvt: laptop > acc-bastion > acc-pvt: authenticate: publickey refused (…)`.
#[derive(Debug, Error)]
#[error("{}: {trail}: {stage}: {cause}", trail.end())]
pub struct ChainError {
    /// The hosts from here to the one that failed.
    pub trail: Trail,
    /// The stage that failed.
    pub stage: Stage,
    /// The reason.
    #[source]
    pub cause: Cause,
}

impl ChainError {
    /// Whether an established connection was lost. Two cases do not count, because they may be a refusal: a connection
    /// that ends before the keys are exchanged, and one that the server ended with a message of its own.
    pub fn is_broken(&self) -> bool {
        match &self.cause {
            Cause::Lost(_) => self.stage > Stage::Greet,
            Cause::Auth(AuthError::Disconnected { reason, .. }) => reason.is_empty(),
            Cause::Auth(AuthError::Transport(_)) => true,
            Cause::Sftp(error) => matches!(error, SftpError::Ended(_)),
            _ => false,
        }
    }

    /// Whether the connection ended before its login was done, on either side. If the host has accepted another login a
    /// moment ago, it did not refuse this one: the connection was lost.
    pub fn has_ended(&self) -> bool {
        matches!(self.cause, Cause::Lost(_) | Cause::Auth(AuthError::Disconnected { .. } | AuthError::Transport(_)))
    }

    /// Whether a later attempt may succeed at a host that an earlier one reached: a host that restarts refuses for a
    /// while.
    pub fn may_pass(&self) -> bool {
        let is_out_of_reach =
            matches!(self.cause, Cause::Io { .. } | Cause::ForwardRefused { .. } | Cause::Resolve { .. });
        is_out_of_reach || self.is_late() || matches!(self.cause, Cause::Lost(_)) || self.is_broken()
    }

    /// Whether a time limit was reached.
    pub(super) fn is_late(&self) -> bool {
        matches!(self.cause, Cause::TimedOut(_) | Cause::Auth(AuthError::TimedOut { .. } | AuthError::TooLong { .. }))
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

/// Why a stage failed.
#[derive(Debug, Error)]
pub enum Cause {
    /// The name has no address (first hop: here; later ones: at the hop before).
    #[error("cannot resolve {name}: {problem}")]
    Resolve {
        /// The name.
        name: String,
        /// The resolver's error.
        problem: String,
    },
    /// The system refused: connection refused, unreachable, …
    #[error("{what}: {}", words_of(source))]
    Io {
        /// The attempt (`connect to 10.0.0.1:22`).
        what: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The stage took longer than this limit.
    #[error("no answer within {}", seconds(.0))]
    TimedOut(Duration),
    /// The hop before did not open a channel to this host (RFC 4254 §5.1).
    #[error("{by} cannot open {to}: {reason}")]
    ForwardRefused {
        /// Alias of the hop before.
        by: String,
        /// `host:port` of the request.
        to: String,
        /// The SSH reason and the text that came with it.
        reason: String,
    },
    /// The host key was not accepted.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The login was not accepted.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// Hop and the server have no algorithm of a kind in common.
    #[error("no {} algorithm in common: hop offers {}, the server {}", family_word(*family), ours.join(","), theirs.join(","))]
    NoCommonAlgorithm {
        /// The kind.
        family: Family,
        /// What hop offers.
        ours: Vec<String>,
        /// What the server offers.
        theirs: Vec<String>,
    },
    /// A list of the configuration names nothing that hop could offer.
    #[error("{0}")]
    NothingToOffer(String),
    /// The peer is not an SSH server, or broke the protocol.
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

fn family_word(family: Family) -> &'static str {
    match family {
        Family::Cipher => "Cipher",
        Family::Mac => "Mac",
        Family::Kex | Family::GssapiKex => "Kex",
        Family::Key | Family::Signature => "Key",
    }
}

fn seconds(duration: &Duration) -> String {
    format!("{} s", duration.as_secs_f32())
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}
