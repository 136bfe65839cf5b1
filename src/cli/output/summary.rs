//! What is the result of a run, and which files record it?
//!
//! Main types: [`Summary`], the figures of a run; [`Record`], a file that gets them.

use std::time::Duration;

use crate::error::ExitKind;
use crate::progress::Event;

/// The result of a run.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// The kind of result, which decides the exit code.
    pub kind: ExitKind,
    /// `upload`, `relay`, …; `None` if it was not decided.
    pub route: Option<String>,
    /// The number of files that arrived, or would in a dry run.
    pub files_done: u64,
    /// The number of files that failed.
    pub files_failed: u64,
    /// The number of files that were already there.
    pub unchanged: u64,
    /// The number of files left out on purpose.
    pub skipped: u64,
    /// The number of bytes that an earlier run had left, or that were already there.
    pub kept: u64,
    /// The number of entries removed because the source does not have them.
    pub removed: u64,
    /// The number of bytes that arrived, or would in a dry run.
    pub bytes: u64,
    /// The time from the start of the run to the end of the copy.
    pub elapsed: Duration,
    /// Whether the run stopped after the plan.
    pub dry_run: bool,
    /// Why the run failed, as printed on standard error.
    pub error: Option<String>,
    /// What to do about it, without the `hint: `.
    pub hints: Vec<String>,
}

/// A file that is written while a verb works.
pub trait Record: Send {
    /// Takes an event.
    fn event(&mut self, event: &Event);

    /// Takes the result at the end of the run.
    ///
    /// # Errors
    /// If the file does not contain everything it should: one line of text.
    fn finish(&mut self, summary: &Summary) -> anyhow::Result<()>;
}
