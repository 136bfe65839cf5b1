//! What the engine tells while it works: the stage it is at, events, and counters. No screen here: the front door
//! implements [`Observer`] and reads [`Counters`] on its own clock.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One stage of what is done for each hop, then for each file. The live progress line, the failing stage
/// in an error, and the rows of `doctor` all use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The name is looked up (here for the first hop, by the hop before for the others).
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
    /// Files are looked at: stat, listing, globs.
    List,
    /// File data moves.
    Transfer,
    /// What arrived is compared with the source.
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

/// Something that happened, told once. Texts from servers are raw bytes: whoever shows them makes them safe first.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// `hop` (its alias) has reached `stage`.
    Stage {
        /// The alias of the host.
        hop: String,
        /// The stage it is at.
        stage: Stage,
    },
    /// The first words of whatever answers at a host: `SSH-2.0-…`, or what is no SSH.
    Identified {
        /// The alias of the host.
        hop: String,
        /// As it was sent, bounded.
        text: Vec<u8>,
    },
    /// The banner a server sent before authentication (RFC 4252 §5.4).
    Banner {
        /// The alias of the host.
        hop: String,
        /// As the server sent it, bounded.
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
    /// A host was logged in to; told for each connection.
    Connected {
        /// The hosts from here to it: `laptop > acc-bastion > acc-pvt`.
        way: String,
        /// Whom it was logged in as.
        user: String,
        /// The type of its host key.
        algorithm: String,
        /// `SHA256:…` of its host key.
        fingerprint: String,
    },
    /// Where a copy goes, and why that way.
    Route {
        /// `upload`, `download`, `relay`, …
        route: String,
        /// Why this route was taken.
        reason: String,
    },
    /// A login is lent to a host from here on.
    Lending {
        /// The host that can log in, as the user calls it.
        to: String,
        /// As whom.
        user: String,
        /// Where, as the user calls it.
        host: String,
        /// How well it is guarded: `A`, `B` or `C`.
        tier: String,
        /// `SHA256:…` of the host key that is pinned.
        fingerprint: String,
        /// How many times.
        signatures: u32,
    },
    /// A login was lent to the source of a direct copy; the copy is over.
    Lent {
        /// Whose login.
        user: String,
        /// Where, as the user calls it.
        host: String,
        /// How well it was guarded: `A`, `B`, `C` or `D`.
        tier: String,
        /// `SHA256:…` of the host key that was pinned.
        fingerprint: String,
        /// Whether the key was made for this login and is gone.
        is_ephemeral: bool,
        /// Signatures given.
        signatures: u32,
        /// Requests refused.
        refused: u32,
    },
    /// A file's data begins to move.
    FileStarted {
        /// Names this file in the events that follow; unique in a run.
        id: u64,
        /// Its path at the source.
        path: Vec<u8>,
        /// Its size in bytes, as listed.
        size: u64,
        /// Bytes of this file acknowledged so far: the engine adds, the screen reads.
        done: Arc<AtomicU64>,
    },
    /// A file stands complete under its final name.
    FileDone {
        /// As in `FileStarted`.
        id: u64,
        /// Its path at the source.
        path: Vec<u8>,
        /// Its path at the destination.
        destination: Vec<u8>,
        /// Bytes that arrived.
        size: u64,
        /// Bytes of these that an earlier run had left, and that were not sent again.
        kept: u64,
    },
    /// Both ends of a file were read and hashed with SHA-256; told before `FileDone`.
    Hashed {
        /// As in `FileStarted`.
        id: u64,
        /// What was read at the source, in hexadecimal.
        source: String,
        /// What was read at the destination.
        destination: String,
    },
    /// A file could not be copied; the rest goes on.
    FileFailed {
        /// As in `FileStarted`; `None` when the file never started.
        id: Option<u64>,
        /// Its path at the source.
        path: Vec<u8>,
        /// What went wrong, one line.
        error: String,
    },
    /// Something not copied on purpose (a socket, a device, a symlink under `skip`).
    Skipped {
        /// Its path at the source.
        path: Vec<u8>,
        /// Why.
        reason: String,
    },
    /// A file that the destination has already is not copied.
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
    /// Something at the destination that the source has not was removed.
    Removed {
        /// Its path at the destination.
        path: Vec<u8>,
    },
    /// A dry run would remove this.
    PlannedRemoval {
        /// Its path at the destination.
        path: Vec<u8>,
    },
    /// Something is in the way and waited for, one line.
    Waiting(String),
    /// A connection was lost; it is made again after a wait.
    Reconnecting {
        /// What was lost, one line.
        error: String,
        /// Which try this is, from 1; counted anew once something has moved.
        attempt: u32,
        /// How many there may be.
        of: u32,
        /// How long it waits first.
        wait: std::time::Duration,
    },
    /// An earlier try had left a part, and what it is worth is known.
    Resumed {
        /// As in `FileStarted`.
        id: u64,
        /// Its path at the source.
        path: Vec<u8>,
        /// Bytes that are there and need not be sent again; 0 when the part is started over.
        kept: u64,
        /// How that is known, or why nothing is kept.
        because: &'static str,
    },
    /// A remark that is no error but must be said.
    Warning(String),
    /// A detail for `-v`.
    Detail(String),
}

/// Whoever wants to know. Called from many tasks at once; must not block.
pub trait Observer: Send + Sync {
    /// Takes one event.
    fn event(&self, event: Event);

    /// Events that were taken and are kept until they can be shown. Whoever has much to tell waits while they are many.
    fn backlog(&self) -> usize {
        0
    }
}

/// Tells nobody.
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event) {}
}

/// What has come of a run so far: its one tally. The engine adds; the screen reads. Sizes in bytes.
#[derive(Debug, Default)]
pub struct Counters {
    /// Bytes acknowledged by the destination, in this run.
    pub bytes_done: AtomicU64,
    /// Bytes that an earlier run had left at the destination, and that were not sent again.
    pub bytes_kept: AtomicU64,
    /// Bytes found so far by the walk; final once `walked` is set.
    pub bytes_total: AtomicU64,
    /// Files that stand under their final name.
    pub files_done: AtomicU64,
    /// Files found so far by the walk; final once `walked` is set.
    pub files_total: AtomicU64,
    /// Files that the destination had already.
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
