//! One end of a copy: [`Side`], this machine or a host, behind one interface. Upload, download and relay are the same
//! code over two sides. Open files are in `file.rs`, listings in `listing.rs`.

use std::sync::Arc;
use std::time::Duration;

use super::blocking::blocking;
use super::file::{OpenFile, Whole};
use super::identity::FileIdentity;
use super::listing::Listing;
use super::local;
use super::remote::Remote;
use crate::copy::error::{Cause, CopyError};
use crate::copy::name::Name;
use crate::copy::part::VersionId;
use crate::copy::place::{Links, Place};
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};

/// One end, by way of one lane. Clones are cheap.
#[derive(Clone)]
pub enum Side {
    /// This machine.
    Local,
    /// A host, on one SFTP session.
    Remote(Remote),
}

impl Side {
    /// The host's trail, as errors name it; `None` for this machine.
    pub fn trail(&self) -> Option<Arc<str>> {
        match self {
            Side::Local => None,
            Side::Remote(remote) => Some(Arc::clone(&remote.trail)),
        }
    }

    /// Round-trip time to the end; `None` where it is not known.
    pub fn round_trip(&self) -> Option<Duration> {
        match self {
            Side::Local => Some(Duration::ZERO),
            Side::Remote(remote) => remote.client.round_trip(),
        }
    }

    /// Whether its session has ended.
    pub fn is_lost(&self) -> bool {
        match self {
            Side::Local => false,
            Side::Remote(remote) => remote.client.is_closed(),
        }
    }

    /// An error at this end.
    pub fn error(&self, stage: Stage, place: &Place, cause: Cause) -> CopyError {
        CopyError::new(self.trail(), stage, place.path(), cause)
    }

    /// The name that `target` will have here.
    ///
    /// # Errors
    /// When `target` has no name that a file can have.
    pub fn own_name(&self, target: &Place) -> Result<Name, CopyError> {
        let name = target.name().and_then(|name| Name::vet(name).ok());
        name.ok_or_else(|| self.error(Stage::Land, target, Cause::Refused("a file needs a name to land under")))
    }

    /// The same source on this lane: opened again at a host, shared on this machine.
    pub async fn open_source_again(&self, file: &OpenFile, links: Links) -> Result<OpenFile, CopyError> {
        match file.shared() {
            Some(shared) => Ok(shared),
            None => self.open_source(file.place(), links).await,
        }
    }

    /// The same part file on this lane, likewise.
    pub async fn open_part_again(&self, file: &OpenFile) -> Result<OpenFile, CopyError> {
        match file.shared() {
            Some(shared) => Ok(shared),
            None => self.reopen(file.place()).await,
        }
    }

    /// The typed path, with `~` expanded by the host it is on; on this machine the shell has done so.
    pub async fn expand(&self, typed: &[u8]) -> Result<Vec<u8>, CopyError> {
        match self {
            Side::Local if typed.is_empty() => Ok(b".".to_vec()),
            Side::Local => Ok(typed.to_vec()),
            Side::Remote(remote) => remote.expand(typed).await,
        }
    }

    /// The place of a typed folder below which something will be created; on this machine the folder is kept open from
    /// now on.
    pub async fn hold(&self, typed: &[u8]) -> Result<Place, CopyError> {
        let place = Place::typed(typed);
        match self {
            Side::Local => blocking(Stage::List, &place, |place| local::hold(&place.path())).await,
            Side::Remote(_) => Ok(place),
        }
    }

    /// The place of a typed folder that was seen, from which something is copied; on this machine the folder is kept
    /// open from now on.
    ///
    /// # Errors
    /// [`Cause::SourceChanged`] when the name belongs to a link now, and links are not followed.
    pub async fn hold_source(&self, place: &Place, links: Links) -> Result<Place, CopyError> {
        let held = match self {
            Side::Local => blocking(Stage::List, place, move |place| local::hold_source(&place.path(), links)).await,
            Side::Remote(_) => Ok(place.clone()),
        };
        held.map_err(|error| error.of_source(links))
    }

    /// The same without a descriptor: on this machine the folder is known again by its device and inode.
    ///
    /// # Errors
    /// As [`Side::hold_source`], when the place is used.
    pub async fn see_source(&self, place: &Place, links: Links) -> Result<Place, CopyError> {
        match self {
            Side::Local => blocking(Stage::List, place, move |place| local::see_source(&place.path(), links)).await,
            Side::Remote(_) => Ok(place.clone()),
        }
    }

    /// The attributes of what is at `place`.
    pub async fn stat(&self, place: &Place, links: Links) -> Result<Attributes, CopyError> {
        match self {
            Side::Local => blocking(Stage::List, place, move |place| local::stat(place, links)).await,
            Side::Remote(remote) => remote.stat(place, links).await,
        }
    }

    /// Which version of a file `place` has: as it is on this machine, or as it was `seen` on a host.
    pub async fn version(&self, place: &Place, links: Links, seen: &Attributes) -> Result<VersionId, CopyError> {
        Ok(self.version_of(&self.identity(place, links, seen).await?))
    }

