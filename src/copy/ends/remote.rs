//! A host's end of a copy: the requests behind [`Side::Remote`](super::side::Side), on one SFTP session. Here a
//! server's answer becomes a [`CopyError`] that names the host, the step and the path.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::buffers::UNTOLD_MAX;
use super::denied::{self, is_denied};
use super::join_in_order::all;
use crate::copy::error::{Cause, CopyError};
use crate::copy::place::{self, Links, Place};
use crate::progress::Stage;
use crate::sftp::{Attributes, Client, Extension, FileKind, Handle, OpenDirectory, OpenFlags, SftpError, StatusCode};

/// Most entries of a folder: an endless listing ends here.
pub const ENTRIES_MAX: usize = 1 << 24;

/// Free bytes below which a bare "failure" is taken for a full disk: one write of the largest size.
const NEARLY_FULL: u64 = 256 * 1024;

/// Free inodes below which a bare "failure" is taken for a full disk: other files come and go meanwhile.
const NEARLY_NONE: u64 = 16;

/// Handles of a server that announces nothing.
const HANDLES_UNTOLD: u64 = 128;

/// Handles that folders have which are being listed: 16 of the walk, and as many of each list of what is there.
const HANDLES_OF_FOLDERS: u64 = 48;

/// Fewest files at a time, whatever a server announces.
const FILES_LEAST: usize = 4;

/// Bytes of the longest name that any file system takes (limits.h). OpenSSH says "bad message" of a longer one.
const NAME_MAX: usize = 255;

/// One SFTP session, and the trail to its host.
#[derive(Clone)]
pub struct Remote {
    /// The session.
    pub client: Client,
    /// The host's trail, as errors name it.
    pub trail: Arc<str>,
    /// The server announces a rename that replaces its target, but does not support it.
    replaces_nothing: Arc<AtomicBool>,
}

impl Remote {
    /// A session at the end of a trail.
    pub fn new(client: Client, trail: Arc<str>) -> Remote {
        Remote { client, trail, replaces_nothing: Arc::default() }
    }

    /// The attributes of `place`, or of what a link there leads to.
    pub async fn stat(&self, place: &Place, links: Links) -> Result<Attributes, CopyError> {
        let path = place.path();
        let answer = match links {
            Links::Follow => self.client.stat(&path).await,
            Links::Keep => self.client.lstat(&path).await,
        };
        let answer = match (answer, links) {
            (Err(error), Links::Follow) if is_denied(&error) => or(error, denied::stat(&self.client, &path).await),
            (Err(error), Links::Keep) if is_denied(&error) => or(error, denied::lstat(&self.client, &path).await),
            (answer, _) => answer,
        };
        self.told(Stage::List, place, answer)
    }

    /// The same; `None` when nothing is there.
    pub async fn look(&self, place: &Place, links: Links) -> Result<Option<Attributes>, CopyError> {
        match self.stat(place, links).await {
            Err(error) if error.is_missing() => Ok(None),
            seen => seen.map(Some),
        }
    }

    /// Attributes of an open file; where the server does not tell them by a handle, of what has the file's name.
    pub async fn fstat(&self, handle: &Handle, place: &Place) -> Result<Attributes, SftpError> {
        match self.client.fstat(handle).await {
            Err(error) if is_denied(&error) => self.client.stat(&place.path()).await,
            answer => answer,
        }
    }

    /// The absolute path without links.
    pub async fn real(&self, place: &Place) -> Result<Vec<u8>, CopyError> {
        self.told(Stage::List, place, self.client.realpath(&place.path()).await)
    }

    /// The target of a symbolic link.
    pub async fn read_link(&self, place: &Place) -> Result<Vec<u8>, CopyError> {
        self.told(Stage::List, place, self.client.readlink(&place.path()).await)
    }

    /// Expands `~…` as a shell would. What follows the home folder stays as typed, wildcards included.
    pub async fn expand(&self, typed: &[u8]) -> Result<Vec<u8>, CopyError> {
        match typed {
            b"" => Ok(b".".to_vec()),
            [b'~', ..] => {
                let (user, rest) = typed.split_at(typed.iter().position(|b| *b == b'/').unwrap_or(typed.len()));
                let home = self.told(Stage::List, &Place::typed(user), self.client.expand_path(user).await)?;
                Ok([&home[..], rest].concat())
            }
            _ => Ok(typed.to_vec()),
        }
    }

