//! A file open at one end: [`OpenFile`], read and written by offset, from many tasks at once.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::blocking::blocking;
use super::buffers::BLOCK;
use super::identity::{FileIdentity, same_version};
use super::local;
use super::remote::Remote;
use crate::copy::error::{Cause, CopyError};
use crate::copy::place::{Links, Place};
use crate::progress::Stage;
use crate::sftp::{Attributes, Handle};

/// Whether attributes could be set. The caller decides what a failure means.
pub type Set = Result<(), CopyError>;

/// What reading all of a file of a few blocks gave.
pub struct Whole {
    /// The file's bytes. Only the last piece that has any is shorter than was asked for.
    pub pieces: Vec<Bytes>,
    /// The file goes on behind these bytes.
    pub goes_on: bool,
    /// The file's identity before it was read.
    pub began: FileIdentity,
    /// The file is the version that was listed, and did not change while it was read.
    pub is_same: bool,
}

impl Whole {
    /// Reads a file of this machine that announces the size in `version`; blocks.
    pub fn read_here(file: &File, version: &Attributes) -> io::Result<Whole> {
        let (told, began) = local::identity(file)?;
        let (data, goes_on) = local::read_whole(file, version.size.unwrap_or(0) as usize)?;
        let is_same = same_version(&told, version) && local::identity(file)?.1 == began;
        Ok(Whole { pieces: vec![data], goes_on, began, is_same })
    }

    /// Length of all pieces in bytes.
    pub fn length(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.len() as u64).sum()
    }

    /// Cuts the pieces to `length` bytes in all.
    pub fn cut(&mut self, length: u64) {
        let mut left = length;
        for piece in &mut self.pieces {
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= piece.len() as u64;
        }
    }
}

/// An open file and its place.
pub struct OpenFile {
    place: Place,
    end: OpenEnd,
}

enum OpenEnd {
    Local(Arc<File>),
    Remote(Remote, Handle),
}

impl OpenFile {
    /// A file on this machine.
    pub fn local(place: &Place, file: File) -> OpenFile {
        OpenFile { place: place.clone(), end: OpenEnd::Local(Arc::new(file)) }
    }

    /// A file on a host.
    pub fn remote(place: &Place, remote: Remote, handle: Handle) -> OpenFile {
        OpenFile { place: place.clone(), end: OpenEnd::Remote(remote, handle) }
    }

    /// The file's place.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Most bytes one [`OpenFile::read`] may ask for.
    pub fn max_read(&self) -> usize {
        match &self.end {
            OpenEnd::Local(_) => BLOCK,
            OpenEnd::Remote(remote, _) => remote.client.max_read(),
        }
    }

    /// Most bytes one [`OpenFile::write`] may carry.
    pub fn max_write(&self) -> usize {
        match &self.end {
            OpenEnd::Local(_) => BLOCK,
            OpenEnd::Remote(remote, _) => remote.client.max_write(),
        }
    }

    /// Reads `len` bytes at `offset`; fewer only where the file ends.
    pub async fn read(&self, offset: u64, len: usize) -> Result<Bytes, CopyError> {
        match &self.end {
            OpenEnd::Local(file) => {
                let file = Arc::clone(file);
                blocking(Stage::Transfer, &self.place, move |_| local::read(&file, offset, len)).await
            }
            OpenEnd::Remote(remote, handle) => {
                remote.told(Stage::Transfer, &self.place, remote.client.read(handle, offset, len).await)
            }
        }
    }

    /// Writes all of `data` at `offset`.
    pub async fn write(&self, offset: u64, data: Bytes) -> Result<(), CopyError> {
        match &self.end {
            OpenEnd::Local(file) => {
                let file = Arc::clone(file);
                blocking(Stage::Transfer, &self.place, move |_| local::write(&file, offset, &data)).await
            }
            OpenEnd::Remote(remote, handle) => {
                remote.told(Stage::Transfer, &self.place, remote.client.write(handle, offset, data).await)
            }
        }
    }

