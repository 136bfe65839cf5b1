//! What is shown, and how much of it?
//!
//! Main type: [`Shows`].

/// What is shown on the screen and on standard output, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shows {
    /// How progress is shown.
    pub face: Face,
    /// The use of standard output.
    pub data: Data,
    /// How much is shown.
    pub level: Level,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Bars on standard error.
    Bars,
    /// A line every ten seconds.
    Plain,
    /// Nothing, because a session uses the screen.
    Session,
    /// Nothing.
    None,
}

/// The use of standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// One JSON object per line ([`super::json`]).
    Json,
    /// The plan of a dry run, for people.
    Plan,
    /// The reporter prints nothing there: the verb writes itself, or nothing is written.
    Nothing,
}

/// How much is shown. Each level shows what the ones before it show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Files that failed (`-q`).
    Failures,
    /// Remarks that must not be missed: the default without a terminal.
    Remarks,
    /// The route, banners, the summary: on a terminal, or if progress was asked for.
    Story,
    /// Each step (`-v`).
    Steps,
    /// The log of the SSH library, too (`-vv`).
    Library,
    /// How much of each file has arrived, block by block, in development builds (`-vvv`).
    Blocks,
}
