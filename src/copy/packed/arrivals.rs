//! A small file on its way with others: [`QueuedFile`] while it waits, [`Arrived`] once it is there; and [`Arrivals`], the
//! folder that such files arrive in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OnceCell, oneshot};

use crate::copy::ends::identity::FileIdentity;
use crate::copy::error::CopyError;
use crate::copy::land::staging::Staging;
use crate::copy::name::Name;
use crate::copy::place::{Links, Place};
use crate::copy::task::folder::Folder;
use crate::copy::task::item::Item;
use crate::copy::task::run_context::RunContext;
use crate::sftp::Attributes;

/// A file that waits to be sent.
pub struct QueuedFile {
    /// Its place at the source.
    pub source: Place,
    /// Whether it is opened through a link.
    pub links: Links,
    /// Its attributes as listed.
    pub version: Attributes,
    /// The permission bits it is to have.
    pub mode: u32,
    /// The folder it goes into.
    pub folder: Arc<Folder>,
    /// Its name there.
    pub name: Name,
    /// Whom to tell that it has arrived; dropped when it has not.
    pub tell: oneshot::Sender<Arrived>,
}

/// A file that is complete at the destination.
pub struct Arrived {
    /// Where it waits for its name; `None` when it has it.
    pub staged: Option<Place>,
    /// Its attributes there.
    pub there: Attributes,
    /// The version of the source that was sent.
    pub sent: FileIdentity,
}

/// The staging folder of a run, and the numbers of what is in it.
#[derive(Default)]
pub struct Arrivals {
    /// `None` where none can be made.
    staging: OnceCell<Option<Staging>>,
    next: AtomicU64,
}

impl Arrivals {
    /// The folder's place, made for the first time beside the folder of `item`; `None` where that cannot be done.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn make(&self, item: &Item, context: &RunContext) -> Result<Option<&Place>, CopyError> {
        let staging = self.staging.get_or_try_init(|| Staging::make(item, context)).await?;
        Ok(staging.as_ref().map(|staging| &staging.place))
    }

    /// The folder, if it was made.
    pub fn staging(&self) -> Option<&Staging> {
        self.staging.get()?.as_ref()
    }

    /// Its place, if it was made.
    pub fn place(&self) -> Option<&Place> {
        Some(&self.staging()?.place)
    }

    /// A number that nothing in it has had.
    pub fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}