    /// Starts to list a folder.
    pub async fn list(&self, place: &Place) -> Result<OpenDirectory, CopyError> {
        self.told(Stage::List, place, self.client.list(&place.path()).await)
    }

    /// Opens a file for reading.
    pub async fn open(&self, place: &Place) -> Result<Handle, CopyError> {
        let opened = self.client.open(&place.path(), OpenFlags::READ, &Attributes::default()).await;
        self.told(Stage::Transfer, place, opened)
    }

    /// Creates a new file.
    pub async fn create(&self, place: &Place, mode: u32) -> Result<Handle, CopyError> {
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
        let opened = self.client.open(&place.path(), flags, &Attributes::with_permissions(mode)).await;
        self.told(Stage::Transfer, place, opened)
    }

    /// Opens, for writing and without cutting it, the regular file that had the attributes `there` when it was last
    /// looked at.
    ///
    /// SFTP version 3 cannot refuse to follow a link. So the name is looked at again, by a request that leaves with the
    /// opening, and so is what was opened: it must not have another owner, be shorter, or be older than `there`.
    pub async fn reopen(&self, place: &Place, there: &Attributes) -> Result<Handle, CopyError> {
        let path = place.path();
        let nothing = Attributes::default();
        let open = self.client.open(&path, OpenFlags::WRITE, &nothing);
        let (opened, named) = tokio::join!(biased; open, self.stat(place, Links::Keep));
        let handle = self.told(Stage::Transfer, place, opened)?;
        let named = named?;
        let opened = self.told(Stage::Transfer, place, self.fstat(&handle, place).await)?;
        match named.kind() == FileKind::File && may_become(there, &opened) {
            true => Ok(handle),
            false => Err(self.error(Stage::Transfer, place, Cause::PartTaken)),
        }
    }

    /// Opens an existing file for writing.
    pub async fn open_over(&self, place: &Place, flags: OpenFlags) -> Result<Handle, CopyError> {
        let opened = self.client.open(&place.path(), flags, &Attributes::default()).await;
        self.told(Stage::Transfer, place, opened)
    }

    /// Makes a folder.
    pub async fn mkdir(&self, place: &Place, mode: u32) -> Result<(), CopyError> {
        let made = self.client.mkdir(&place.path(), &Attributes::with_permissions(mode)).await;
        self.told(Stage::Transfer, place, made)
    }

    /// Makes a symbolic link to `target`.
    pub async fn symlink(&self, place: &Place, target: &[u8]) -> Result<(), CopyError> {
        self.told(Stage::Transfer, place, self.client.symlink(target, &place.path()).await)
    }

    /// Sets a folder's attributes.
    pub async fn set_folder(&self, place: &Place, wanted: &Attributes) -> Result<(), CopyError> {
        self.told(Stage::Land, place, self.setstat(place, wanted).await)
    }

    /// Removes a file or link.
    pub async fn remove(&self, place: &Place) -> Result<(), CopyError> {
        self.told(Stage::Land, place, self.client.remove(&place.path()).await)
    }

    /// Removes an empty folder.
    pub async fn remove_folder(&self, place: &Place) -> Result<(), CopyError> {
        self.told(Stage::Land, place, self.client.rmdir(&place.path()).await)
    }

    /// Most files that may be open at once: as many as the server announces, or few where it announces nothing at all
    /// (Green End's has 128 handles, and lsh's runs out of them at about 200). Folders that are listed have handles, too.
    pub fn files_at_once(&self) -> Option<usize> {
        let untold = (!self.takes_any_order()).then_some(HANDLES_UNTOLD);
        let handles = self.client.max_handles().or(untold)?;
        Some(usize::try_from(handles.saturating_sub(HANDLES_OF_FOLDERS)).unwrap_or(usize::MAX).max(FILES_LEAST))
    }

    /// Whether the server's handles stand for files, as far as it shows: it flushes them, or tells how much may be
    /// written at once. Such a server takes bytes at any offset and by several handles. Others may take a file only as
    /// scp and sftp write it, from beginning to end.
    pub fn takes_any_order(&self) -> bool {
        let extensions = self.client.extensions();
        extensions.has(Extension::Fsync) || extensions.has(Extension::Limits)
    }

