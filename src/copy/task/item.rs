//! One thing that goes from one place to another: [`Item`], what the walk finds and the run copies.

use std::sync::Arc;

use super::folder::{Folder, Ground};
use crate::copy::ends::lanes::Lanes;
use crate::copy::place::{Links, Place};
use crate::sftp::Attributes;

/// From where, to where, and what.
#[derive(Clone)]
pub struct Item {
    /// Its place at the source.
    pub source: Place,
    /// Its place at the destination.
    pub target: Place,
    /// As listed; what is found when it is opened may differ.
    pub attributes: Attributes,
    /// The sessions between the two ends.
    pub lanes: Arc<Lanes>,
    /// The folder it goes into, when this run sees to that folder.
    pub folder: Option<Arc<Folder>>,
    /// What kind of thing.
    pub what: What,
}

/// What is copied.
#[derive(Clone)]
pub enum What {
    /// A folder, whose entries follow as items of their own.
    Folder(Arc<Folder>),
    /// A regular file, opened through a link or not.
    File(Links),
    /// A symbolic link, as a link.
    Link,
}

impl Item {
    /// The folder it goes into: made by this run, or there before.
    pub async fn ground(&self) -> Ground {
        match &self.folder {
            Some(folder) => folder.ready().await.unwrap_or(Ground::Old),
            None => Ground::Old,
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
