//! A folder at the destination: [`Folder`]. Its entries wait until it is made; when the last of them is done, it gets
//! its own mode and times, which no later entry changes. There is no list of folders: entries hold their folder, and
//! the last one to let go sends it to be finished.

use std::sync::Arc;

use tokio::sync::{OnceCell, SetOnce, mpsc};

use super::lent_bits::{self, OWNER};
use super::planned_copy::{FolderMarker, PlannedCopy};
use crate::copy::ends::lanes::{Lane, Lanes};
use crate::copy::ends::side::Side;
use crate::copy::error::{Cause, CopyError};
use crate::copy::in_the_way::InTheWay;
use crate::copy::name::Name;
use crate::copy::options::{Keep, MODE_MASK};
use crate::copy::place::{Links, Place, Step};
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};

/// Whether the folder that a file lands in is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Made by this run: nothing in it is older.
    Fresh,
    /// It existed before.
    Old,
}

/// One folder that this run makes or fills. It knows its name and its parent, so that a path is written out only where
/// it is needed.
pub struct Folder {
    planned: Arc<PlannedCopy>,
    /// The parent, held so that it is finished after this folder; `None` for the source itself.
    within: Option<Within>,
    /// Attributes of the source folder.
    attributes: Attributes,
    made: SetOnce<Option<Ground>>,
    /// Mode and times from before its owner was lent permissions, if that was tried.
    lent: OnceCell<Option<Attributes>>,
    finish: mpsc::UnboundedSender<Finish>,
    is_closed: bool,
}

/// The parent of a folder, and the folder's name in it.
pub struct Within {
    /// The parent.
    pub folder: Arc<Folder>,
    /// The name in the parent.
    pub name: Name,
    /// Whether the name is a link at the source, which is followed.
    pub links: Links,
}

/// What a finished folder is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// It has its mode and times.
    AsItShouldBe,
    /// Its end sets no times of folders.
    WithTimesOfItsOwn,
}

/// A folder whose entries are all done.
pub struct Finish {
    target: Place,
    attributes: Attributes,
    lanes: Arc<Lanes>,
    /// Whether it was made by this run, or by one that this run goes on from.
    is_made: bool,
    /// Its mode before its owner was lent permissions.
    before: Option<u32>,
    within: Option<Within>,
}

impl Folder {
    /// The folder that `planned` copies; when done, it is sent to `finish`.
    pub fn of(planned: PlannedCopy, finish: &mpsc::UnboundedSender<Finish>) -> Arc<Folder> {
        let attributes = planned.attributes;
        Folder::new(Arc::new(planned), None, attributes, finish)
    }

    /// A folder in another one, with the source's `attributes`; when done, it is sent to `finish`.
    pub fn below(within: Within, attributes: Attributes, finish: &mpsc::UnboundedSender<Finish>) -> Arc<Folder> {
        Folder::new(Arc::clone(&within.folder.planned), Some(within), attributes, finish)
    }

    fn new(
        planned: Arc<PlannedCopy>,
        within: Option<Within>,
        attributes: Attributes,
        finish: &mpsc::UnboundedSender<Finish>,
    ) -> Arc<Folder> {
        let (made, lent, finish) = (SetOnce::new(), OnceCell::new(), finish.clone());
        Arc::new(Folder { planned, within, attributes, made, lent, finish, is_closed: false })
    }

    /// Its place at the source.
    pub fn source(&self) -> Place {
        self.planned.source.descend(&self.steps())
    }

    /// Its place at the destination, where no step is a link.
    pub fn target(&self) -> Place {
        let steps = self.steps().into_iter().map(|step| Step { is_followed: false, ..step });
        self.planned.target.descend(&steps.collect::<Vec<_>>())
    }

