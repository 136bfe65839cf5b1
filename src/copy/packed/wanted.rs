//! A small file that comes down with others: [`WantedFile`] while it waits, [`Came`] once its bytes are here.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::untar::TarEntry;
use crate::copy::ends::identity::same_version;
use crate::copy::name::Name;
use crate::copy::place::Place;
use crate::sftp::{Attributes, FileKind};

/// Least room in memory that a file takes, for its names.
const LEAST: usize = 512;

/// A file that waits to be asked for.
pub struct WantedFile {
    /// Its place at the source.
    pub source: Place,
    /// Its attributes as listed.
    pub version: Attributes,
    /// Where it lands, if nothing of its name can be there; else whoever waits for it sees to that.
    pub new: Option<NewTarget>,
    /// Whom to tell; dropped when it has not come.
    pub tell: oneshot::Sender<Came>,
}

/// Where a file lands in a folder that this run has made.
pub struct NewTarget {
    /// Its place.
    pub target: Place,
    /// The name of its part file.
    pub part: Name,
    /// The permission bits and times that it is to have.
    pub wanted: Attributes,
}

/// What has come of a file.
pub enum Came {
    /// It has its name, and these attributes.
    Landed(Attributes),
    /// All of its bytes, and their room in memory.
    Content(Bytes, Arc<Option<OwnedSemaphorePermit>>),
}

impl WantedFile {
    /// Bytes that it announces.
    fn size(&self) -> u64 {
        self.version.size.unwrap_or(0)
    }

    /// Its room in memory, in bytes.
    pub fn room(&self) -> usize {
        usize::try_from(self.size()).unwrap_or(usize::MAX).max(LEAST)
    }

    /// The entry's bytes, if it is what was listed.
    pub fn accepted(&self, entry: TarEntry) -> Option<Bytes> {
        let is_same = self.version.mtime().is_none_or(|listed| entry.modified == Some(listed.into()));
        entry.data.filter(|data| is_same && data.len() as u64 == self.size())
    }

    /// Whether the source is still the version that was listed.
    pub fn is_still(&self, now: &Attributes) -> bool {
        now.kind() == FileKind::File && same_version(now, &self.version)
    }
}
