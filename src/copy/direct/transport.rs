//! What carries the bytes from one host to the other? [`Transport`], over [`STREAMS`] streams; [`Carried`] says whether a
//! file went that way.

/// Streams over one login. sshd allows ten sessions a connection (`MaxSessions`).
pub const STREAMS: usize = 4;

/// The programs that carry the bytes between the hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// `dd` and `tar` at both ends, over the login.
    Streams,
    /// `sftp` at the source, to a destination that runs no commands.
    Sftp,
}

/// Whether a file was copied directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// The file is at the destination under its name.
    Here,
    /// The file cannot be copied directly. The user has been told, and nothing was written.
    NotHere,
}
