//! A folder at the destination: [`Folder`]. Its entries wait until it is made; when the last of them is done, it gets its
//! own mode and times, which no later entry disturbs. Nobody keeps a list: the entries hold their folder, and the last one
//! to let go sends it to be finished.

use std::sync::Arc;

use tokio::sync::{SetOnce, mpsc};

use super::error::CopyError;
use super::land::{Ground, Keep, MODE_MASK};
use super::lanes::Lanes;
use super::place::Place;
use super::side::{Links, Side};
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};

/// What the owner needs to fill a folder.
const OWNER: u32 = 0o700;

/// One folder that this run makes or fills.
pub struct Folder {
    target: Place,
    /// Of the source.
    attributes: Attributes,
    lanes: Arc<Lanes>,
    /// Held so that it is finished after this one.
    parent: Option<Arc<Folder>>,
    made: SetOnce<Option<Ground>>,
    finish: mpsc::UnboundedSender<Finish>,
}

/// A folder whose entries are all done.
pub struct Finish {
    target: Place,
    attributes: Attributes,
    lanes: Arc<Lanes>,
    ground: Ground,
    _parent: Option<Arc<Folder>>,
}

impl Folder {
    /// A folder to be made at `target`, with the source's `attributes`; finished through `finish`.
    pub fn new(
        (target, attributes): (&Place, &Attributes),
        lanes: &Arc<Lanes>,
        parent: Option<&Arc<Folder>>,
        finish: &mpsc::UnboundedSender<Finish>,
    ) -> Arc<Folder> {
        Arc::new(Folder {
            target: target.clone(),
            attributes: *attributes,
            lanes: Arc::clone(lanes),
            parent: parent.map(Arc::clone),
            made: SetOnce::new(),
            finish: finish.clone(),
        })
    }

    /// Makes it, once its own folder is there, and lets its entries go on.
    ///
    /// # Errors
    /// When it cannot be made, or something else has its name. Its entries are then told by [`Folder::ready`].
    pub async fn make(&self) -> Result<(), CopyError> {
        let made = loop {
            match self.try_make().await {
                Err(error) if error.is_lost() => match self.lanes.restore(error).await {
                    Ok(()) => {}
                    Err(error) => break Err(error),
                },
                made => break made,
            }
        };
        // set once only: each folder is one item
        let _ = self.made.set(made.as_ref().ok().copied().flatten());
        made.map(drop)
    }

    /// `None` when the folder it goes into could not be made, which is told already.
    async fn try_make(&self) -> Result<Option<Ground>, CopyError> {
        if let Some(parent) = &self.parent
            && parent.ready().await.is_none()
        {
            return Ok(None);
        }
        let side = &self.lanes.idlest().destination;
        if self.target.name().is_none() {
            return Ok(Some(Ground::Old));
        }
        let mode = self.attributes.permissions.unwrap_or(OWNER | 0o055) & MODE_MASK | OWNER;
        match side.mkdir(&self.target, mode).await {
            Ok(()) => Ok(Some(Ground::Fresh)),
            Err(error) if error.may_exist() => self.already_there(side, error).await.map(Some),
            Err(error) => Err(error),
        }
    }

    async fn already_there(&self, side: &Side, error: CopyError) -> Result<Ground, CopyError> {
        let in_the_way = |what| Err(side.error(Stage::Transfer, &self.target, super::Cause::Unfit(what)));
        match side.look(&self.target, Links::Keep).await?.map(|there| there.kind()) {
            Some(FileKind::Dir) => Ok(Ground::Old),
            Some(FileKind::Symlink) => {
                in_the_way("a symbolic link has the folder's name; nothing is written through it")
            }
            Some(_) => in_the_way("a file has the folder's name"),
            None => Err(side.explain(error, &self.target).await),
        }
    }

    /// Waits until it is made; `None` when it could not be.
    pub async fn ready(&self) -> Option<Ground> {
        *self.made.wait().await
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(Some(ground)) = self.made.get() {
            // nobody listens any more when the run has been given up
            let _ = self.finish.send(Finish {
                target: self.target.clone(),
                attributes: self.attributes,
                lanes: Arc::clone(&self.lanes),
                ground: *ground,
                _parent: self.parent.take(),
            });
        }
    }
}

impl Finish {
    /// Gives the folder its mode and times.
    ///
    /// # Errors
    /// When the end refuses.
    pub async fn run(self, keep: Keep) -> Result<(), CopyError> {
        let Some(wanted) = self.wanted(keep) else { return Ok(()) };
        loop {
            match self.lanes.idlest().destination.set_folder(&self.target, wanted).await {
                Err(error) if error.is_lost() => self.lanes.restore(error).await?,
                set => return set,
            }
        }
    }

    /// What is not as it should be yet; `None` when nothing is.
    fn wanted(&self, keep: Keep) -> Option<Attributes> {
        let mode = self.attributes.permissions.map(|mode| mode & MODE_MASK);
        match (keep, mode) {
            (Keep::ModeAndTimes, permissions) => {
                Some(Attributes { permissions, times: self.attributes.times, ..Attributes::default() })
            }
            // the owner's bits were lent to it while it was filled
            (Keep::Nothing, Some(mode)) if self.ground == Ground::Fresh && mode & OWNER != OWNER => {
                let umask = self.lanes.destination().umask.guess();
                Some(Attributes::with_permissions(mode & !umask))
            }
            (Keep::Nothing, _) => None,
        }
    }

    /// Where it is.
    pub fn target(&self) -> &Place {
        &self.target
    }
}