    /// The file's attributes now, and what tells its versions apart.
    pub async fn identity(&self) -> Result<(Attributes, FileIdentity), CopyError> {
        match &self.end {
            OpenEnd::Local(file) => {
                let file = Arc::clone(file);
                blocking(Stage::Transfer, &self.place, move |_| local::identity(&file)).await
            }
            OpenEnd::Remote(remote, handle) => {
                let told = remote.told(Stage::Transfer, &self.place, remote.fstat(handle, &self.place).await)?;
                Ok((told, FileIdentity::from(&told)))
            }
        }
    }

    /// Whether the file belongs to this user and has no other name; always `true` on a host, which is not asked.
    pub async fn is_ours_alone(&self) -> Result<bool, CopyError> {
        match &self.end {
            OpenEnd::Local(file) => {
                let file = Arc::clone(file);
                blocking(Stage::Transfer, &self.place, move |_| local::is_ours_alone(&file)).await
            }
            OpenEnd::Remote(..) => Ok(true),
        }
    }

    /// Sets the attributes that are `Some`: size, permission bits, times.
    pub async fn set(&self, wanted: Attributes) -> Result<(), CopyError> {
        match &self.end {
            OpenEnd::Local(file) => {
                let file = Arc::clone(file);
                blocking(Stage::Land, &self.place, move |_| local::set(&file, &wanted)).await
            }
            OpenEnd::Remote(remote, handle) => {
                let set = remote.client.fsetstat(handle, &wanted).await;
                remote.told(Stage::Land, &self.place, remote.or_by_path(&self.place, &wanted, set).await)
            }
        }
    }

    /// Reads all that a file of a few blocks announces in this `version`: one blocking call, or one round trip.
    ///
    /// # Errors
    /// As [`OpenFile::read`].
    pub async fn read_whole(&self, version: &Attributes) -> Result<Whole, CopyError> {
        let size = version.size.unwrap_or(0);
        match &self.end {
            OpenEnd::Local(file) => {
                let (file, version) = (Arc::clone(file), *version);
                blocking(Stage::Transfer, &self.place, move |_| Whole::read_here(&file, &version)).await
            }
            OpenEnd::Remote(remote, handle) => {
                let read = remote.read_whole(handle, &self.place, size).await;
                let ((pieces, goes_on), after) = remote.told(Stage::Transfer, &self.place, read)?;
                let is_same = same_version(&after, version);
                Ok(Whole { pieces, goes_on, began: FileIdentity::from(version), is_same })
            }
        }
    }

    /// Whether the file has a byte at `offset`.
    ///
    /// # Errors
    /// As [`OpenFile::read`].
    pub async fn goes_on(&self, offset: u64) -> Result<bool, CopyError> {
        match &self.end {
            OpenEnd::Local(_) => Ok(!self.read(offset, 1).await?.is_empty()),
            OpenEnd::Remote(remote, handle) => {
                remote.told(Stage::Transfer, &self.place, remote.goes_on(handle, offset).await)
            }
        }
    }

    /// Writes `data` from the beginning, sets the attributes `wanted`, closes, and returns the attributes of what has the
    /// file's name then: one blocking call, or one round trip.
    ///
    /// # Errors
    /// When writing, closing or looking failed.
    pub async fn write_whole(
        &self,
        data: Vec<Bytes>,
        wanted: Attributes,
    ) -> Result<(Set, Option<Attributes>), CopyError> {
        match &self.end {
            OpenEnd::Local(file) => {
                let file = Arc::clone(file);
                let write = move |place: &Place| {
                    let mut offset = 0;
                    for piece in data {
                        local::write(&file, offset, &piece)?;
                        offset += piece.len() as u64;
                    }
                    let set = local::set(&file, &wanted);
                    local::close(&file)?;
                    Ok((set, local::look(place, Links::Keep)?))
                };
                let (set, seen) = blocking(Stage::Transfer, &self.place, write).await?;
                Ok((set.map_err(|error| CopyError::local(Stage::Land, self.place.path(), error)), seen))
            }
            OpenEnd::Remote(remote, handle) => {
                let write = remote.write_whole(handle, data, &wanted);
                let (written, seen) = tokio::join!(biased; write, remote.look(&self.place, Links::Keep));
                let set = remote.told(Stage::Transfer, &self.place, written)?;
                let set = remote.or_by_path(&self.place, &wanted, set).await;
                Ok((remote.told(Stage::Land, &self.place, set), seen?))
            }
        }
    }

