//! What was checked, and with which result? One line of what `hop doctor` prints.
//!
//! Main type: [`Row`].

use std::time::Duration;

use super::finding::Finding;
use crate::progress::Stage;

/// What was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// A stage of reaching the host.
    Stage(Stage),
    /// Whether the login shell runs commands and prints nothing of its own.
    Shell,
    /// The disk that the home folder is on.
    Disk,
    /// The server's clock.
    Clock,
    /// Whether the server forwards an agent.
    Agent,
    /// The programs that a copy needs there if it does not pass through this machine.
    Tools,
    /// A connection from one host to the other.
    Reach,
    /// The connection between this machine and a host.
    Link,
    /// The route a copy from one host to the other would take.
    Route,
}

/// One check and its result.
#[derive(Debug)]
pub struct Row {
    /// The alias of the host.
    pub host: String,
    /// What was checked.
    pub check: Check,
    /// A description of what was tried, or found.
    pub about: String,
    /// The result.
    pub outcome: Outcome,
    /// How long it took, if that is of interest.
    pub time: Option<Duration>,
}

/// The result of a check.
#[derive(Debug)]
pub enum Outcome {
    /// It works.
    Good,
    /// It works, but there is something to know.
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

    /// Turns a failure into a remark.
    pub(super) fn only_a_remark(self) -> Row {
        let outcome = match self.outcome {
            Outcome::Failed(finding) => Outcome::Remark(finding),
            outcome => outcome,
        };
        Row { outcome, ..self }
    }

    /// The finding, if the check failed.
    pub fn failure(&self) -> Option<&Finding> {
        match &self.outcome {
            Outcome::Failed(finding) => Some(finding),
            _ => None,
        }
    }
}
