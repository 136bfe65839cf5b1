//! How is it to be copied? [`Options`] of one [`Job`], as the command line or another program asks for them. Plain values: what
//! they lead to is said where it is done.

use std::path::PathBuf;
use std::time::Duration;

use super::filter::Filter;
use super::reach::End;
use super::route::RoutePreference;
use crate::lend::{Auth, Weakest};

/// Permission bits that travel: no set-id, no sticky bit.
pub const MODE_MASK: u32 = 0o777;

/// A file's mode where the source does not tell one.
pub const MODE_UNTOLD: u32 = 0o666;

/// What is to be copied where, and how.
pub struct Job {
    /// At least one; each by itself on this machine or on a host.
    pub sources: Vec<End>,
    /// One file or folder.
    pub destination: End,
    /// How.
    pub options: Options,
}

/// How to copy.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Folders with all that is in them (`-r`); otherwise a folder is a failure.
    pub recursive: bool,
    /// Modes and times travel (`-p`).
    pub preserve: bool,
    /// What becomes of symbolic links.
    pub symlinks: Symlinks,
    /// Say what would be copied, and write nothing.
    pub dry_run: bool,
    /// At most so many SFTP sessions an end; `None` for a good number.
    pub lanes: Option<usize>,
    /// Which way between two hosts.
    pub route: RoutePreference,
    /// What is wanted of a direct copy.
    pub direct: DirectOptions,
    /// Whether the part of an earlier run is gone on from.
    pub resume: Resume,
    /// Where the runs of this machine show that they live, so that what one that was killed has left is known at once;
    /// `None` for nowhere.
    pub runs: Option<PathBuf>,
    /// What is compared, and flushed.
    pub care: Care,
    /// Bytes a second at most, all files together; `None` for as fast as it goes.
    pub rate: Option<u64>,
    /// How often a lost connection is made again before something has moved; `None` for 3.
    pub retries: Option<u32>,
    /// A session that moves nothing for so long, though something is asked of it, is lost; `None` for 60 s.
    pub timeout: Option<Duration>,
    /// The whole run may take so long.
    pub deadline: Option<Duration>,
    /// Sources may grow while they are read: what they had when they were found is copied.
    pub growing: bool,
    /// Bytes beyond its announced size that are read of a source at rest, unless `growing` or `deadline` is set; `None`
    /// for 1 GiB.
    pub surplus: Option<u64>,
    /// Which files are left where they are.
    pub unchanged: Unchanged,
    /// Which entries of folders are meant.
    pub filter: Filter,
    /// The destination is to become what the source is; the source is one folder.
    pub mirror: Option<Mirror>,
    /// A folder of this machine for what a walk has waiting and memory has no room for; `None` for the system's own.
    pub scratch: Option<PathBuf>,
}

/// What becomes of symbolic links.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Symlinks {
    /// What they lead to is copied, as scp does.
    #[default]
    Follow,
    /// They are copied as links.
    Keep,
    /// They are left out.
    Skip,
}

/// Whether the part of an earlier run is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Resume {
    /// As far as it can be trusted.
    #[default]
    Trusted,
    /// Everything is sent.
    Never,
}

/// How careful a copy is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Care {
    /// SHA-256 of both ends, compared before the file gets its name.
    pub verify: bool,
    /// Each file is flushed to the destination's disk before it gets its name.
    pub fsync: bool,
}

/// Files that are not copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unchanged {
    /// None: all are copied.
    #[default]
    Never,
    /// Those of the source's size and time of modification.
    SizeAndTime,
    /// Those of the source's size and SHA-256.
    Content,
    /// Those of the source's size, time of modification and SHA-256.
    TimeAndContent,
}

/// That the destination becomes what the source is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mirror {
    /// What the source has not is removed, unless it is more than so many entries; `None` leaves it alone.
    pub delete: Option<u64>,
}

/// What is wanted of a direct copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectOptions {
    /// Where the source finds the destination; its `HostName` and `Port` where nothing else is said. Port 0 is the
    /// destination's own. With this alone, the destination does not fetch.
    pub peer: Option<(String, u16)>,
    /// Where the destination finds the source, likewise. With this alone, the source does not send.
    pub fetch_from: Option<(String, u16)>,
    /// How weak a proof will do.
    pub weakest: Weakest,
    /// What the login is made with.
    pub auth: Auth,
}

impl Default for DirectOptions {
    fn default() -> DirectOptions {
        DirectOptions { peer: None, fetch_from: None, weakest: Weakest::Any, auth: Auth::Agent }
    }
}

/// Whether mode and times travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// As they are at the source (`-p`).
    ModeAndTimes,
    /// As if the file had been written in place.
    Nothing,
}

/// How what is written follows what was written before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlockOrder {
    /// Anywhere, over all lanes.
    #[default]
    Any,
    /// Each byte behind the one before, over one lane.
    Ascending,
}
