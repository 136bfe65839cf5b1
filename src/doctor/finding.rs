//! What is wrong? Only facts. Main types: [`Finding`], [`Gap`].

use std::time::Duration;

use super::network::{Cidr, Networks};
use crate::chain::ChainError;

/// Something that does not work, or that the user should know.
#[derive(Debug)]
pub enum Finding {
    /// A stage that was not reached.
    Stage {
        /// Which stage, at which host, and why.
        error: ChainError,
        /// The first bytes that the peer sent; `None` if it sent nothing.
        identification: Option<Vec<u8>>,
    },
    /// The login shell prints something where only programs should.
    Noisy {
        /// Its output, bounded.
        said: Vec<u8>,
    },
    /// Commands cannot be run there.
    NoShell {
        /// The output instead of an answer, bounded.
        said: Vec<u8>,
    },
    /// There is less free space than a file of any size needs.
    DiskFull {
        /// The path where files would go.
        place: String,
        /// The number of bytes that can still be written.
        free: u64,
    },
    /// The place where files would go is not writable.
    ReadOnly {
        /// The path of that place.
        place: String,
    },
    /// The home folder does not exist.
    NoHome,
    /// The server's clock differs from this machine's.
    ClockSkew {
        /// The number of seconds that it is ahead.
        ahead: i64,
    },
    /// No agent is forwarded there.
    NoAgent,
    /// Programs that are not installed there.
    Missing(Vec<String>),
    /// The first host does not reach the second.
    PairUnreachable(Box<PairUnreachable>),
}

/// Two hosts of which the first does not reach the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairUnreachable {
    /// The alias of the first host.
    pub from: String,
    /// The alias of the second host.
    pub to: String,
    /// The address or name that was tried.
    pub address: String,
    /// The port there.
    pub port: u16,
    /// What is between them, as far as the evidence shows.
    pub gap: Gap,
    /// The first host's networks.
    pub here: Networks,
    /// The second host's networks.
    pub there: Networks,
}

/// What is between two hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    /// Packets go both ways, but nothing listens on the port.
    Refused,
    /// The first host has no route, or a router said so.
    Unreachable(String),
    /// The first host cannot resolve the name.
    UnknownName,
    /// The opposite direction works, so only a filter can stop this one.
    Filtered,
    /// Packets arrive, and connections in the opposite direction work: a stateless filter stops only the answers.
    AnswersStopped,
    /// Packets arrive, but the answers are lost: the second host's side has no route back.
    NoWayBack,
    /// Packets from the second host arrive at the first, so the first host's side has no route there.
    NoWayThere,
    /// Nothing passes in either direction.
    NothingPasses,
    /// Nothing passes, and both networks use the same addresses.
    Overlap(Cidr, Cidr),
    /// Packets are lost, and the opposite direction could not be tried.
    Silence(Duration),
    /// The connection is accepted, but not by an SSH server.
    NoSsh(Vec<u8>),
    /// The first host could not try.
    NotTried(String),
}
