//! With what do the bytes go from one host to the other? [`Engine`]; over how many streams; and whether a file went so
//! ([`Carried`]).

/// Streams over the one login; sshd allows ten sessions a connection (`MaxSessions`).
pub const STREAMS: usize = 4;

/// What carries the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// `dd` and `tar` at both ends, through the login.
    Streams,
    /// `sftp` at the source: the destination runs no commands.
    Puts,
}

/// Whether a file went this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// It stands under its name.
    Here,
    /// It cannot go this way, which was said; nothing was written.
    NotHere,
}
