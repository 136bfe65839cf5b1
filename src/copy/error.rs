//! What failed in a copy: [`CopyError`], with the host, the step, the path and the cause; its [`Kind`] says what it means
//! for the run. Advice and exit codes are the front door's.

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use rustix::io::Errno;
use thiserror::Error;

use super::idle::Idle;
use super::in_the_way::InTheWay;
use super::name::BadName;
use super::obstacle::Obstacle;
use super::place::Links;
use super::shown::Shown;
use crate::chain::ChainError;
use crate::lend::LendError;
use crate::progress::Stage;
use crate::sftp::SftpError;
use crate::words::words_of;

/// What a failure means for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What was asked for makes no sense; refused before anything was written.
    Usage,
    /// Something is wrong with a file or folder of this machine.
    LocalFile,
    /// Something is wrong with a file or folder of a host.
    RemoteFile,
    /// The source changed while it was read, twice.
    SourceChanged,
    /// No space left at the destination.
    NoSpace,
    /// A peer broke the protocol, or sent file names that would lead outside the folder.
    Protocol,
    /// A hop could not be connected to.
    Chain,
    /// A direct copy cannot be had, or its login was misused.
    Direct,
    /// The session was lost.
    Lost,
    /// What arrived is not what was sent.
    Differs,
    /// Nothing moved for too long, or the run took too long.
    TimedOut,
    /// Another run has taken over the part file.
    Taken,
    /// Failures of more than one kind, each told by its own event.
    Several,
}

/// What failed: at which host, in which step, on which path, and why.
#[derive(Debug)]
pub struct CopyError {
    /// The trail to the host (`laptop > acc-bastion > acc-pvt`); `None` on this machine.
    pub host: Option<Arc<str>>,
    /// The step that failed.
    pub stage: Stage,
    /// The path at that end, as raw bytes.
    pub path: Vec<u8>,
    /// Why it failed.
    pub cause: Cause,
    /// The part file left at the destination of a file that did not arrive, as raw bytes.
    pub part: Option<Vec<u8>>,
}

