//! The errors of all rooms under one roof: [`Error`], each with a [`Kind`] that decides the exit code.
//!
//! What to do about an error is not said here but in `cli/advice.rs`.

/// What a run came to. The number is the exit code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Everything that was asked for was done.
    #[default]
    Done = 0,
    /// A fault of hop itself.
    Internal = 1,
    /// The command line or the configuration.
    Usage = 2,
    /// A hop could not be reached, or the connection was lost.
    Connect = 10,
    /// A file or folder of this machine.
    LocalFile = 11,
    /// A peer broke the protocol.
    Protocol = 12,
    /// A host key did not pass.
    HostKey = 13,
    /// A login did not pass.
    Authentication = 14,
    /// Some files failed, the rest arrived.
    SomeFailed = 23,
    /// A source changed while it was read.
    SourceChanged = 24,
    /// No space left at the destination.
    NoSpace = 28,
    /// A time limit ran out.
    TimedOut = 30,
    /// Another run holds the destination.
    Locked = 75,
    /// A key or configuration file that others could read or change.
    Permissions = 77,
    /// SIGHUP.
    Hangup = 129,
    /// SIGINT.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

impl Kind {
    /// Every kind, in the order of the exit codes.
    pub const ALL: [Kind; 17] = [
        Kind::Done,
        Kind::Internal,
        Kind::Usage,
        Kind::Connect,
        Kind::LocalFile,
        Kind::Protocol,
        Kind::HostKey,
        Kind::Authentication,
        Kind::SomeFailed,
        Kind::SourceChanged,
        Kind::NoSpace,
        Kind::TimedOut,
        Kind::Locked,
        Kind::Permissions,
        Kind::Hangup,
        Kind::Interrupted,
        Kind::Terminated,
    ];

    /// The exit code.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The name scripts see in JSON; never changes.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Done => "done",
            Kind::Internal => "internal",
            Kind::Usage => "usage",
            Kind::Connect => "connect",
            Kind::LocalFile => "local_file",
            Kind::Protocol => "protocol",
            Kind::HostKey => "host_key",
            Kind::Authentication => "authentication",
            Kind::SomeFailed => "some_failed",
            Kind::SourceChanged => "source_changed",
            Kind::NoSpace => "no_space",
            Kind::TimedOut => "timed_out",
            Kind::Locked => "locked",
            Kind::Permissions => "permissions",
            Kind::Hangup => "hangup",
            Kind::Interrupted => "interrupted",
            Kind::Terminated => "terminated",
        }
    }
}