    /// Whether [`Remote::rename`] replaces a file that has the new name.
    pub fn renames_over(&self) -> bool {
        self.client.extensions().has(Extension::PosixRename) && !self.replaces_nothing.load(Ordering::Relaxed)
    }

    /// Renames `from` to `to`.
    pub async fn rename(&self, from: &Place, to: &Place) -> Result<(), CopyError> {
        let renamed = match self.renames_over() {
            true => match self.client.posix_rename(&from.path(), &to.path()).await {
                Err(error) if error.code() == Some(StatusCode::OP_UNSUPPORTED) => {
                    self.replaces_nothing.store(true, Ordering::Relaxed);
                    self.client.rename(&from.path(), &to.path()).await
                }
                renamed => renamed,
            },
            false => self.client.rename(&from.path(), &to.path()).await,
        };
        self.told(Stage::Land, to, renamed)
    }

    /// Reads the `size` bytes that a file of a few blocks announces, whether the file goes on behind them, and its
    /// attributes after the last of them, by requests that leave together.
    pub async fn read_whole(
        &self,
        handle: &Handle,
        place: &Place,
        size: u64,
    ) -> Result<((Vec<Bytes>, bool), Attributes), SftpError> {
        let read = async {
            match size {
                0 => self.read_untold(handle).await,
                _ => self.read_told(handle, size).await,
            }
        };
        let (read, after) = tokio::join!(biased; read, self.fstat(handle, place));
        Ok((read?, after?))
    }

    async fn read_told(&self, handle: &Handle, size: u64) -> Result<(Vec<Bytes>, bool), SftpError> {
        let block = self.client.max_read() as u64;
        let reads = (0..size.div_ceil(block)).map(|number| {
            let at = number * block;
            self.client.read(handle, at, block.min(size - at) as usize)
        });
        let (pieces, goes_on) = tokio::join!(biased; all(reads), self.goes_on(handle, size));
        let pieces = pieces.into_iter().collect::<Result<Vec<Bytes>, _>>()?;
        let mut behind = pieces.iter().skip_while(|piece| piece.len() as u64 == block).skip(1);
        let has_more = behind.any(|piece| !piece.is_empty());
        Ok((pieces, goes_on? || has_more))
    }

    /// Reads up to [`UNTOLD_MAX`] bytes of a file that says it is empty: files that the system makes up as they are
    /// read have more.
    async fn read_untold(&self, handle: &Handle) -> Result<(Vec<Bytes>, bool), SftpError> {
        let step = self.client.max_read().min(UNTOLD_MAX);
        let mut pieces = Vec::new();
        for number in 0..UNTOLD_MAX / step {
            let piece = self.client.read(handle, (number * step) as u64, step).await?;
            let is_last = piece.len() < step;
            if !piece.is_empty() {
                pieces.push(piece);
            }
            if is_last {
                return Ok((pieces, false));
            }
        }
        Ok((pieces, true))
    }