    /// The steps to it from the source itself.
    pub fn steps(&self) -> Vec<Step<'_>> {
        let mut steps = Vec::new();
        let mut folder = self;
        while let Some(within) = &folder.within {
            steps.push(Step { name: &within.name, is_followed: within.links == Links::Follow });
            folder = &within.folder;
        }
        steps.reverse();
        steps
    }

    /// What it is a part of.
    pub fn planned(&self) -> &PlannedCopy {
        &self.planned
    }

    /// The sessions between the two ends.
    pub fn lanes(&self) -> &Arc<Lanes> {
        &self.planned.lanes
    }

    /// Makes the folder, once its parent exists; `None` when its parent could not be made. Its entries wait until they
    /// are told by [`Folder::tell`].
    ///
    /// # Errors
    /// When it cannot be made, or something else has its name.
    pub async fn make(&self) -> Result<Option<Ground>, CopyError> {
        // which lane it is made on shows when its own folder is there
        let mut made = self.lanes().retry(|_| self.try_make()).await;
        if let (Err(error), Some(within)) = (&made, &self.within)
            && within.folder.lends_for(error).await
        {
            made = self.lanes().retry(|_| self.try_make()).await;
        }
        made
    }

    /// Lets its entries go on: it is made, or could not be.
    pub fn tell(&self, made: Option<Ground>) {
        // set once only: each folder is one item
        let _ = self.made.set(made);
    }

    /// Makes the folder; `None` when its parent could not be made, which has been reported.
    async fn try_make(&self) -> Result<Option<Ground>, CopyError> {
        if let Some(within) = &self.within
            && within.folder.ready().await.is_none()
        {
            return Ok(None);
        }
        let (side, target) = (&self.lanes().idlest().destination, self.target());
        if target.name().is_none() {
            return Ok(Some(Ground::Old));
        }
        // some servers say of a folder that is there already that they have made it
        let seen = async {
            match side {
                Side::Local => Ok(None),
                Side::Remote(_) => side.look(&target, Links::Keep).await,
            }
        };
        let ground = match tokio::join!(biased; seen, self.mkdir(side, &target)) {
            (Ok(None), Ok(())) => Ground::Fresh,
            (Ok(Some(there)), Ok(())) => self.found(side, &target, &there).await?,
            (Err(_), Ok(())) => Ground::Old,
            (_, Err(error)) if error.may_exist() => {
                let there = already_there(side, &target, error).await?;
                self.found(side, &target, &there).await?
            }
            (_, Err(error)) => return Err(error),
        };
        if let Some(marker) = self.own_marker() {
            marker.has_folder();
        }
        Ok(Some(ground))
    }

    /// The permission bits that it is made with.
    pub fn new_mode(&self) -> u32 {
        self.attributes.permissions.unwrap_or(OWNER | 0o055) & MODE_MASK | OWNER
    }

    async fn mkdir(&self, side: &Side, target: &Place) -> Result<(), CopyError> {
        let mode = self.new_mode();
        match self.own_marker() {
            Some(marker) => marker.before(side, Box::pin(side.mkdir(target, mode))).await,
            None => side.mkdir(target, mode).await,
        }
    }

    /// What it means that something exists there already.
    async fn found(&self, side: &Side, target: &Place, there: &Attributes) -> Result<Ground, CopyError> {
        let ground = ground(side, target, there.kind())?;
        // an earlier run may have finished it, and files may be missing in it
        if self.goes_on() && there.permissions.is_some_and(|mode| mode & OWNER != OWNER) {
            self.lend().await?;
        }
        Ok(ground)
    }

    /// The marker beside the folder, where it has one.
    fn own_marker(&self) -> Option<&dyn FolderMarker> {
        self.planned.marker.as_deref().filter(|_| self.within.is_none())
    }

    /// Whether an earlier run has begun to make it, where it exists already.
    fn goes_on(&self) -> bool {
        self.planned.marker.as_ref().is_some_and(|marker| marker.goes_on())
    }

    /// Whether this run has made the folder that it is in, as far as that is known now.
    pub fn is_in_a_new_one(&self) -> bool {
        let made = self.within.as_ref().and_then(|within| within.folder.made.get());
        made.copied().flatten() == Some(Ground::Fresh)
    }

    /// Lends this user the permissions to write in it, if that is what `denied` says is lacking; whether it has them now.
    /// They are taken back when all entries are done.
    pub async fn lends_for(&self, denied: &CopyError) -> bool {
        let is_there = denied.host == self.lanes().idlest().destination.trail();
        denied.is_denied() && is_there && self.lend().await.unwrap_or(false)
    }

    async fn lend(&self) -> Result<bool, CopyError> {
        let target = self.target();
        let lend = |lane: Arc<Lane>| {
            let target = &target;
            async move { lent_bits::lend(&lane.destination, target).await }
        };
        let lent = self.lent.get_or_try_init(|| self.lanes().retry(lend)).await?;
        Ok(lent.is_some())
    }

    /// Waits until the folder is made; `None` when it could not be made.
    pub async fn ready(&self) -> Option<Ground> {
        *self.made.wait().await
    }
}

