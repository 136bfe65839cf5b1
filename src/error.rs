//! How does a run fail? [`enum@Error`] has the errors of all rooms, each with an [`ExitKind`] that decides the exit
//! code.
//!
//! Advice about an error is not given here but in `cli/advice`.

use std::path::PathBuf;

use thiserror::Error;

use crate::auth::AuthError;
use crate::chain::{Cause, ChainError};
use crate::config::{ConfigError, ConfigErrorKind};
use crate::copy::{self, CopyError, Obstacle};
use crate::lend::LendError;
use crate::lock::LockError;
use crate::progress::Stage;
use crate::sftp::SftpError;
use crate::target::TargetError;
use crate::words::words_of;

/// The result of a run. The number is the exit code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitKind {
    /// Everything that was asked for was done.
    #[default]
    Done = 0,
    /// An error inside hop itself.
    Internal = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// A hop could not be reached, or the connection was lost.
    Connect = 10,
    /// A file or folder on this machine could not be used.
    LocalFile = 11,
    /// A peer broke the protocol.
    Protocol = 12,
    /// A host key was not accepted.
    HostKey = 13,
    /// A login was not accepted.
    Authentication = 14,
    /// Some files failed; the rest arrived.
    SomeFailed = 23,
    /// A source changed while it was read.
    SourceChanged = 24,
    /// No space is left at the destination.
    NoSpace = 28,
    /// A time limit was reached.
    TimedOut = 30,
    /// The lent agent was misused.
    AgentMisused = 31,
    /// Another run holds the lock on the destination, or has taken over what this one wrote.
    Locked = 75,
    /// Others could read or change a key or configuration file.
    Permissions = 77,
    /// SIGHUP.
    Hangup = 129,
    /// SIGINT.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

impl ExitKind {
    /// Every kind, in the order of the exit codes.
    pub const ALL: [ExitKind; 18] = [
        ExitKind::Done,
        ExitKind::Internal,
        ExitKind::Usage,
        ExitKind::Connect,
        ExitKind::LocalFile,
        ExitKind::Protocol,
        ExitKind::HostKey,
        ExitKind::Authentication,
        ExitKind::SomeFailed,
        ExitKind::SourceChanged,
        ExitKind::NoSpace,
        ExitKind::TimedOut,
        ExitKind::AgentMisused,
        ExitKind::Locked,
        ExitKind::Permissions,
        ExitKind::Hangup,
        ExitKind::Interrupted,
        ExitKind::Terminated,
    ];

    /// The exit code.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The name that scripts see in JSON; it never changes.
    pub fn name(self) -> &'static str {
        match self {
            ExitKind::Done => "done",
            ExitKind::Internal => "internal",
            ExitKind::Usage => "usage",
            ExitKind::Connect => "connect",
            ExitKind::LocalFile => "local_file",
            ExitKind::Protocol => "protocol",
            ExitKind::HostKey => "host_key",
            ExitKind::Authentication => "authentication",
            ExitKind::SomeFailed => "some_failed",
            ExitKind::SourceChanged => "source_changed",
            ExitKind::NoSpace => "no_space",
            ExitKind::TimedOut => "timed_out",
            ExitKind::AgentMisused => "agent_misused",
            ExitKind::Locked => "locked",
            ExitKind::Permissions => "permissions",
            ExitKind::Hangup => "hangup",
            ExitKind::Interrupted => "interrupted",
            ExitKind::Terminated => "terminated",
        }
    }
}

/// Why a verb failed as a whole.
#[derive(Debug, Error)]
pub enum Error {
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// A word that is neither a file nor a host.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(Box<ConfigError>),
    /// A hop could not be reached, or a session was lost.
    #[error(transparent)]
    Chain(Box<ChainError>),
    /// A copy failed.
    #[error(transparent)]
    Copy(Box<CopyError>),
    /// A login could not be lent, or the loan went wrong.
    #[error(transparent)]
    Lend(Box<LendError>),
    /// Another run holds the lock on the destination, or it is not known whether one does.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file of this machine, or standard output, could not be used.
    #[error("{}: {}", path.display(), words_of(source))]
    Local {
        /// The name of the file or stream.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// An error inside hop itself.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Error {
        Error::Config(Box::new(error))
    }
}

impl From<ChainError> for Error {
    fn from(error: ChainError) -> Error {
        Error::Chain(Box::new(error))
    }
}

impl From<LendError> for Error {
    fn from(error: LendError) -> Error {
        match error {
            LendError::Chain(error) => error.into(),
            error => Error::Lend(Box::new(error)),
        }
    }
}

impl From<CopyError> for Error {
    fn from(error: CopyError) -> Error {
        Error::Copy(Box::new(error))
    }
}

impl Error {
    /// The exit code for the error.
    pub fn kind(&self) -> ExitKind {
        match self {
            Error::Usage(_) | Error::Target(_) => ExitKind::Usage,
            Error::Config(error) => match error.kind() {
                ConfigErrorKind::Permissions => ExitKind::Permissions,
                ConfigErrorKind::Invalid => ExitKind::Usage,
            },
            Error::Chain(error) => of_chain(error),
            Error::Copy(error) => of_copy(error),
            Error::Lend(error) => of_lend(error),
            Error::Lock(LockError::Held { .. }) => ExitKind::Locked,
            Error::Lock(LockError::Unsafe(_)) => ExitKind::Permissions,
            Error::Lock(LockError::Io { .. }) => ExitKind::LocalFile,
            Error::Local { source, .. } => kind_of_local(source),
            Error::Internal(_) => ExitKind::Internal,
        }
    }
}