    /// All that tells that version from others.
    pub async fn identity(&self, place: &Place, links: Links, seen: &Attributes) -> Result<FileIdentity, CopyError> {
        match self {
            Side::Local => blocking(Stage::Transfer, place, move |place| local::identity_at(place, links)).await,
            Side::Remote(_) => Ok(FileIdentity::from(seen)),
        }
    }

    /// What a version is called in the names of parts.
    pub fn version_of(&self, identity: &FileIdentity) -> VersionId {
        match self {
            Side::Local => identity.version(local::machine()),
            Side::Remote(_) => identity.version(b""),
        }
    }

    /// The attributes of what is at `place`; `None` when nothing is there.
    pub async fn look(&self, place: &Place, links: Links) -> Result<Option<Attributes>, CopyError> {
        match self {
            Side::Local => blocking(Stage::List, place, move |place| local::look(place, links)).await,
            Side::Remote(remote) => remote.look(place, links).await,
        }
    }

    /// The absolute path without links.
    pub async fn real(&self, place: &Place) -> Result<Vec<u8>, CopyError> {
        match self {
            Side::Local => blocking(Stage::List, place, local::real).await,
            Side::Remote(remote) => remote.real(place).await,
        }
    }

    /// True when both names belong to one file and this end can tell; SFTP has no inodes.
    pub async fn are_one(&self, one: &Place, other: &Place) -> bool {
        let one = one.clone();
        match self {
            Side::Local => {
                blocking(Stage::List, other, move |other| local::are_one(&one, other)).await.unwrap_or(false)
            }
            Side::Remote(_) => false,
        }
    }

    /// The target of a symbolic link.
    pub async fn read_link(&self, place: &Place) -> Result<Vec<u8>, CopyError> {
        match self {
            Side::Local => blocking(Stage::List, place, local::read_link).await,
            Side::Remote(remote) => remote.read_link(place).await,
        }
    }

    /// Starts to list a folder.
    pub async fn list(&self, place: &Place) -> Result<Listing, CopyError> {
        match self {
            Side::Local => Ok(Listing::local(place, blocking(Stage::List, place, local::list).await?)),
            Side::Remote(remote) => Ok(Listing::remote(place, remote.clone(), remote.list(place).await?)),
        }
    }

    /// Opens a file for reading.
    pub async fn open(&self, place: &Place, links: Links) -> Result<OpenFile, CopyError> {
        match self {
            Side::Local => {
                let file = blocking(Stage::Transfer, place, move |place| local::open(place, links)).await?;
                Ok(OpenFile::local(place, file))
            }
            Side::Remote(remote) => Ok(OpenFile::remote(place, remote.clone(), remote.open(place).await?)),
        }
    }

    /// Whether the file at `place` can be read, to the last of its `size` bytes.
    pub async fn can_be_read(&self, place: &Place, size: u64) -> Result<bool, CopyError> {
        let file = self.open(place, Links::Keep).await?;
        match size.checked_sub(1) {
            None => Ok(true),
            Some(last) => file.goes_on(last).await,
        }
    }

    /// Most files that may be open at once, as far as the end has a limit; this machine's is known elsewhere.
    pub fn files_at_once(&self) -> Option<usize> {
        match self {
            Side::Local => None,
            Side::Remote(remote) => remote.files_at_once(),
        }
    }

    /// Whether bytes may be written at any offset of a file, by several handles.
    pub fn takes_any_order(&self) -> bool {
        match self {
            Side::Local => true,
            Side::Remote(remote) => remote.takes_any_order(),
        }
    }

    /// Opens a source for reading.
    ///
    /// # Errors
    /// [`Cause::SourceChanged`] when what was listed as a file is a link or something else now.
    pub async fn open_source(&self, place: &Place, links: Links) -> Result<OpenFile, CopyError> {
        self.open(place, links).await.map_err(|error| error.of_source(links))
    }

    /// Opens a source and reads everything that it announces in this `version`: one blocking call, or two round trips.
    ///
    /// # Errors
    /// As [`Side::open_source`] and [`OpenFile::read_whole`].
    pub async fn open_and_read(
        &self,
        place: &Place,
        links: Links,
        version: &Attributes,
    ) -> Result<(OpenFile, Whole), CopyError> {
        let Side::Local = self else {
            let file = self.open_source(place, links).await?;
            let whole = file.read_whole(version).await?;
            return Ok((file, whole));
        };
        let version = *version;
        let read = move |place: &Place| {
            let file = local::open(place, links)?;
            let whole = Whole::read_here(&file, &version)?;
            Ok((file, whole))
        };
        let (file, whole) =
            blocking(Stage::Transfer, place, read).await.map_err(|error: CopyError| error.of_source(links))?;
        Ok((OpenFile::local(place, file), whole))
    }

