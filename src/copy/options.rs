//! How is a copy to be made? [`Options`] of one [`Job`], as the command line or another program sets them. Plain
//! values; their effects are described where they are used.

use std::path::PathBuf;
use std::time::Duration;

use super::connector::Location;
use super::filter::Filter;
use super::route::RoutePreference;
use crate::lend::{Auth, Weakest};

/// Permission bits that are copied: no set-id bits, no sticky bit.
pub const MODE_MASK: u32 = 0o777;

/// Permission bits with set-id and sticky bits.
pub const MODE_AND_SET_ID: u32 = 0o7777;

/// A file's mode where the source does not tell one.
pub const MODE_UNTOLD: u32 = 0o666;

/// What is to be copied where, and how.
pub struct Job {
    /// The sources, at least one; each on this machine or on a host.
    pub sources: Vec<Location>,
    /// The destination, a file or folder.
    pub destination: Location,
    /// The options.
    pub options: Options,
}

/// How to copy.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Copies folders with all that is in them (`-r`); otherwise a folder is a failure.
    pub recursive: bool,
    /// Copies modes and times (`-p`).
    pub preserve: bool,
    /// How symbolic links are treated.
    pub symlinks: Symlinks,
    /// Shows what would be copied, and writes nothing.
    pub dry_run: bool,
    /// Most SFTP sessions at each end; `None` for as many as the link needs.
    pub lanes: Option<usize>,
    /// Which route to take between two hosts.
    pub route: RoutePreference,
    /// Options of a direct copy.
    pub direct: DirectOptions,
    /// Whether a copy goes on from an earlier run's part file.
    pub resume: Resume,
    /// Folder in which the runs of this machine show that they live, so that a killed run's part files are known as
    /// such at once; `None` for nowhere.
    pub runs: Option<PathBuf>,
    /// Whether files are compared and flushed.
    pub care: Care,
    /// Small files never go together with others.
    pub one_by_one: bool,
    /// Most bytes a second, all files together; `None` for no limit.
    pub rate: Option<u64>,
    /// Tries in a row to make a lost connection again while nothing moves; `None` for 3.
    pub retries: Option<u32>,
    /// How long a session with unanswered requests may move nothing before it counts as lost; `None` for 60 s.
    pub timeout: Option<Duration>,
    /// Most time for the whole run.
    pub deadline: Option<Duration>,
    /// Accepts sources that grow while they are read; the bytes they had when they were found are copied.
    pub growing: bool,
    /// Most bytes beyond its announced size that are read of a source that does not change, unless `growing` or
    /// `deadline` is set; `None` for 1 GiB.
    pub surplus: Option<u64>,
    /// Whether files are written in place, without part files.
    pub in_place: InPlace,
    /// Which files are not copied because the destination has them.
    pub unchanged: Unchanged,
    /// Seconds that times may be apart and still count as equal.
    pub modify_window: u32,
    /// Which entries of folders are copied.
    pub filter: Filter,
    /// Makes the destination equal to the source, which is one folder.
    pub mirror: Option<Mirror>,
    /// Folder of this machine for folders that wait to be listed when memory has no room for them; `None` for the
    /// system's own.
    pub scratch: Option<PathBuf>,
}

/// How symbolic links are treated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Symlinks {
    /// What they lead to is copied, as by scp.
    #[default]
    Follow,
    /// They are copied as links.
    Keep,
    /// They are left out.
    Skip,
}

/// Whether a copy goes on from an earlier run's part file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Resume {
    /// It is used as far as it can be trusted.
    #[default]
    Trusted,
    /// It is not used; everything is sent.
    Never,
}

/// Whether files are written in place: into the file that has the name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InPlace {
    /// Where nothing else is possible: a device that was typed, or a file that can be written in a folder that takes no new
    /// name.
    #[default]
    IfNeeded,
    /// All files.
    Always,
    /// None.
    Never,
}

/// What is done before a file gets its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Care {
    /// Compares the SHA-256 of both ends.
    pub verify: bool,
    /// Flushes the file to the destination's disk.
    pub fsync: bool,
}

/// Which files count as unchanged and are not copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unchanged {
    /// None: all are copied.
    #[default]
    Never,
    /// Files with the source's size and time of modification.
    SizeAndTime,
    /// Files with the source's size and SHA-256.
    Content,
    /// Files with the source's size, time of modification and SHA-256.
    TimeAndContent,
}

/// How the destination is made equal to the source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mirror {
    /// Most entries that may be removed because the source does not have them; with more, none is. `None` removes
    /// nothing.
    pub delete: Option<u64>,
}

/// Options of a direct copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectOptions {
    /// Host and port at which the source finds the destination; `None` for its `HostName` and `Port`. Port 0 is the
    /// destination's own. If only this is set, the destination does not fetch.
    pub peer: Option<(String, u16)>,
    /// Host and port at which the destination finds the source, likewise. If only this is set, the source does not
    /// send.
    pub fetch_from: Option<(String, u16)>,
    /// The weakest tier that is accepted.
    pub weakest: Weakest,
    /// How the login is authenticated.
    pub auth: Auth,
}

impl Default for DirectOptions {
    fn default() -> DirectOptions {
        DirectOptions { peer: None, fetch_from: None, weakest: Weakest::Any, auth: Auth::Agent }
    }
}

/// Whether mode and times are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// As they are at the source (`-p`).
    ModeAndTimes,
    /// As if the file had been written in place.
    Nothing,
}

/// In which order a file's bytes are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlockOrder {
    /// At any offset, over all lanes.
    #[default]
    Any,
    /// From beginning to end, over one lane.
    Ascending,
}