/// Why a step failed.
#[derive(Debug, Error)]
pub enum Cause {
    /// The system refused.
    #[error("{}", words_of(.0))]
    Io(io::Error),
    /// The server refused, broke the protocol, or is gone.
    #[error(transparent)]
    Sftp(SftpError),
    /// A lane could not be opened.
    #[error(transparent)]
    Chain(Box<ChainError>),
    /// The file system is full.
    #[error("no space left")]
    NoSpace,
    /// The file system takes no changes.
    #[error("the file system there is read-only")]
    ReadOnly,
    /// A name is longer than the end takes.
    #[error("the name has {0} bytes, more than the file system there takes")]
    NameTooLong(usize),
    /// Size or times at the end are not those of the beginning.
    #[error("the source changed while it was read")]
    SourceChanged,
    /// The source was listed, and is not there any more.
    #[error("it was there when it was listed, and has vanished")]
    Vanished,
    /// Something else has the name.
    #[error("{0}")]
    InTheWay(InTheWay),
    /// The end has set neither the mode nor the times of a file that has its name.
    #[error("it has arrived, and its mode and times could not be set: {0}")]
    Unset(Box<Cause>),
    /// The end does not set the mode of a part file, which has to be made with another one.
    #[error("its mode cannot be set")]
    ModeRefused,
    /// The source does not change, yet has far more bytes than it announces.
    #[error("its size is said to be {announced} bytes, and {surplus} bytes further on it has not ended")]
    Endless {
        /// Bytes the source announces.
        announced: u64,
        /// Bytes read beyond those.
        surplus: u64,
    },
    /// A direct copy relies on the announced size, and the source has more or fewer bytes.
    #[error("it has more or fewer bytes than it says")]
    Misstated,
    /// The server listed a name that cannot be used.
    #[error("the server listed {0}")]
    Name(BadName),
    /// The item cannot be copied as asked.
    #[error("{0}")]
    Unfit(&'static str),
    /// The part file does not hold what was read at the source.
    #[error("the SHA-256 of what arrived is not that of the source")]
    Differs,
    /// The part file's name belongs to something else now.
    #[error("it was taken away or replaced while it was written")]
    PartTaken,
    /// The server does not write at the given offset, or not by the handle it gave.
    #[error("the server takes a file from its beginning to its end only: {0}")]
    InOrderOnly(SftpError),
    /// The server said that the file has its name, but it cannot be read there.
    #[error("the server says that it is there, and it cannot be read")]
    NotThere,
    /// The run has taken as long as it may.
    #[error("not done within {} s, the whole run's limit; what is on its way is kept in .NAME.hop-ID.part", .0.as_secs_f32())]
    Deadline(Duration),
    /// Nothing has moved for this long, whatever was tried.
    #[error("nothing has moved for {} s, retries included", .0.as_secs())]
    Idle(Duration),
    /// More entries would be removed than allowed; none was.
    #[error("{found} entries are not at the source, and no more than {most} may be removed; none was")]
    TooMany {
        /// Entries that would be removed.
        found: u64,
        /// Entries that may be removed.
        most: u64,
    },
    /// Refused before anything was written.
    #[error("{0}")]
    Refused(&'static str),
    /// A direct copy was wanted and cannot be had, or its login was misused.
    #[error(transparent)]
    Direct(Box<Obstacle>),
    /// What the destination's shell said about bytes that the source sent.
    #[error("what the source sent could not be written: {0}")]
    Stream(String),
    /// A host's own login at the other is lost; what it said last.
    #[error("its login at the other host was lost: {0}")]
    StreamLost(String),
    /// Nothing has moved for this long over one host's login at the other.
    #[error("nothing has moved over its login to the destination for {} s", .0.as_secs_f32())]
    StreamStalled(Duration),
}

impl CopyError {
    /// An error on this machine.
    pub(super) fn local(stage: Stage, path: Vec<u8>, error: io::Error) -> CopyError {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let cause = if full { Cause::NoSpace } else { Cause::Io(error) };
        CopyError { host: None, stage, path, cause, part: None }
    }

    /// The same error for a source that was listed as a file or folder: when its name belongs to a link or something
    /// else now, the source has changed.
    pub(super) fn of_source(mut self, links: Links) -> CopyError {
        let of_another_kind = |error: &io::Error| {
            let number = error.raw_os_error();
            let is = |errno: Errno| number == Some(errno.raw_os_error());
            is(Errno::LOOP) || is(Errno::NOTDIR) || (number.is_none() && error.kind() == io::ErrorKind::InvalidInput)
        };
        if links == Links::Keep && matches!(&self.cause, Cause::Io(error) if of_another_kind(error)) {
            self.cause = Cause::SourceChanged;
        } else if self.is_missing() {
            self.cause = Cause::Vanished;
        }
        self
    }

    /// The same error for a write: a server that may take files only from beginning to end has refused another offset.
    pub(super) fn of_order(self) -> CopyError {
        match self.cause {
            Cause::Sftp(error @ SftpError::Status { .. }) => CopyError { cause: Cause::InOrderOnly(error), ..self },
            cause => CopyError { cause, ..self },
        }
    }

    /// An error at either end.
    pub(super) fn new(host: Option<Arc<str>>, stage: Stage, path: Vec<u8>, cause: Cause) -> CopyError {
        CopyError { host, stage, path, cause, part: None }
    }

    /// What the error means for the run.
    pub fn kind(&self) -> Kind {
        match &self.cause {
            Cause::Io(_) => Kind::LocalFile,
            Cause::Sftp(SftpError::Ended(_)) | Cause::StreamLost(_) => Kind::Lost,
            Cause::Sftp(SftpError::Stalled(_)) | Cause::StreamStalled(_) => Kind::TimedOut,
            Cause::Deadline(_) | Cause::Idle(_) => Kind::TimedOut,
            Cause::Sftp(SftpError::Protocol(_)) | Cause::Name(_) | Cause::Endless { .. } => Kind::Protocol,
            Cause::Chain(_) => Kind::Chain,
            Cause::Direct(_) => Kind::Direct,
            Cause::NoSpace => Kind::NoSpace,
            Cause::SourceChanged | Cause::Vanished => Kind::SourceChanged,
            Cause::Refused(_) => Kind::Usage,
            Cause::Stream(_) | Cause::Misstated | Cause::InOrderOnly(_) | Cause::NotThere => Kind::RemoteFile,
            Cause::Differs => Kind::Differs,
            Cause::TooMany { .. } => Kind::Several,
            Cause::PartTaken => Kind::Taken,
            // what an end says of a file
            _ if self.host.is_some() => Kind::RemoteFile,
            _ => Kind::LocalFile,
        }
    }

    /// The error for a direct copy that cannot be had.
    pub(super) fn direct(obstacle: Obstacle) -> CopyError {
        match obstacle {
            Obstacle::Lend(LendError::Chain(error)) | Obstacle::Lost(error) => {
                CopyError::new(None, error.stage, Vec::new(), Cause::Chain(Box::new(error)))
            }
            obstacle => CopyError::new(None, Stage::Exec, Vec::new(), Cause::Direct(Box::new(obstacle))),
        }
    }

    /// True when the rest of the run cannot go on: the session is gone.
    pub fn ends_the_run(&self) -> bool {
        let of_session = |error: &SftpError| error.ends_session();
        matches!(&self.cause, Cause::Chain(_) | Cause::Direct(_))
            || self.is_of_login()
            || matches!(&self.cause, Cause::Sftp(error) if of_session(error))
    }

    /// True when the connection is gone and nothing else is wrong.
    pub(super) fn is_lost(&self) -> bool {
        match &self.cause {
            Cause::Sftp(SftpError::Ended(_) | SftpError::Stalled(_)) => true,
            Cause::Chain(error) => error.is_broken(),
            _ => false,
        }
    }

    /// True when a direct copy's login is gone or cannot be used any more.
    pub(super) fn is_of_login(&self) -> bool {
        matches!(self.cause, Cause::StreamLost(_) | Cause::StreamStalled(_))
    }

    /// True when an end that was reached before may be reached again later: a host that restarts refuses for a while.
    pub(super) fn may_pass(&self) -> bool {
        match &self.cause {
            Cause::Chain(error) => error.may_pass(),
            _ => self.is_lost(),
        }
    }

    /// True when another try may see a source at rest.
    pub(super) fn is_source_changed(&self) -> bool {
        matches!(self.cause, Cause::SourceChanged)
    }

    /// What else has the name, if that is why.
    pub(super) fn in_the_way(&self) -> Option<InTheWay> {
        match self.cause {
            Cause::InTheWay(what) => Some(what),
            _ => None,
        }
    }

    /// True when it says nothing against the other entries of the source: what only the destination has may go.
    pub(super) fn lets_others_go(&self) -> bool {
        matches!(self.cause, Cause::Vanished | Cause::InTheWay(_))
    }

    /// True when no later attempt could use the part file.
    pub(super) fn is_worthless(&self) -> bool {
        let is_of_source = matches!(self.cause, Cause::SourceChanged | Cause::Endless { .. } | Cause::Misstated);
        is_of_source || matches!(self.cause, Cause::Differs | Cause::InOrderOnly(_) | Cause::ModeRefused)
    }

    /// True when the file may arrive if its part file is made with its mode.
    pub(super) fn is_mode_refused(&self) -> bool {
        matches!(self.cause, Cause::ModeRefused)
    }

    /// True when the file may arrive if it is written from beginning to end.
    pub(super) fn is_in_order_only(&self) -> bool {
        matches!(self.cause, Cause::InOrderOnly(_))
    }

    /// True when the part file no longer belongs to this run.
    pub(super) fn is_taken(&self) -> bool {
        matches!(self.cause, Cause::PartTaken)
    }
}

impl From<Idle> for CopyError {
    fn from(Idle(time): Idle) -> CopyError {
        CopyError::new(None, Stage::Transfer, Vec::new(), Cause::Idle(time))
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Chain(error) => {
                write!(f, "{error}")?;
                return self.part_left(f);
            }
            Cause::Direct(obstacle) => {
                write!(f, "{obstacle}")?;
                return self.part_left(f);
            }
            Cause::Deadline(_) => return write!(f, "{}", self.cause),
            Cause::Idle(_) => {
                write!(f, "{}", self.cause)?;
                return match self.part {
                    Some(_) => self.part_left(f),
                    None => f.write_str("; what is on its way is kept in .NAME.hop-ID.part"),
                };
            }
            _ => {}
        }
        if let Some(trail) = &self.host {
            write!(f, "{}: {trail}: ", trail.rsplit(" > ").next().unwrap_or(trail))?;
        }
        write!(f, "{}: {}: {}", self.stage, Shown(&self.path), self.cause)?;
        self.part_left(f)
    }
}

impl CopyError {
    fn part_left(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            Some(part) => write!(f, "; what arrived is kept in {}", Shown(part)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CopyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Io(error) => Some(error),
            Cause::Sftp(error) => Some(error),
            Cause::Chain(error) => Some(error.as_ref()),
            Cause::Direct(obstacle) => Some(obstacle.as_ref()),
            _ => None,
        }
    }
}

/// Whether the system says that nothing is there.
pub fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sftp::StatusCode;

