//! One source of the command line and where it goes: [`PlannedCopy`], what a plan consists of and a walk begins with.

use std::pin::Pin;
use std::sync::Arc;

use crate::copy::ends::lanes::Lanes;
use crate::copy::ends::side::Side;
use crate::copy::error::CopyError;
use crate::copy::place::Place;
use crate::sftp::Attributes;

/// One source, and the place it goes to.
pub struct PlannedCopy {
    /// The source's place, as typed or as a pattern gave it.
    pub source: Place,
    /// The source's attributes; a link's own under `Symlinks::Keep`.
    pub attributes: Attributes,
    /// The place the source will have at the destination.
    pub target: Place,
    /// The sessions between the ends.
    pub lanes: Arc<Lanes>,
    /// The marker that says that the target is being made, where a later run could not tell otherwise.
    pub marker: Option<Arc<dyn FolderMarker>>,
}

/// The making of a folder.
pub type Making<'a> = Pin<Box<dyn Future<Output = Result<(), CopyError>> + Send + 'a>>;

/// A marker beside a folder, which says that the folder is still being made.
pub trait FolderMarker: Send + Sync {
    /// Whether an earlier run has begun to make the folder.
    fn goes_on(&self) -> bool;

    /// Makes the marker before `make_folder` makes the folder, and ends as that does.
    fn before<'a>(&'a self, side: &'a Side, make_folder: Making<'a>) -> Making<'a>;

    /// Records that the folder exists.
    fn has_folder(&self);
}
