//! How does a file get its name? [`Landing`]: the data goes into a part of mode 0600 beside the target; once all of it is
//! acknowledged, one rename puts it in the target's place. Whoever reads the target sees the old content or the new, never
//! a piece. A part is opened without cutting it: two runs of one source write the same bytes to the same places.

use std::sync::Arc;

use bytes::Bytes;

use super::care;
use super::error::{Cause, CopyError};
use super::file::{OpenFile, Set};
use super::freight::Freight;
use super::item::Item;
use super::lanes::Lanes;
use super::local;
use super::name::Name;
use super::part::{self, Id};
use super::place::Place;
use super::pool::Pool;
use super::run::Means;
use super::side::{Links, Side};
use super::sums::Sum;
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};

/// Permission bits that travel: no set-id, no sticky bit.
pub const MODE_MASK: u32 = 0o777;

/// All that a mode says of who may do what.
const MODE_AND_SET_ID: u32 = 0o7777;

/// The bits that a umask is likely to take.
const OTHERS: u32 = 0o077;

/// A file's mode where the source does not tell one.
const MODE_UNTOLD: u32 = 0o666;

/// What most systems take from a new file's mode, for an end that does not show it.
const USUAL_UMASK: u32 = 0o022;

/// The folder a file lands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Made by this run: nothing of an earlier time is in it.
    Fresh,
    /// There before.
    Old,
}

/// Whether mode and times travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// As they are at the source (`-p`).
    ModeAndTimes,
    /// As if the file had been written in place.
    Nothing,
}

/// A file on its way to its name.
pub struct Landing {
    side: Side,
    target: Place,
    part: Place,
    file: Arc<OpenFile>,
    ground: Ground,
    is_reused: bool,
    keep: Keep,
    attributes: Attributes,
}

impl Landing {
    /// Opens the part of this `version` of `item`, by way of `side`, and finds out with which mode it will land.
    ///
    /// # Errors
    /// When the part cannot be created, or something other than a file has the target's name.
    pub async fn begin(side: &Side, item: &Item, version: &Attributes, keep: Keep) -> Result<Landing, CopyError> {
        let target = &item.target;
        let part = target.sibling(&part::part(&own_name(side, target)?, &id(item, version)));
        let ground = item.ground().await;
        let mode = version.permissions.unwrap_or(MODE_UNTOLD) & MODE_MASK;
        let (opened, there, new) = tokio::join!(
            open_part(side, &part),
            stands_there(side, target, ground),
            new_mode(&item.lanes, side, &part, mode, keep),
        );
        let (file, is_reused) = opened?;
        let there = match there {
            Ok(there) => there,
            Err(error) => {
                discard(side, &part, is_reused).await;
                return Err(error);
            }
        };
        let attributes = final_attributes((there, new), version, keep);
        let (side, target, file) = (side.clone(), target.clone(), Arc::new(file));
        Ok(Landing { side, target, part, file, ground, is_reused, keep, attributes })
    }

    /// Where the part is.
    pub fn part(&self) -> &Place {
        &self.part
    }

    /// The part, open for writing.
    pub fn file(&self) -> &Arc<OpenFile> {
        &self.file
    }

    /// Whether an earlier try left it.
    pub fn is_reused(&self) -> bool {
        self.is_reused
    }

    /// Writes all of a small file, and closes its part.
    ///
    /// # Errors
    /// What could not be written, or set.
    pub async fn write_whole(&self, data: Vec<Bytes>) -> Result<(), CopyError> {
        let written = data.iter().map(|piece| piece.len() as u64).sum();
        let set = self.file.write_whole(data, self.wanted(written)).await;
        set.and_then(|set| self.accepted(set)).map_err(|error| self.left_behind(error))
    }

    /// Closes the part, all of whose `written` bytes are acknowledged, and looks whether it still has its name: whatever
    /// has, would land.
    ///
    /// # Errors
    /// What the end only tells now, or what could not be set; [`Cause::PartTaken`].
    pub async fn close(&self, written: u64) -> Result<(), CopyError> {
        let close = self.file.set_and_close(self.wanted(written));
        let (set, part) = tokio::join!(biased; close, self.side.look(&self.part, Links::Keep));
        set.and_then(|set| self.accepted(set)).map_err(|error| self.left_behind(error))?;
        let is_ours = |part: &Attributes| {
            matches!(part.kind(), FileKind::File | FileKind::Unknown) && part.size.is_none_or(|size| size >= written)
        };
        match part?.is_some_and(|part| is_ours(&part)) {
            true => Ok(()),
            false => Err(self.side.error(Stage::Land, &self.part, Cause::PartTaken)),
        }
    }

