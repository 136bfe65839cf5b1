//! What works on the way to a host, what does not, and why? The same ladder that every verb climbs, rung by rung.
//!
//! ```text
//!   examine   one host: its hops, then sftp, shell, disk, clock, tools → Report
//!   between   two hosts: do they reach each other, by which address, how fast
//!   diary     when each rung was reached, what answered there
//!   facts     what a server says of itself (pure)        network   CIDR blocks and routes (pure)
//!   probe     one connection from one server to another  finding   what is wrong, as facts
//! ```
//!
//! Nothing is changed on any server, nothing is listened to, and each rung is tried once. What a finding means and what
//! to type is said by the front door.

mod between;
mod diary;
mod examine;
mod facts;
mod finding;
mod network;
mod probe;
mod shell;

use std::time::Duration;

pub use between::{Between, between};
pub use diary::Diary;
pub use examine::{Report, examine};
pub use facts::Facts;
pub use finding::{Apart, Finding, Gap};
pub use network::{Cidr, Cloud, Networks};

use crate::progress::Stage;

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// A rung of the ladder.
    Rung(Stage),
    /// The login shell: does it run commands, and say nothing of its own?
    Shell,
    /// The disk that the home folder is on.
    Disk,
    /// The server's clock.
    Clock,
    /// Whether it takes a forwarded agent.
    Agent,
    /// The programs a copy without this machine in between needs there.
    Tools,
    /// A connection from one host to the other.
    Reach,
    /// The line between this machine and a host.
    Link,
    /// The way a copy from one host to the other would take.
    Route,
}

/// One thing that was tried.
#[derive(Debug)]
pub struct Row {
    /// The alias of the host.
    pub host: String,
    /// What was looked at.
    pub check: Check,
    /// What was tried, or what was found.
    pub about: String,
    /// How it went.
    pub outcome: Outcome,
    /// How long it took, where that means something.
    pub time: Option<Duration>,
}

/// How it went.
#[derive(Debug)]
pub enum Outcome {
    /// As it should be.
    Good,
    /// It works, and something should be known.
    Remark(Box<Finding>),
    /// It does not work.
    Failed(Box<Finding>),
}

impl Row {
    fn good(host: &str, check: Check, about: String) -> Row {
        Row { host: host.to_owned(), check, about, outcome: Outcome::Good, time: None }
    }

    fn remark(host: &str, check: Check, about: String, finding: Finding) -> Row {
        Row { outcome: Outcome::Remark(Box::new(finding)), ..Row::good(host, check, about) }
    }

    fn failed(host: &str, check: Check, about: String, finding: Finding) -> Row {
        Row { outcome: Outcome::Failed(Box::new(finding)), ..Row::good(host, check, about) }
    }

    fn after(self, time: Duration) -> Row {
        Row { time: Some(time), ..self }
    }

    /// What was a failure is one no more.
    fn only_a_remark(self) -> Row {
        let outcome = match self.outcome {
            Outcome::Failed(finding) => Outcome::Remark(finding),
            outcome => outcome,
        };
        Row { outcome, ..self }
    }

    /// What is wrong, where it is.
    pub fn failure(&self) -> Option<&Finding> {
        match &self.outcome {
            Outcome::Failed(finding) => Some(finding),
            _ => None,
        }
    }
}
