//! What lies on a host, for whoever only looks? [`RemoteFiles`] reads typed words, and words its errors, as a copy does with
//! its sources. Copies nothing, and does not connect again.

use std::sync::Arc;
use std::time::Duration;

use super::expand::expand;
use super::remote::Remote;
use super::side::Side;
use super::watchdog;
use crate::chain::{ChainError, Session, Way};
use crate::copy::error::{Cause, CopyError};
use crate::copy::idle::IdleClock;
use crate::copy::place::{Links, Place};
use crate::progress::Stage;
use crate::sftp::{Attributes, OpenDirectory, SftpError};

/// The files of one host.
#[derive(Clone)]
pub struct RemoteFiles {
    session: Session,
    remote: Remote,
}

impl RemoteFiles {
    /// Those at the end of the way. The host is given up when it moves nothing for longer than `timeout`, or than a copy would
    /// wait.
    ///
    /// # Errors
    /// The hop that failed.
    pub async fn open(way: Way, timeout: Option<Duration>) -> Result<RemoteFiles, ChainError> {
        let session = way.session(0).await?;
        let client = session.sftp().await?;
        let clock = IdleClock::new(timeout.unwrap_or(watchdog::TIMEOUT), Arc::default(), Vec::new());
        let remote = Remote::new(client, way.trail().to_string().into());
        watchdog::set(&remote.client, Arc::new(clock), Arc::new(way), 0);
        Ok(RemoteFiles { session, remote })
    }

    /// The paths a typed word stands for: `~` is expanded, patterns are matched.
    ///
    /// # Errors
    /// When nothing matches, or the host cannot be asked.
    pub async fn find(&self, typed: &[u8]) -> Result<Vec<Vec<u8>>, CopyError> {
        let side = Side::Remote(self.remote.clone());
        let found = async { expand(&side, &side.expand(typed).await?).await };
        self.asked(found.await)
    }

    /// What `path` leads to.
    ///
    /// # Errors
    /// When nothing is there, or the host cannot be asked.
    pub async fn stat(&self, path: &[u8]) -> Result<Attributes, CopyError> {
        self.asked(self.remote.stat(&Place::typed(path), Links::Follow).await)
    }

    /// What `path` is itself.
    ///
    /// # Errors
    /// As [`RemoteFiles::stat`].
    pub async fn lstat(&self, path: &[u8]) -> Result<Attributes, CopyError> {
        self.asked(self.remote.stat(&Place::typed(path), Links::Keep).await)
    }

    /// What a symbolic link says.
    ///
    /// # Errors
    /// As [`RemoteFiles::stat`].
    pub async fn read_link(&self, path: &[u8]) -> Result<Vec<u8>, CopyError> {
        self.asked(self.remote.read_link(&Place::typed(path)).await)
    }

    /// Starts to list a folder. Its names are not vetted, and it may have no end.
    ///
    /// # Errors
    /// As [`RemoteFiles::stat`].
    pub async fn list(&self, folder: &[u8]) -> Result<OpenDirectory, CopyError> {
        self.asked(self.remote.list(&Place::typed(folder)).await)
    }

    /// An answer about `path`, or an error that names the host and the path.
    ///
    /// # Errors
    /// That of the answer.
    pub fn told<T>(&self, path: &[u8], answer: Result<T, SftpError>) -> Result<T, CopyError> {
        self.asked(answer.map_err(|error| self.error(path, Cause::Sftp(error))))
    }

    /// An error about `path`.
    pub fn error(&self, path: &[u8], cause: Cause) -> CopyError {
        CopyError::new(Some(Arc::clone(&self.remote.trail)), Stage::List, path.to_vec(), cause)
    }

    /// A session that was lost because a host shows another key now tells that.
    fn asked<T>(&self, answer: Result<T, CopyError>) -> Result<T, CopyError> {
        answer.map_err(|error| match self.session.host_key_change() {
            Some(change) => CopyError { cause: Cause::Chain(Box::new(change)), ..error },
            None => error,
        })
    }
}