    /// Looks after the closed part as `means` say: compares it with the `sum` of the source and its size, and has it
    /// flushed to the disk.
    ///
    /// # Errors
    /// [`Cause::Differs`] when it is not what was read; when it cannot be flushed.
    pub async fn check(&self, freight: Freight<'_>, sum: Option<(Sum, u64)>) -> Result<(), CopyError> {
        let Freight { means, item, started, .. } = freight;
        if let Some(sum) = sum {
            match care::compare(item, (&self.side, &self.part), sum).await {
                Ok(told) => means.ledger.hashed(started, (&sum.0, &told)),
                Err(error) if error.is_worthless() => {
                    self.discard().await;
                    return Err(error);
                }
                Err(error) => return Err(self.left_behind(error)),
            }
        }
        if means.care.fsync {
            self.flush().await.map_err(|error| self.left_behind(error))?;
        }
        Ok(())
    }

    async fn flush(&self) -> Result<(), CopyError> {
        let file = self.side.reopen(&self.part).await?;
        file.flush().await?;
        file.close().await
    }

    /// Gives the closed part its name.
    ///
    /// # Errors
    /// When it cannot be renamed; the old content then still has, or has again, its name.
    pub async fn land(self, means: &Means) -> Result<(), CopyError> {
        let landed = replace(&self.side, &self.part, &self.target, self.ground).await;
        landed.map_err(|error| self.left_behind(error))?;
        match means.care.fsync {
            true => self.side.flush_folder(&self.target).await,
            false => Ok(()),
        }
    }

    /// The same error, about the target, and naming the part.
    pub fn left_behind(&self, mut error: CopyError) -> CopyError {
        let part = self.part.path();
        if error.path == part {
            error.path = self.target.path();
        }
        error.part = Some(part);
        error
    }

    /// Gives up before anything was written.
    pub async fn withdraw(&self) {
        discard(&self.side, &self.part, self.is_reused).await;
    }

    /// Removes the part of a version that is no more; nothing could go on from it.
    pub async fn discard(&self) {
        discard(&self.side, &self.part, false).await;
    }

    /// What the part gets once `written` bytes are in it.
    fn wanted(&self, written: u64) -> Attributes {
        // an earlier try of the same version is no longer, but who knows who else wrote there
        Attributes { size: self.is_reused.then_some(written), ..self.attributes }
    }

    /// Some file systems and servers know no modes. That is a failure only where the mode was asked for, or the length
    /// was to be set with it; what lands has less open a mode then, never more.
    fn accepted(&self, set: Set) -> Result<(), CopyError> {
        match set {
            Err(error) if self.keep == Keep::Nothing && !self.is_reused && !error.ends_the_run() => Ok(()),
            set => set,
        }
    }
}

/// Gives a complete file, which stands at `staged` with the attributes `arrived` for this `version` of `item`, its mode,
/// times and name.
///
/// # Errors
/// When something other than a file has the name, or it cannot be set or renamed.
pub async fn adopt(
    side: &Side,
    (item, staged): (&Item, &Place),
    (version, arrived): (&Attributes, &Attributes),
    keep: Keep,
) -> Result<(), CopyError> {
    let (target, ground) = (&item.target, item.ground().await);
    let mode = version.permissions.unwrap_or(MODE_UNTOLD) & MODE_MASK;
    let (there, new) =
        tokio::join!(stands_there(side, target, ground), new_mode(&item.lanes, side, staged, mode, keep));
    let wanted = final_attributes((there?, new), version, keep);
    let has_mode = arrived.permissions.map(|mode| mode & MODE_AND_SET_ID) == wanted.permissions;
    let set = async {
        match has_mode && wanted.times.is_none() {
            true => Ok(()),
            false => side.set_folder(staged, wanted).await,
        }
    };
    let (set, ()) = tokio::join!(set, forget_part(side, item, version, ground));
    set?;
    replace(side, staged, target, ground).await
}

/// Removes what an earlier try has left of a file that has arrived without it.
async fn forget_part(side: &Side, item: &Item, version: &Attributes, ground: Ground) {
    if let (Ground::Old, Ok(name)) = (ground, own_name(side, &item.target)) {
        discard(side, &item.target.sibling(&part::part(&name, &id(item, version))), false).await;
    }
}

/// Makes the symbolic link `item`, which `says` where it leads, in the place of a file or link that has its name.
///
/// # Errors
/// When it cannot be made, or renamed.
pub async fn link(side: &Side, item: &Item, says: Vec<u8>) -> Result<(), CopyError> {
    let target = &item.target;
    let part = target.sibling(&part::part(&own_name(side, target)?, &id(item, &item.attributes)));
    stands_there(side, target, item.ground().await).await?;
    match side.symlink(&part, says.clone()).await {
        Err(error) if error.may_exist() => {
            side.remove(&part).await?;
            side.symlink(&part, says).await?;
        }
        answer => answer?,
    }
    replace(side, &part, target, Ground::Old).await
}

/// What a file gets whose name nothing has, or a file of that mode.
fn final_attributes((there, new): (Option<u32>, u32), version: &Attributes, keep: Keep) -> Attributes {
    let permissions = match (keep, there) {
        (Keep::Nothing, Some(old)) => old & MODE_MASK,
        _ => new,
    };
    let times = version.times.filter(|_| keep == Keep::ModeAndTimes);
    Attributes { permissions: Some(permissions), times, ..Attributes::default() }
}