    /// Flushes the file to the disk of its end.
    ///
    /// # Errors
    /// When that fails, or the server cannot do it.
    pub async fn flush(&self) -> Result<(), CopyError> {
        match &self.end {
            OpenEnd::Local(file) => {
                let file = Arc::clone(file);
                blocking(Stage::Land, &self.place, move |_| file.sync_all()).await
            }
            OpenEnd::Remote(remote, handle) => remote.told(Stage::Land, &self.place, remote.client.fsync(handle).await),
        }
    }

    /// Checks that the source is still what it was at the beginning.
    ///
    /// # Errors
    /// [`Cause::SourceChanged`] when it is not.
    pub async fn is_still(&self, identity: FileIdentity) -> Result<(), CopyError> {
        match self.identity().await?.1 == identity {
            true => Ok(()),
            false => Err(self.changed()),
        }
    }

    /// Checks that the source still has at least `size` bytes.
    ///
    /// # Errors
    /// [`Cause::SourceChanged`] when it has fewer.
    pub async fn still_has(&self, size: u64) -> Result<(), CopyError> {
        match self.identity().await?.1.size >= size {
            true => Ok(()),
            false => Err(self.changed()),
        }
    }

    /// The error for a source that is no longer what it was.
    pub fn changed(&self) -> CopyError {
        let trail = match &self.end {
            OpenEnd::Local(_) => None,
            OpenEnd::Remote(remote, _) => Some(Arc::clone(&remote.trail)),
        };
        CopyError::new(trail, Stage::Transfer, self.place.path(), Cause::SourceChanged)
    }

    /// Sets the attributes `wanted` and closes, in one round trip.
    ///
    /// # Errors
    /// When closing failed.
    pub async fn set_and_close(&self, wanted: Attributes) -> Result<Set, CopyError> {
        let (set, closed) = tokio::join!(biased; self.set(wanted), self.close());
        closed.map(|()| set)
    }

    /// Closes the file after all requests under way. Some ends report only now that writing failed.
    pub async fn close(&self) -> Result<(), CopyError> {
        match &self.end {
            OpenEnd::Local(file) => {
                let file = Arc::clone(file);
                blocking(Stage::Land, &self.place, move |_| local::close(&file)).await
            }
            OpenEnd::Remote(remote, handle) => {
                let closed = remote.client.close_behind(handle).await;
                remote.told(Stage::Land, &self.place, closed)
            }
        }
    }

    /// Closes the file if it is open, and ignores errors.
    pub async fn let_go(&self) {
        if let OpenEnd::Remote(remote, handle) = &self.end
            && handle.is_open()
        {
            // nothing that was written there is of use any more
            let _ = remote.client.close_behind(handle).await;
        }
    }

    /// The same open file for another lane, on this machine; `None` on a host, which needs another handle.
    pub fn shared(&self) -> Option<OpenFile> {
        match &self.end {
            OpenEnd::Local(file) => Some(OpenFile { place: self.place.clone(), end: OpenEnd::Local(Arc::clone(file)) }),
            OpenEnd::Remote(..) => None,
        }
    }
}

impl From<&Attributes> for FileIdentity {
    fn from(told: &Attributes) -> FileIdentity {
        let modified = told.mtime().map_or((0, 0), |seconds| (seconds.into(), 0));
        FileIdentity { size: told.size.unwrap_or(0), modified, changed: None, inode: None }
    }
}
