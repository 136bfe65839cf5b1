//! What does the engine report while it works? The current stage, events, and counters. There is no screen here: `cli`
//! implements [`Observer`] and reads [`Counters`] on its own clock.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One stage of the work for each hop, and then for each file. The live progress line, the failing stage in an error,
/// and the rows of `doctor` use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The name is looked up (for the first hop here, for the others by the hop before).
    Resolve,
    /// A TCP connection, a ProxyCommand, or a direct-tcpip channel through the hop before.
    Dial,
    /// Version strings and the first key exchange (RFC 4253 §4.2, §7).
    Greet,
    /// The host key is compared with what is known.
    VerifyHost,
    /// User authentication (RFC 4252).
    Authenticate,
    /// A session or direct-tcpip channel is opened (RFC 4254 §5.1).
    OpenChannel,
    /// The `sftp` subsystem starts and the versions are exchanged.
    StartSftp,
    /// A remote command is started.
    Exec,
    /// Files are looked up: stat, listing, globs.
    List,
    /// File data moves.
    Transfer,
    /// The file that arrived is compared with the source.
    Verify,
    /// A complete part gets its final name.
    Land,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Resolve => "resolve",
            Stage::Dial => "dial",
            Stage::Greet => "greet",
            Stage::VerifyHost => "verify host key",
            Stage::Authenticate => "authenticate",
            Stage::OpenChannel => "open channel",
            Stage::StartSftp => "start sftp",
            Stage::Exec => "exec",
            Stage::List => "list",
            Stage::Transfer => "transfer",
            Stage::Verify => "verify",
            Stage::Land => "land",
        })
    }
}

/// A change at the destination that a dry run would make without sending anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is removed: the source does not have it.
    Removal,
    /// Its mode or times are set: its content is there.
    Repair,
}