fn own_name(side: &Side, target: &Place) -> Result<Name, CopyError> {
    let name = target.name().and_then(|name| Name::vet(name).ok());
    name.ok_or_else(|| side.error(Stage::Land, target, Cause::Refused("a file needs a name to land under")))
}

fn id(item: &Item, version: &Attributes) -> Id {
    Id::of(item.lanes.source_alias(), &item.source.path(), version, &item.target.path())
}

/// Removes a part that is of no use, unless it was there before.
async fn discard(side: &Side, part: &Place, is_reused: bool) {
    if !is_reused {
        // when this fails, a part is left, which harms nobody
        let _ = side.remove(part).await;
    }
}

/// A new part, or (`true`) the one an earlier try left behind; never anything but a regular file.
async fn open_part(side: &Side, part: &Place) -> Result<(OpenFile, bool), CopyError> {
    match side.create(part, 0o600).await {
        Err(error) if error.may_exist() => match side.look(part, Links::Keep).await? {
            Some(_) => Ok((reopen_part(side, part).await?, true)),
            None => Err(error),
        },
        answer => Ok((answer?, false)),
    }
}

async fn reopen_part(side: &Side, part: &Place) -> Result<OpenFile, CopyError> {
    let file = side.reopen(part).await?;
    // also shows that it is ours: nobody else may change a mode
    file.set(Attributes::with_permissions(0o600)).await?;
    Ok(file)
}

/// The mode of the file that has the target's name; `None` when there is none, or a link, which will be replaced.
async fn stands_there(side: &Side, target: &Place, ground: Ground) -> Result<Option<u32>, CopyError> {
    if ground == Ground::Fresh {
        return Ok(None);
    }
    let Some(there) = side.look(target, Links::Keep).await? else { return Ok(None) };
    let in_the_way = |what| Err(side.error(Stage::Land, target, Cause::Unfit(what)));
    match there.kind() {
        FileKind::File | FileKind::Unknown => Ok(there.permissions),
        FileKind::Symlink => Ok(None),
        FileKind::Dir => in_the_way("a folder has that name"),
        FileKind::Fifo | FileKind::Socket | FileKind::Device => in_the_way("it is no regular file"),
    }
}

/// The mode of a file that is not there yet.
async fn new_mode(lanes: &Lanes, side: &Side, part: &Place, mode: u32, keep: Keep) -> u32 {
    match keep {
        Keep::Nothing if mode & OTHERS != 0 => mode & !umask(lanes.destination(), side, part).await,
        _ => mode,
    }
}

/// What the destination takes from the mode of a new file: parts are created with 0600, which shows nothing.
async fn umask(pool: &Pool, side: &Side, part: &Place) -> u32 {
    *pool.umask.get_or_init(|| async { found_umask(side, part).await.unwrap_or(USUAL_UMASK) }).await
}

/// A host shows its umask by an empty file, which is made, looked at and removed by three requests that leave together: a
/// run that is killed meanwhile leaves nothing.
async fn found_umask(side: &Side, part: &Place) -> Result<u32, CopyError> {
    if let (Side::Local, Some(umask)) = (side, local::umask()) {
        return Ok(umask);
    }
    let id = Id::of("umask", &part.path(), &Attributes::default(), b"");
    let probe = part.sibling(&part::part(&own_name(side, part)?, &id));
    let make = side.create(&probe, MODE_MASK);
    let (made, told, removed) = tokio::join!(biased; make, side.stat(&probe, Links::Keep), side.remove(&probe));
    drop(made?);
    if removed.is_err() {
        // an end that works on several requests at once
        side.remove(&probe).await?;
    }
    let mode = told?.permissions.unwrap_or(MODE_MASK & !USUAL_UMASK);
    Ok(MODE_MASK & !mode)
}

async fn replace(side: &Side, part: &Place, target: &Place, ground: Ground) -> Result<(), CopyError> {
    if side.renames_over() || ground == Ground::Fresh {
        return side.rename(part, target).await;
    }
    match side.rename(part, target).await {
        Ok(()) => Ok(()),
        Err(error) => match side.look(target, Links::Keep).await? {
            Some(there) if there.kind() != FileKind::Dir => replace_in_two_steps(side, part, target).await,
            _ => Err(error),
        },
    }
}

/// Without posix-rename: the old content waits under another name until the new one stands.
async fn replace_in_two_steps(side: &Side, part: &Place, target: &Place) -> Result<(), CopyError> {
    let backup = target.sibling(&part::backup(&own_name(side, target)?));
    // one of a run that was cut off; the target stands, so it is out of date
    match side.remove(&backup).await {
        Err(error) if !error.is_missing() => return Err(error),
        _ => {}
    }
    side.rename(target, &backup).await?;
    if let Err(error) = side.rename(part, target).await {
        // when this fails too, the old content still is under the backup's name, and the error stands
        let _ = side.rename(&backup, target).await;
        return Err(error);
    }
    side.remove(&backup).await
}
