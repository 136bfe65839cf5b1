//! What is the SHA-256 of a file at one end? [`FileChecksum`] tells it for ranges of an open file. A host with a shell
//! computes it itself; elsewhere the bytes are read.

use std::ops::Range;
use std::pin::pin;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};

use super::file::OpenFile;
use super::pool::Pool;
use super::remote_sha256::{RemoteSha256, Sum, UNIT};
use super::side::Side;
use crate::copy::error::CopyError;
use crate::copy::place::{Links, Place};

/// Bytes read at once.
const STEP: u64 = 255 * 1024;

/// How often a host that is computing a SHA-256 is sent another request, which shows that the connection still works.
const GLANCE: Duration = Duration::from_secs(10);

/// The SHA-256 of all of a small file at the end that `pool` belongs to, as a host's own tools tell it for many files
/// together; `None` where they do not.
///
/// # Errors
/// When the session is lost.
pub async fn told_of_whole(pool: &Pool, side: &Side, place: &Place) -> Result<Option<Sum>, CopyError> {
    let Some(sums) = pool.sums().await else { return Ok(None) };
    let Some(folder) = pool.absolute_base(side, place).await? else { return Ok(None) };
    let path = if place.below().is_empty() { folder } else { [&folder[..], b"/", place.below()].concat() };
    patiently(side, place, sums.of_whole(&path)).await
}

/// Waits for a sum; none comes from a shell that may read less than the SFTP server, or that has ended.
async fn patiently(
    side: &Side,
    place: &Place,
    asked: impl Future<Output = Option<Sum>>,
) -> Result<Option<Sum>, CopyError> {
    let mut asked = pin!(asked);
    loop {
        match tokio::time::timeout(GLANCE, &mut asked).await {
            Ok(told) => return Ok(told),
            Err(_) => drop(side.stat(place, Links::Follow).await?),
        }
    }
}

/// An open file whose SHA-256 can be asked for.
pub struct FileChecksum<'a> {
    side: &'a Side,
    file: &'a OpenFile,
    /// The shell to ask, and the file's absolute path.
    shell: Option<(RemoteSha256, Vec<u8>)>,
}

impl<'a> FileChecksum<'a> {
    /// For a file at the end that `pool` belongs to.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn of(pool: &Pool, side: &'a Side, file: &'a OpenFile) -> Result<FileChecksum<'a>, CopyError> {
        let shell = match pool.sums().await {
            Some(sums) => Some((sums, side.real(file.place()).await?)),
            None => None,
        };
        Ok(FileChecksum { side, file, shell })
    }

    /// Whether the SHA-256 can be had without the bytes travelling.
    pub fn is_near(&self) -> bool {
        matches!(self.side, Side::Local) || self.shell.is_some()
    }

    /// The SHA-256 of `range`, which begins at a multiple of [`UNIT`] and ends at one, or at the end of the file.
    ///
    /// # Errors
    /// When the file cannot be read, or the session is lost.
    pub async fn sum(&self, range: Range<u64>) -> Result<Sum, CopyError> {
        self.sum_in(UNIT, range).await
    }

    /// Like [`FileChecksum::sum`], with units of `unit` bytes.
    ///
    /// # Errors
    /// As [`FileChecksum::sum`].
    pub async fn sum_in(&self, unit: u64, range: Range<u64>) -> Result<Sum, CopyError> {
        match self.told_in(unit, range.clone()).await? {
            Some(sum) => Ok(sum),
            None => self.read(range).await,
        }
    }

    /// Like [`FileChecksum::sum`], but `None` where no shell can tell.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn told(&self, range: Range<u64>) -> Result<Option<Sum>, CopyError> {
        self.told_in(UNIT, range).await
    }

    async fn told_in(&self, unit: u64, range: Range<u64>) -> Result<Option<Sum>, CopyError> {
        let Some((sums, path)) = &self.shell else { return Ok(None) };
        let (skip, count) = (range.start / unit, (range.end - range.start).div_ceil(unit));
        patiently(self.side, self.file.place(), sums.of(path, unit, skip, count)).await
    }

    /// The SHA-256 of any range, from its bytes.
    ///
    /// # Errors
    /// As [`FileChecksum::sum`].
    pub async fn read(&self, range: Range<u64>) -> Result<Sum, CopyError> {
        let mut hash = Context::new(&SHA256);
        let mut at = range.start;
        while at < range.end {
            let step = (range.end - at).min(STEP.min(self.file.max_read() as u64));
            let data = self.file.read(at, step as usize).await?;
            hash.update(&data);
            if (data.len() as u64) < step {
                break;
            }
            at += step;
        }
        let mut sum = [0; 32];
        sum.copy_from_slice(hash.finish().as_ref());
        Ok(sum)
    }
}