    /// Whether a file has a byte at `offset`. A server that refuses to look behind a file's end says that it has none.
    pub async fn goes_on(&self, handle: &Handle, offset: u64) -> Result<bool, SftpError> {
        match self.client.read_some(handle, offset, 1).await {
            Ok(data) => Ok(data.is_some()),
            Err(error) if error.ends_session() => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Writes `data` from the beginning, sets the attributes `wanted` (the inner result), and closes.
    pub async fn write_whole(
        &self,
        handle: &Handle,
        data: Vec<Bytes>,
        wanted: &Attributes,
    ) -> Result<Result<(), SftpError>, SftpError> {
        let block = self.client.max_write();
        let mut offset = 0;
        let mut writes = Vec::new();
        for mut piece in data {
            while !piece.is_empty() {
                let part = piece.split_to(block.min(piece.len()));
                let length = part.len() as u64;
                writes.push(self.client.write(handle, offset, part));
                offset += length;
            }
        }
        let set = self.client.fsetstat(handle, wanted);
        let (written, set, closed) = tokio::join!(biased; all(writes), set, self.client.close_behind(handle));
        written.into_iter().collect::<Result<(), _>>()?;
        closed.map(|()| set)
    }

    /// The result of setting attributes by a handle. Where the server cannot do that (Twisted Conch), they are set by
    /// the path, if a regular file is there.
    pub async fn or_by_path(
        &self,
        place: &Place,
        wanted: &Attributes,
        set: Result<(), SftpError>,
    ) -> Result<(), SftpError> {
        match set {
            Err(error) if is_denied(&error) => match self.stat(place, Links::Keep).await.map(|it| it.kind()) {
                Ok(FileKind::File) => self.setstat(place, wanted).await,
                _ => Err(error),
            },
            set => set,
        }
    }

    /// Sets attributes by the path. Where the server sets no times, the mode is set all the same, and an error
    /// returned.
    async fn setstat(&self, place: &Place, wanted: &Attributes) -> Result<(), SftpError> {
        let (path, mode) = (place.path(), Attributes { times: None, ..*wanted });
        match self.client.setstat(&path, wanted).await {
            Err(error) if wanted.times.is_some() && error.code() == Some(StatusCode::OP_UNSUPPORTED) => {
                self.client.setstat(&path, &mode).await.and(Err(error))
            }
            set => set,
        }
    }

    /// What a server's unspecific answer about `place` means, as far as its file system tells.
    pub async fn meaning(&self, error: &CopyError, place: &Place) -> Option<Cause> {
        if !error.is_bare_failure() && !error.is_bad_message() {
            return None;
        }
        let disk = self.client.statvfs(&place.parent().path()).await.ok()?;
        let is_full = disk.bytes_available() < NEARLY_FULL || (disk.inodes > 0 && disk.inodes_available < NEARLY_NONE);
        let name = place::last(&place.path()).len();
        match error.is_bad_message() {
            true => (name as u64 > disk.name_max).then_some(Cause::NameTooLong(name)),
            // a read-only one may be full as well
            false if disk.is_read_only => Some(Cause::ReadOnly),
            false => is_full.then_some(Cause::NoSpace),
        }
    }

    /// Turns a server's error into one that names the host, the step and the path.
    pub fn told<T>(&self, stage: Stage, place: &Place, answer: Result<T, SftpError>) -> Result<T, CopyError> {
        answer.map_err(|error| {
            let name = place::last(&place.path()).len();
            let is_too_long = name > NAME_MAX && error.code() == Some(StatusCode::BAD_MESSAGE);
            self.error(stage, place, if is_too_long { Cause::NameTooLong(name) } else { Cause::Sftp(error) })
        })
    }

    fn error(&self, stage: Stage, place: &Place, cause: Cause) -> CopyError {
        CopyError::new(Some(Arc::clone(&self.trail)), stage, place.path(), cause)
    }
}

/// What another request told, unless it was denied as well.
fn or(denied: SftpError, other: Result<Attributes, SftpError>) -> Result<Attributes, SftpError> {
    match other {
        Err(error) if is_denied(&error) => Err(denied),
        other => other,
    }
}

/// Whether the regular file `opened` may be the one that was `there` before, as far as the server tells: writing makes
/// a file neither shorter nor older, and does not change its owner.
fn may_become(there: &Attributes, opened: &Attributes) -> bool {
    matches!(opened.kind(), FileKind::File | FileKind::Unknown)
        && there.owner.zip(opened.owner).is_none_or(|(there, opened)| there == opened)
        && there.size.zip(opened.size).is_none_or(|(there, opened)| opened >= there)
        && there.mtime().zip(opened.mtime()).is_none_or(|(there, opened)| opened >= there)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_is_written_grows_and_stays_its_owners() {
        let file = |owner, size, mtime| Attributes {
            size: Some(size),
            owner: Some((owner, 100)),
            permissions: Some(0o100_600),
            times: Some((0, mtime)),
        };
        let there = file(1000, 4096, 77);
        for (opened, may) in [
            (there, true),
            (file(1000, 8192, 78), true),
            (Attributes::default(), true),
            (file(1000, 4095, 77), false),
            (file(1000, 4096, 76), false),
            (file(0, 4096, 77), false),
            (Attributes { permissions: Some(0o020_600), ..there }, false),
        ] {
            assert_eq!(may_become(&there, &opened), may, "{opened:?}");
        }
        assert!(may_become(&Attributes::default(), &there));
    }
}
