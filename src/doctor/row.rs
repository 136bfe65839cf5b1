//! What was tried, and how did it go? One line of what `hop doctor` found.
//!
//! Main type: [`Row`].

use std::time::Duration;

use super::finding::Finding;
use crate::progress::Stage;

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// A stage of reaching the host.
    Stage(Stage),
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
    pub(super) fn good(host: &str, check: Check, about: String) -> Row {
        Row { host: host.to_owned(), check, about, outcome: Outcome::Good, time: None }
    }

    pub(super) fn remark(host: &str, check: Check, about: String, finding: Finding) -> Row {
        Row { outcome: Outcome::Remark(Box::new(finding)), ..Row::good(host, check, about) }
    }

    pub(super) fn failed(host: &str, check: Check, about: String, finding: Finding) -> Row {
        Row { outcome: Outcome::Failed(Box::new(finding)), ..Row::good(host, check, about) }
    }

    pub(super) fn after(self, time: Duration) -> Row {
        Row { time: Some(time), ..self }
    }

    /// What was a failure is one no more.
    pub(super) fn only_a_remark(self) -> Row {
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