/// Something that happened, reported once. Text from servers is raw bytes: whoever shows it makes it safe first.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// `hop` (its alias) has reached `stage`.
    Stage {
        /// The alias of the host.
        hop: String,
        /// The stage it has reached.
        stage: Stage,
    },
    /// The first bytes that a host's peer sent: `SSH-2.0-…`, or something that is not SSH.
    Identified {
        /// The alias of the host.
        hop: String,
        /// The bytes as they were sent, bounded.
        text: Vec<u8>,
    },
    /// Keys were exchanged with a host, for the first time or again.
    KeysExchanged {
        /// The alias of the host.
        hop: String,
        /// What was agreed on, in the words of `ssh -v`.
        lines: Vec<String>,
    },
    /// The banner a server sent before authentication (RFC 4252 §5.4).
    Banner {
        /// The alias of the host.
        hop: String,
        /// The text as the server sent it, bounded.
        text: String,
    },
    /// A host key was added to known_hosts.
    HostKeyAdded {
        /// The name it was recorded under.
        host: String,
        /// The key type, as in known_hosts.
        algorithm: String,
        /// `SHA256:…`
        fingerprint: String,
        /// The file it was appended to.
        file: std::path::PathBuf,
    },
    /// A host was logged in to; reported for each connection.
    Connected {
        /// The hosts from here to it: `laptop > acc-bastion > acc-pvt`.
        way: String,
        /// The user who is logged in.
        user: String,
        /// The type of its host key.
        algorithm: String,
        /// `SHA256:…` of its host key.
        fingerprint: String,
    },
    /// The route of a copy, and the reason for it.
    Route {
        /// `upload`, `download`, `relay`, …
        route: String,
        /// Why this route was taken.
        reason: String,
    },
    /// From now on a login is lent to a host.
    Lending {
        /// The host that can log in, as the user calls it.
        to: String,
        /// The user of the login.
        user: String,
        /// The destination of the login, as the user calls it.
        host: String,
        /// The tier of the loan: `A`, `B` or `C`.
        tier: String,
        /// `SHA256:…` of the host key that is pinned.
        fingerprint: String,
        /// The number of logins.
        signatures: u32,
    },
    /// A login was lent to the source of a direct copy; the copy is over.
    Lent {
        /// The user of the login.
        user: String,
        /// The destination of the login, as the user calls it.
        host: String,
        /// The tier of the loan: `A`, `B`, `C` or `D`.
        tier: String,
        /// `SHA256:…` of the host key that was pinned.
        fingerprint: String,
        /// Whether the key was made for this login and is gone.
        is_ephemeral: bool,
        /// The number of signatures given.
        signatures: u32,
        /// The number of requests refused.
        refused: u32,
    },
    /// A file's data begins to move.
    FileStarted {
        /// A number for this file in later events; unique in a run.
        id: u64,
        /// Its path at the source.
        path: Vec<u8>,
        /// Its size in bytes, as listed.
        size: u64,
        /// The number of bytes of this file acknowledged so far: the engine adds, the screen reads.
        done: Arc<AtomicU64>,
    },
    /// A file is complete under its final name.
    FileDone {
        /// The number in `FileStarted`.
        id: u64,
        /// Its path at the source.
        path: Vec<u8>,
        /// Its path at the destination.
        destination: Vec<u8>,
        /// The number of bytes that arrived.
        size: u64,
        /// The number of those that an earlier run had left, and that were not sent again.
        kept: u64,
    },
    /// Both ends of a file were read and hashed with SHA-256; reported before `FileDone`.
    Hashed {
        /// The number in `FileStarted`.
        id: u64,
        /// The hash of the source, in hexadecimal.
        source: String,
        /// The hash of the destination, in hexadecimal.
        destination: String,
    },
    /// A file is written in place: until it is done, it is neither the old nor the new one. Reported before `FileDone`.
    InPlace {
        /// The number in `FileStarted`.
        id: u64,
        /// Its path at the destination.
        destination: Vec<u8>,
        /// Why nothing else is possible; `None` where it was asked for.
        reason: Option<&'static str>,
    },
    /// A file could not be copied; the others continue.
    FileFailed {
        /// The number in `FileStarted`; `None` if the file never started.
        id: Option<u64>,
        /// Its path at the source.
        path: Vec<u8>,
        /// What went wrong, one line.
        error: String,
    },
    /// Something that is not copied on purpose (a socket, a device, a symlink under `skip`).
    Skipped {
        /// Its path at the source.
        path: Vec<u8>,
        /// The reason.
        reason: String,
    },
    /// A file is not copied because the destination already has it.
    Unchanged {
        /// Its path at the source.
        path: Vec<u8>,
    },
    /// A dry run would copy this.
    Planned {
        /// Its path at the source.
        path: Vec<u8>,
        /// Its path at the destination.
        destination: Vec<u8>,
        /// Its size in bytes; `None` for a folder or symlink.
        size: Option<u64>,
    },
    /// Something at the destination was removed because the source does not have it.
    Removed {
        /// Its path at the destination.
        path: Vec<u8>,
    },
    /// A dry run would change something at the destination.
    PlannedChange {
        /// What it would do.
        change: Change,
        /// Its path at the destination.
        path: Vec<u8>,
    },
    /// The run waits for something that is in its way, one line.
    Waiting(String),
    /// A connection was lost; it will be made again after a wait.
    Reconnecting {
        /// What was lost, one line.
        error: String,
        /// The number of this attempt, from 1; counting begins again once something has moved.
        attempt: u32,
        /// The most attempts.
        of: u32,
        /// How long hop waits before the attempt.
        wait: std::time::Duration,
    },
    /// An earlier attempt had left a part, and it is known how much of it can be used.
    Resumed {
        /// The number in `FileStarted`.
        id: u64,
        /// Its path at the source.
        path: Vec<u8>,
        /// The number of bytes that need not be sent again; 0 if the part is started over.
        kept: u64,
        /// How that is known, or why nothing is kept.
        because: &'static str,
    },
    /// A remark that is not an error but must be shown.
    Warning(String),
    /// A detail for `-v`.
    Detail(String),
}

/// A receiver of events. Called from many tasks at once; must not block.
pub trait Observer: Send + Sync {
    /// Takes one event.
    fn event(&self, event: Event);

    /// The number of events that were taken but not yet shown. Senders of many events wait while it is large.
    fn backlog(&self) -> usize {
        0
    }
}

/// An observer that ignores every event.
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event) {}
}

/// The progress of a run so far, and its one tally. The engine adds, the screen reads. Sizes are in bytes.
#[derive(Debug, Default)]
pub struct Counters {
    /// Bytes acknowledged by the destination, in this run.
    pub bytes_done: AtomicU64,
    /// Bytes that an earlier run had left at the destination, and that were not sent again.
    pub bytes_kept: AtomicU64,
    /// Bytes found so far by the walk; final once `walked` is set.
    pub bytes_total: AtomicU64,
    /// Files that are complete under their final name.
    pub files_done: AtomicU64,
    /// Files found so far by the walk; final once `walked` is set.
    pub files_total: AtomicU64,
    /// Files that the destination already had.
    pub files_unchanged: AtomicU64,
    /// Files, folders and links that could not be copied.
    pub files_failed: AtomicU64,
    /// What was left out on purpose.
    pub skipped: AtomicU64,
    /// What was removed at the destination, because the source has it not.
    pub removed: AtomicU64,
    /// The walk has ended: the totals are final.
    pub walked: AtomicBool,
    /// SFTP sessions in use.
    pub lanes: AtomicU64,
}

impl Counters {
    /// Adds `amount` to a counter.
    pub fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Ordering::Relaxed);
    }

    /// Reads a counter.
    pub fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}