    /// Creates a new file for writing; fails when the name exists, and never goes through a link.
    pub async fn create(&self, place: &Place, mode: u32) -> Result<OpenFile, CopyError> {
        match self {
            Side::Local => {
                let file = blocking(Stage::Transfer, place, move |place| local::create(place, mode)).await?;
                Ok(OpenFile::local(place, file))
            }
            Side::Remote(remote) => Ok(OpenFile::remote(place, remote.clone(), remote.create(place, mode).await?)),
        }
    }

    /// Opens an existing regular file for writing, without cutting it; refuses a link.
    pub async fn reopen(&self, place: &Place) -> Result<OpenFile, CopyError> {
        let there = self.stat(place, Links::Keep).await?;
        if there.kind() != FileKind::File {
            return Err(self.error(Stage::Transfer, place, Cause::Unfit("something that is no file is in the way")));
        }
        match self {
            Side::Local => Ok(OpenFile::local(place, blocking(Stage::Transfer, place, local::reopen).await?)),
            Side::Remote(remote) => Ok(OpenFile::remote(place, remote.clone(), remote.reopen(place, &there).await?)),
        }
    }

    /// Makes a folder.
    pub async fn mkdir(&self, place: &Place, mode: u32) -> Result<(), CopyError> {
        match self {
            Side::Local => blocking(Stage::Transfer, place, move |place| local::mkdir(place, mode)).await,
            Side::Remote(remote) => remote.mkdir(place, mode).await,
        }
    }

    /// Makes a symbolic link to `target`.
    pub async fn symlink(&self, place: &Place, target: Vec<u8>) -> Result<(), CopyError> {
        match self {
            Side::Local => blocking(Stage::Transfer, place, move |place| local::symlink(place, &target)).await,
            Side::Remote(remote) => remote.symlink(place, &target).await,
        }
    }

    /// Sets a folder's attributes.
    pub async fn set_folder(&self, place: &Place, wanted: Attributes) -> Result<(), CopyError> {
        match self {
            Side::Local => blocking(Stage::Land, place, move |place| local::set_folder(place, &wanted)).await,
            Side::Remote(remote) => remote.set_folder(place, &wanted).await,
        }
    }

    /// Flushes the directory that `place` is in to this machine's disk; SFTP has no request for it.
    pub async fn flush_folder(&self, place: &Place) -> Result<(), CopyError> {
        match self {
            Side::Local => blocking(Stage::Land, place, local::flush_folder).await,
            Side::Remote(_) => Ok(()),
        }
    }

    /// Removes a file or link.
    pub async fn remove(&self, place: &Place) -> Result<(), CopyError> {
        match self {
            Side::Local => blocking(Stage::Land, place, local::remove).await,
            Side::Remote(remote) => remote.remove(place).await,
        }
    }

    /// Removes an empty folder.
    pub async fn remove_folder(&self, place: &Place) -> Result<(), CopyError> {
        match self {
            Side::Local => blocking(Stage::Land, place, local::remove_folder).await,
            Side::Remote(remote) => remote.remove_folder(place).await,
        }
    }

    /// Whether [`Side::rename`] replaces a file that has the new name.
    pub fn renames_over(&self) -> bool {
        match self {
            Side::Local => true,
            Side::Remote(remote) => remote.renames_over(),
        }
    }

    /// Renames `from` to `to`.
    pub async fn rename(&self, from: &Place, to: &Place) -> Result<(), CopyError> {
        match self {
            Side::Local => {
                let from = from.clone();
                blocking(Stage::Land, to, move |to| local::rename(&from, to)).await
            }
            Side::Remote(remote) => remote.rename(from, to).await,
        }
    }

    /// The same error, or what it means where a server only said "failure" or "bad message": its disk is full or read-only,
    /// or the name is too long.
    pub async fn explain(&self, mut error: CopyError, place: &Place) -> CopyError {
        if let Side::Remote(remote) = self
            && error.host == self.trail()
            && let Some(cause) = remote.meaning(&error, place).await
        {
            error.cause = cause;
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_known_of_a_version_counts() {
        let base = FileIdentity { size: 1, modified: (2, 3), changed: Some((4, 5)), inode: Some((6, 7)) };
        let others = [
            FileIdentity { size: 2, ..base },
            FileIdentity { modified: (3, 3), ..base },
            FileIdentity { modified: (2, 4), ..base },
            FileIdentity { changed: Some((4, 6)), ..base },
            FileIdentity { changed: None, ..base },
            FileIdentity { inode: Some((6, 8)), ..base },
            FileIdentity { inode: None, ..base },
        ];
        assert!(others.iter().all(|other| other.version(b"m") != base.version(b"m")));
        assert_ne!(base.version(b"n"), base.version(b"m"));
        assert_eq!(base.version(b"m"), base.version(b"m"));
        assert_eq!(base.words(), "1 2.000000003 4.000000005 6:7");
        assert!(others.iter().all(|other| other.words() != base.words()));
    }
}
