//! What is wrong, as facts. Main types: [`Finding`], [`Gap`].

use std::time::Duration;

use super::network::{Cidr, Networks};
use crate::chain::ChainError;

/// Something that does not work, or should be known.
#[derive(Debug)]
pub enum Finding {
    /// A stage that was not reached.
    Stage {
        /// Which, where, and why.
        error: ChainError,
        /// The first words of what answers there; `None` when nothing was said.
        identification: Option<Vec<u8>>,
    },
    /// The login shell prints where only a program should speak.
    Noisy {
        /// What it prints, bounded.
        said: Vec<u8>,
    },
    /// No command runs there.
    NoShell {
        /// What came instead, bounded.
        said: Vec<u8>,
    },
    /// Less room is left than a file of any size needs.
    DiskFull {
        /// Where files would go.
        place: String,
        /// Bytes that may still be written.
        free: u64,
    },
    /// Nothing can be written where files would go.
    ReadOnly {
        /// Where that is.
        place: String,
    },
    /// The home folder is not there.
    NoHome,
    /// The server's clock is not ours.
    ClockSkew {
        /// Seconds it is ahead.
        ahead: i64,
    },
    /// An agent is not forwarded there.
    NoAgent,
    /// Programs that are not installed there.
    Missing(Vec<String>),
    /// The other host is not reached.
    PairUnreachable(Box<PairUnreachable>),
}

/// Two hosts of which the first does not reach the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairUnreachable {
    /// Who tried, by alias.
    pub from: String,
    /// Whom it tried to reach, by alias.
    pub to: String,
    /// Where it tried: an address or a name.
    pub address: String,
    /// The port there.
    pub port: u16,
    /// What lies between them, as far as the evidence goes.
    pub gap: Gap,
    /// The first host's networks.
    pub here: Networks,
    /// The second host's networks.
    pub there: Networks,
}

/// What lies between two hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    /// Packets go both ways, and nothing listens.
    Refused,
    /// The first host has no route of its own, or a router said so.
    Unreachable(String),
    /// The first host cannot find the name.
    UnknownName,
    /// The way back works, so only a filter can be in the way there.
    Filtered,
    /// What is sent arrives, and connections the other way work: only answers are stopped, by a filter without memory.
    AnswersStopped,
    /// What is sent arrives, and the answers are lost: the second host's side has no way back.
    NoWayBack,
    /// What the second host sends arrives at the first, so the first host's side has no way there.
    NoWayThere,
    /// Nothing passes either way.
    NothingPasses,
    /// Nothing passes, and both networks use the same addresses.
    Overlap(Cidr, Cidr),
    /// It vanishes, and the other direction could not be tried.
    Silence(Duration),
    /// Something connects and is no SSH server.
    NoSsh(Vec<u8>),
    /// The first host could not be made to try.
    NotTried(String),
}
