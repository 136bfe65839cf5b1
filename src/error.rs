//! The errors of all rooms under one roof: [`enum@Error`], each with a [`Kind`] that decides the exit code.
//!
//! What to do about an error is not said here but in `cli/advice`.

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
    /// The lent agent was misused.
    AgentMisused = 31,
    /// Another run holds the destination, or has taken what this one wrote.
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
    pub const ALL: [Kind; 18] = [
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
        Kind::AgentMisused,
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
            Kind::AgentMisused => "agent_misused",
            Kind::Locked => "locked",
            Kind::Permissions => "permissions",
            Kind::Hangup => "hangup",
            Kind::Interrupted => "interrupted",
            Kind::Terminated => "terminated",
        }
    }
}

/// Why a verb failed as a whole.
#[derive(Debug, Error)]
pub enum Error {
    /// What was asked for cannot be meant.
    #[error("{0}")]
    Usage(String),
    /// A word that is no file and no host.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The configuration.
    #[error(transparent)]
    Config(Box<ConfigError>),
    /// A hop, or a session that broke.
    #[error(transparent)]
    Chain(Box<ChainError>),
    /// A copy.
    #[error(transparent)]
    Copy(Box<CopyError>),
    /// A login could not be lent, or the loan went wrong.
    #[error(transparent)]
    Lend(Box<LendError>),
    /// Another run has the destination, or nobody can say.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Something of this machine: a file, standard output.
    #[error("{}: {}", path.display(), words_of(source))]
    Local {
        /// Its name.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A fault of hop itself.
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
    /// What it means for the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Usage(_) | Error::Target(_) => Kind::Usage,
            Error::Config(error) => match error.kind() {
                ConfigErrorKind::Permissions => Kind::Permissions,
                ConfigErrorKind::Invalid => Kind::Usage,
            },
            Error::Chain(error) => of_chain(error),
            Error::Copy(error) => of_copy(error),
            Error::Lend(error) => of_lend(error),
            Error::Lock(LockError::Held { .. }) => Kind::Locked,
            Error::Lock(LockError::Unsafe(_)) => Kind::Permissions,
            Error::Lock(LockError::Io { .. }) => Kind::LocalFile,
            Error::Local { source, .. } => kind_of_local(source),
            Error::Internal(_) => Kind::Internal,
        }
    }
}

/// What an error of a file of this machine, or of standard output, means for the exit code.
pub fn kind_of_local(error: &std::io::Error) -> Kind {
    match error.kind() {
        std::io::ErrorKind::StorageFull => Kind::NoSpace,
        _ => Kind::LocalFile,
    }
}

fn of_copy(error: &CopyError) -> Kind {
    match (error.kind(), &error.cause) {
        (_, copy::Cause::Chain(error)) => of_chain(error),
        (_, copy::Cause::Direct(obstacle)) => of_direct(obstacle),
        (copy::Kind::Usage, _) => Kind::Usage,
        (copy::Kind::LocalFile, _) => Kind::LocalFile,
        (copy::Kind::RemoteFile | copy::Kind::Differs | copy::Kind::Several, _) => Kind::SomeFailed,
        (copy::Kind::SourceChanged, _) => Kind::SourceChanged,
        (copy::Kind::NoSpace, _) => Kind::NoSpace,
        (copy::Kind::Taken, _) => Kind::Locked,
        (copy::Kind::Protocol, _) => Kind::Protocol,
        (copy::Kind::TimedOut, _) => Kind::TimedOut,
        (copy::Kind::Chain | copy::Kind::Direct | copy::Kind::Lost, _) => Kind::Connect,
    }
}

fn of_direct(obstacle: &Obstacle) -> Kind {
    match obstacle {
        Obstacle::SameHost | Obstacle::SeveralSources | Obstacle::NoHosts => Kind::Usage,
        Obstacle::Unreachable { .. } | Obstacle::NoShell { .. } | Obstacle::NoClient { .. } => Kind::Connect,
        Obstacle::Failed { .. } | Obstacle::AsksAgain { .. } => Kind::Connect,
        Obstacle::OtherHost { .. } => Kind::HostKey,
        Obstacle::Late => Kind::TimedOut,
        Obstacle::Refused { .. } | Obstacle::Besieged { .. } => Kind::Authentication,
        Obstacle::NeitherWay { push, pull } if matches!(**pull, Obstacle::Unreachable { .. }) => of_direct(push),
        // the source did not even begin
        Obstacle::NeitherWay { pull, .. } => of_direct(pull),
        Obstacle::Lend(error) => of_lend(error),
        Obstacle::Lost(error) => of_chain(error),
    }
}

/// What an error of a hop means for the exit code.
pub fn of_chain(error: &ChainError) -> Kind {
    match &error.cause {
        Cause::Trust(_) => Kind::HostKey,
        Cause::Auth(error) => of_auth(error),
        Cause::Protocol(_) | Cause::Sftp(SftpError::Protocol(_)) => Kind::Protocol,
        // a host that is down and one that drops packets are the same to whoever wants to reach it
        Cause::TimedOut(_) if error.stage > Stage::Dial => Kind::TimedOut,
        _ => Kind::Connect,
    }
}

fn of_lend(error: &LendError) -> Kind {
    match error {
        LendError::Chain(error) => of_chain(error),
        LendError::SameKey { .. } | LendError::HostKeyType { .. } => Kind::HostKey,
        LendError::NotByKey { .. } | LendError::NoProof { .. } | LendError::NotHostbound { .. } => Kind::Authentication,
        LendError::NoForwarding { .. } | LendError::Constrained { .. } => Kind::Authentication,
        LendError::NoRestriction { .. } | LendError::NotAdmitted { .. } => Kind::Authentication,
        LendError::LineLeft { .. } => Kind::Connect,
        LendError::Unfit { .. } => Kind::Usage,
        LendError::Source { .. } => Kind::Connect,
        LendError::Misused { .. } => Kind::AgentMisused,
    }
}

fn of_auth(error: &AuthError) -> Kind {
    match error {
        AuthError::Permissions { .. } => Kind::Permissions,
        AuthError::TimedOut { .. } | AuthError::TooLong { .. } => Kind::TimedOut,
        AuthError::Peer(_) => Kind::Protocol,
        AuthError::Transport(_) => Kind::Connect,
        _ => Kind::Authentication,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Trail;

    #[test]
    fn exit_codes_and_names_are_the_documented_ones_and_differ() {
        let codes = Kind::ALL.map(Kind::code);
        assert_eq!(codes, [0, 1, 2, 10, 11, 12, 13, 14, 23, 24, 28, 30, 31, 75, 77, 129, 130, 143]);
        let names: std::collections::HashSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
    }

    #[test]
    fn a_host_that_does_not_answer_is_not_reached_and_a_slow_login_is_a_timeout() {
        let timed_out = |stage| {
            let cause = Cause::TimedOut(std::time::Duration::from_secs(10));
            Error::from(ChainError { trail: Trail(vec!["h".into()]), stage, cause }).kind()
        };
        assert_eq!(timed_out(Stage::Dial), Kind::Connect);
        assert_eq!(timed_out(Stage::Authenticate), Kind::TimedOut);
    }

    #[test]
    fn the_systems_words_lose_their_capital_and_their_number() {
        let full = std::io::Error::from_raw_os_error(28);
        let error = Error::Local { path: "standard output".into(), source: full };
        assert_eq!(error.to_string(), "standard output: no space left on device");
        assert_eq!(error.kind(), Kind::NoSpace);
    }
}
