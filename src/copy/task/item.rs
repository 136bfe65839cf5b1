//! One thing that is copied: [`Item`], found by the walk and copied by the run.

use std::sync::Arc;

use super::folder::{Folder, Ground};
use crate::copy::ends::lanes::Lanes;
use crate::copy::error::CopyError;
use crate::copy::place::{Links, Place};
use crate::sftp::Attributes;

/// A source, its target, and what it is.
#[derive(Clone)]
pub struct Item {
    /// Its place at the source.
    pub source: Place,
    /// Its place at the destination.
    pub target: Place,
    /// The source's attributes as listed; those found when it is opened may differ.
    pub attributes: Attributes,
    /// The sessions between the two ends.
    pub lanes: Arc<Lanes>,
    /// The folder it goes into, if this run makes or fills that folder.
    pub folder: Option<Arc<Folder>>,
    /// What it is.
    pub what: What,
}

/// What an item is.
#[derive(Clone)]
pub enum What {
    /// A folder, whose entries follow as items of their own.
    Folder(Arc<Folder>),
    /// A regular file, opened through a link or not.
    File(Links),
    /// A symbolic link, copied as a link.
    Link,
}

impl Item {
    /// Whether this run made the folder it goes into, or it existed before.
    pub async fn ground(&self) -> Ground {
        match &self.folder {
            Some(folder) => folder.ready().await.unwrap_or(Ground::Old),
            None => Ground::Old,
        }
    }

    /// Whether it was `denied` because this user may not write in the folder it goes into, and may now.
    pub async fn is_let_in(&self, denied: Option<&CopyError>) -> bool {
        match (denied, &self.folder) {
            (Some(denied), Some(folder)) => Box::pin(folder.lends_for(denied)).await,
            _ => false,
        }
    }

    /// True when the folder it goes into could not be made.
    pub async fn is_orphan(&self) -> bool {
        match &self.folder {
            Some(folder) => folder.ready().await.is_none(),
            None => false,
        }
    }

    /// Its size in bytes; `None` for a folder or link.
    pub fn size(&self) -> Option<u64> {
        match self.what {
            What::File(_) => Some(self.attributes.size.unwrap_or(0)),
            What::Folder(_) | What::Link => None,
        }
    }
}
