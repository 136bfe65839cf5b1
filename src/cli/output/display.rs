//! What is shown, and how much of it?
//!
//! Main type: [`Shows`].

/// What is shown on the screen, what on standard output, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shows {
    /// How progress is shown.
    pub face: Face,
    /// What standard output is for.
    pub data: Data,
    /// How much is said.
    pub level: Level,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Bars on standard error.
    Bars,
    /// A line every ten seconds.
    Plain,
    /// Nothing: a session has the screen.
    Session,
    /// Nothing.
    None,
}

/// What standard output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// One JSON object a line ([`super::json`]).
    Json,
    /// The plan of a dry run, for people.
    Plan,
    /// Nothing of the reporter's: the verb writes there itself, or not at all.
    Nothing,
}

/// How much is said. Each level says what the ones before it say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Files that failed (`-q`).
    Failures,
    /// Remarks that must not be lost: the default without a terminal.
    Remarks,
    /// The route, banners, the summary: on a terminal, or where progress was asked for.
    Story,
    /// Each step (`-v`).
    Steps,
    /// What the SSH library logs, too (`-vv`).
    Library,
    /// How much of each file is there, block by block, in builds for development (`-vvv`).
    Blocks,
}