impl Folder {
    /// Sends the folder to be finished if it was made; otherwise returns its parent, which it lets go. Once only.
    fn close(&mut self) -> Option<Arc<Folder>> {
        if std::mem::replace(&mut self.is_closed, true) {
            return None;
        }
        let made = self.made.get().copied().flatten();
        let Some(ground) = made else { return Some(self.within.take()?.folder) };
        let (target, lanes) = (self.target(), Arc::clone(self.lanes()));
        let is_made = ground == Ground::Fresh || self.goes_on();
        let before = self.lent.get().copied().flatten().and_then(|lent| lent.permissions);
        let (attributes, within) = (self.attributes, self.within.take());
        let finish = Finish { target, attributes, lanes, is_made, before, within };
        // nobody listens any more when the run has been given up
        Some(self.finish.send(finish).err()?.0.within?.folder)
    }
}

/// Lets go of the folders one after the other, up the tree, so that a deep tree takes no deep stack.
impl Drop for Folder {
    fn drop(&mut self) {
        let mut above = self.close();
        while let Some(mut folder) = above.and_then(Arc::into_inner) {
            above = folder.close();
        }
    }
}

async fn already_there(side: &Side, target: &Place, error: CopyError) -> Result<Attributes, CopyError> {
    match side.look(target, Links::Keep).await? {
        Some(there) => Ok(there),
        None => Err(side.explain(error, target).await),
    }
}

/// What it means that something of this `kind` has the folder's name.
fn ground(side: &Side, target: &Place, kind: FileKind) -> Result<Ground, CopyError> {
    let in_the_way = |what| Err(side.error(Stage::Transfer, target, Cause::InTheWay(what)));
    match kind {
        FileKind::Dir => Ok(Ground::Old),
        FileKind::Symlink => in_the_way(InTheWay::Link),
        _ => in_the_way(InTheWay::File),
    }
}

impl Finish {
    /// Gives the folder its mode and times. An end that sets no times at all is reported once for all folders, and none
    /// of them fails: scp fails there for files alone.
    ///
    /// # Errors
    /// When the end refuses.
    pub async fn run(self, keep: Keep) -> Result<Finished, CopyError> {
        let Some(wanted) = self.wanted(keep).await? else { return Ok(Finished::AsItShouldBe) };
        let target = &self.target;
        let set = |lane: Arc<Lane>| async move { lane.destination.set_folder(target, wanted).await };
        match self.lanes.retry(set).await {
            Err(error) if error.is_unsupported() && wanted.times.is_some() => Ok(Finished::WithTimesOfItsOwn),
            // it only looked like what a killed run leaves: it is another user's
            Err(error) if error.is_denied() && keep == Keep::Nothing && !self.is_made && self.before.is_none() => {
                Ok(Finished::AsItShouldBe)
            }
            Err(error) => Err(self.lanes.idlest().destination.explain(error, target).await),
            Ok(()) => Ok(Finished::AsItShouldBe),
        }
    }

    /// The attributes that are still to be set; `None` when there are none.
    async fn wanted(&self, keep: Keep) -> Result<Option<Attributes>, CopyError> {
        let mode = self.attributes.permissions.map(|mode| mode & MODE_MASK);
        if keep == Keep::ModeAndTimes {
            let permissions = mode.or(self.before);
            return Ok(Some(Attributes { permissions, times: self.attributes.times, ..Attributes::default() }));
        }
        let without_owners = mode.filter(|mode| mode & OWNER != OWNER);
        let as_new = without_owners.map(|mode| mode & !self.lanes.destination().umask.guess());
        let permissions = match (as_new, self.before) {
            // the owner's bits were lent to it while it was filled
            (Some(mode), _) if self.is_made => Some(mode),
            (_, Some(before)) => Some(before),
            (Some(mode), None) if self.is_left_open(mode).await? => Some(mode),
            _ => None,
        };
        Ok(permissions.map(Attributes::with_permissions))
    }

    /// Whether it is what a killed run leaves of a folder that it would have given this `mode`.
    async fn is_left_open(&self, mode: u32) -> Result<bool, CopyError> {
        let looked = self.lanes.retry(|lane| async move { lane.destination.look(&self.target, Links::Keep).await });
        let there = looked.await?.filter(|there| there.kind() == FileKind::Dir).and_then(|there| there.permissions);
        Ok(there.is_some_and(|there| there & MODE_MASK == mode | OWNER))
    }

    /// The folder's place at the destination.
    pub fn target(&self) -> &Place {
        &self.target
    }
}