/// The exit code for an error of a local file, or of standard output.
pub fn kind_of_local(error: &std::io::Error) -> ExitKind {
    match error.kind() {
        std::io::ErrorKind::StorageFull => ExitKind::NoSpace,
        _ => ExitKind::LocalFile,
    }
}

fn of_copy(error: &CopyError) -> ExitKind {
    match (error.kind(), &error.cause) {
        (_, copy::Cause::Chain(error)) => of_chain(error),
        (_, copy::Cause::Direct(obstacle)) => of_direct(obstacle),
        (copy::Kind::Usage, _) => ExitKind::Usage,
        (copy::Kind::LocalFile, _) => ExitKind::LocalFile,
        (copy::Kind::RemoteFile | copy::Kind::Differs | copy::Kind::Several, _) => ExitKind::SomeFailed,
        (copy::Kind::SourceChanged, _) => ExitKind::SourceChanged,
        (copy::Kind::NoSpace, _) => ExitKind::NoSpace,
        (copy::Kind::Taken, _) => ExitKind::Locked,
        (copy::Kind::Protocol, _) => ExitKind::Protocol,
        (copy::Kind::TimedOut, _) => ExitKind::TimedOut,
        (copy::Kind::Chain | copy::Kind::Direct | copy::Kind::Lost, _) => ExitKind::Connect,
    }
}

fn of_direct(obstacle: &Obstacle) -> ExitKind {
    match obstacle {
        Obstacle::SameHost | Obstacle::SeveralSources | Obstacle::NoHosts => ExitKind::Usage,
        Obstacle::Unreachable { .. } | Obstacle::NoShell { .. } | Obstacle::NoClient { .. } => ExitKind::Connect,
        Obstacle::Failed { .. } | Obstacle::AsksAgain { .. } => ExitKind::Connect,
        Obstacle::OtherHost { .. } => ExitKind::HostKey,
        Obstacle::Late => ExitKind::TimedOut,
        Obstacle::Refused { .. } | Obstacle::Besieged { .. } => ExitKind::Authentication,
        Obstacle::NeitherWay { push, pull } if matches!(**pull, Obstacle::Unreachable { .. }) => of_direct(push),
        // the source did not even begin
        Obstacle::NeitherWay { pull, .. } => of_direct(pull),
        Obstacle::Lend(error) => of_lend(error),
        Obstacle::Lost(error) => of_chain(error),
    }
}

/// The exit code for an error of a hop.
pub fn of_chain(error: &ChainError) -> ExitKind {
    match &error.cause {
        Cause::Trust(_) => ExitKind::HostKey,
        Cause::Auth(error) => of_auth(error),
        Cause::NothingToOffer(_) => ExitKind::Usage,
        Cause::NoCommonAlgorithm { .. } | Cause::Protocol(_) | Cause::Sftp(SftpError::Protocol(_)) => {
            ExitKind::Protocol
        }
        // to the user, a host that is down and one that drops packets are the same
        Cause::TimedOut(_) if error.stage > Stage::Dial => ExitKind::TimedOut,
        _ => ExitKind::Connect,
    }
}

fn of_lend(error: &LendError) -> ExitKind {
    match error {
        LendError::Chain(error) => of_chain(error),
        LendError::SameKey { .. } | LendError::HostKeyType { .. } => ExitKind::HostKey,
        LendError::NotByKey { .. } | LendError::NoProof { .. } | LendError::NotHostbound { .. } => {
            ExitKind::Authentication
        }
        LendError::NoForwarding { .. } | LendError::Constrained { .. } => ExitKind::Authentication,
        LendError::NoRestriction { .. } | LendError::NotAdmitted { .. } => ExitKind::Authentication,
        LendError::LineLeft { .. } => ExitKind::Connect,
        LendError::Unfit { .. } => ExitKind::Usage,
        LendError::Source { .. } => ExitKind::Connect,
        LendError::Misused { .. } => ExitKind::AgentMisused,
    }
}

fn of_auth(error: &AuthError) -> ExitKind {
    match error {
        AuthError::Permissions { .. } => ExitKind::Permissions,
        AuthError::TimedOut { .. } | AuthError::TooLong { .. } => ExitKind::TimedOut,
        AuthError::Peer(_) => ExitKind::Protocol,
        AuthError::Transport(_) => ExitKind::Connect,
        _ => ExitKind::Authentication,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Trail;

    #[test]
    fn exit_codes_and_names_are_the_documented_ones_and_differ() {
        let codes = ExitKind::ALL.map(ExitKind::code);
        assert_eq!(codes, [0, 1, 2, 10, 11, 12, 13, 14, 23, 24, 28, 30, 31, 75, 77, 129, 130, 143]);
        let names: std::collections::HashSet<_> = ExitKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), ExitKind::ALL.len());
    }

    #[test]
    fn a_host_that_does_not_answer_is_not_reached_and_a_slow_login_is_a_timeout() {
        let timed_out = |stage| {
            let cause = Cause::TimedOut(std::time::Duration::from_secs(10));
            Error::from(ChainError { trail: Trail(vec!["h".into()]), stage, cause }).kind()
        };
        assert_eq!(timed_out(Stage::Dial), ExitKind::Connect);
        assert_eq!(timed_out(Stage::Authenticate), ExitKind::TimedOut);
    }

    #[test]
    fn the_systems_words_lose_their_capital_and_their_number() {
        let full = std::io::Error::from_raw_os_error(28);
        let error = Error::Local { path: "standard output".into(), source: full };
        assert_eq!(error.to_string(), "standard output: no space left on device");
        assert_eq!(error.kind(), ExitKind::NoSpace);
    }
}
