//! One source of the command line and where it goes: [`Errand`], what a plan consists of and a walk begins with.

use std::pin::Pin;
use std::sync::Arc;

use crate::copy::ends::lanes::Lanes;
use crate::copy::ends::side::Side;
use crate::copy::error::CopyError;
use crate::copy::place::Place;
use crate::sftp::Attributes;

/// One source, and the place it goes to.
pub struct Errand {
    /// As typed, or as a pattern gave it.
    pub source: Place,
    /// Its attributes; a link's own under `Symlinks::Keep`.
    pub attributes: Attributes,
    /// The place it will have.
    pub target: Place,
    /// The sessions between the ends.
    pub lanes: Arc<Lanes>,
    /// What says that the target is being made, where that would not be known later.
    pub marker: Option<Arc<dyn FolderMarker>>,
}

/// A folder that is being made, or not.
pub type Making<'a> = Pin<Box<dyn Future<Output = Result<(), CopyError>> + Send + 'a>>;

/// What says, beside a folder, that it is still being made.
pub trait FolderMarker: Send + Sync {
    /// Whether an earlier run has begun to make the folder.
    fn goes_on(&self) -> bool;

    /// Is made before the folder is; as `make_folder` ends.
    fn before<'a>(&'a self, side: &'a Side, make_folder: Making<'a>) -> Making<'a>;

    /// The folder is there.
    fn has_folder(&self);
}