    fn status(code: StatusCode) -> Cause {
        Cause::Sftp(SftpError::Status { code, message: String::new() })
    }

    #[test]
    fn reads_host_trail_step_path_and_cause() {
        let trail: Arc<str> = "laptop > acc-bastion > acc-pvt".into();
        let mut error =
            CopyError::new(Some(trail), Stage::Land, b"/srv/\xffx".to_vec(), status(StatusCode::PERMISSION_DENIED));
        assert_eq!(error.to_string(), "acc-pvt: laptop > acc-bastion > acc-pvt: land: /srv/\\xffx: permission denied");
        error.part = Some(b"/srv/.x.part".to_vec());
        assert!(error.to_string().ends_with("; what arrived is kept in /srv/.x.part"));
        assert_eq!(error.kind(), Kind::RemoteFile);
    }

    #[test]
    fn local_errors_are_plain_words() {
        let error = CopyError::local(Stage::Transfer, b"a".to_vec(), io::Error::from_raw_os_error(13));
        assert_eq!(error.to_string(), "transfer: a: permission denied");
        assert_eq!(error.kind(), Kind::LocalFile);
    }

    #[test]
    fn a_full_disk_is_its_own_kind() {
        for errno in [28, 122] {
            let error = CopyError::local(Stage::Transfer, Vec::new(), io::Error::from_raw_os_error(errno));
            assert_eq!(error.kind(), Kind::NoSpace, "{errno}");
        }
    }

    #[test]
    fn a_lost_session_ends_the_run_and_a_refusal_does_not() {
        let error = |cause| CopyError::new(Some("laptop > a".into()), Stage::Transfer, Vec::new(), cause);
        assert!(error(Cause::Sftp(SftpError::Ended("eof".into()))).ends_the_run());
        assert!(!error(status(StatusCode::FAILURE)).ends_the_run());
        assert!(error(status(StatusCode::NO_SUCH_FILE)).is_missing());
        assert!(error(status(StatusCode::FAILURE)).may_exist());
    }
}
