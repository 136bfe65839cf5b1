//! What did a run come to, and who is told?
//!
//! Main types: [`Summary`], the figures of a run; [`Record`], a file that gets them.

use std::time::Duration;

use crate::error::ExitKind;
use crate::progress::Event;

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Decides the exit code.
    pub kind: ExitKind,
    /// `upload`, `relay`, …; `None` when it was not decided.
    pub route: Option<String>,
    /// Files that arrived, or would.
    pub files_done: u64,
    /// Files that did not.
    pub files_failed: u64,
    /// Files that were there already.
    pub unchanged: u64,
    /// Left out on purpose.
    pub skipped: u64,
    /// Bytes that an earlier run had left, or that were there already.
    pub kept: u64,
    /// Removed, because the source has it not.
    pub removed: u64,
    /// Bytes that arrived, or would.
    pub bytes: u64,
    /// From the first byte of the command line to the last of the copy.
    pub elapsed: Duration,
    /// The run stopped after the plan.
    pub dry_run: bool,
    /// Why it failed, as said on standard error.
    pub error: Option<String>,
    /// What to do about it, without the `hint: `.
    pub hints: Vec<String>,
}

/// A file that is written while a verb works.
pub trait Record: Send {
    /// Something happened.
    fn event(&mut self, event: &Event);

    /// The run is over, and came to this.
    ///
    /// # Errors
    /// When the file does not say all that it should: one line.
    fn finish(&mut self, summary: &Summary) -> Result<(), String>;
}
