//! How does a file get its name? [`Landing`]: the data goes into a part of mode 0600 beside the target; once all of it is
//! acknowledged, one rename puts it in the target's place. Whoever reads the target sees the old content or the new, never
//! a piece. A part belongs to one run: it is made exclusively, or taken over by a rename from a run that has ended
//! ([`takeover`](super::takeover)), and it is never cut.

use std::sync::Arc;

use bytes::Bytes;

use super::care;
use super::error::{Cause, CopyError};
use super::file::{OpenFile, Set};
use super::freight::Freight;
use super::leftovers::Leftover;
use super::name::Name;
use super::part::{self, Id, VersionId};
use super::place::Place;
use super::replace::replace;
use super::run::Means;
use super::side::{Links, Side};
use super::sums::Sum;
use super::takeover::{self, pair_of};
use super::this_run::Young;
use super::umask::Umask;
use crate::progress::{Event, Stage};
use crate::sftp::{Attributes, FileKind};

/// Permission bits that travel: no set-id, no sticky bit.
pub const MODE_MASK: u32 = 0o777;

/// A file's mode where the source does not tell one.
pub const MODE_UNTOLD: u32 = 0o666;

/// A part's mode until all of it is written.
const PRIVATE: u32 = 0o600;

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
    id: Id,
    file: Arc<OpenFile>,
    ground: Ground,
    is_reused: bool,
    keep: Keep,
    attributes: Attributes,
    started: Arc<super::ledger::Started>,
}

impl Landing {
    /// Opens this run's part of this `version`, by way of `side`, and finds out with which mode it will land.
    ///
    /// # Errors
    /// When the part cannot be created, or something other than a file has the target's name.
    pub async fn begin(side: &Side, freight: Freight<'_>, version: VersionId) -> Result<Landing, CopyError> {
        let Freight { means, item, .. } = freight;
        let (target, ground, keep) = (&item.target, item.ground().await, means.keep);
        let id = Id { pair: pair_of(item), version, run: means.run.id().await };
        let part = target.sibling(&part::part(&own_name(side, target)?, &id));
        let mode = freight.version.permissions.unwrap_or(MODE_UNTOLD) & MODE_MASK;
        let umask = &item.lanes.destination().umask;
        let known = umask.new_mode(side, mode, keep);
        let (opened, there, new) = match known {
            Some(new) => {
                let (opened, there) = tokio::join!(open_part(side, &part), stands_there(side, target, ground));
                (opened, there, new)
            }
            None => match stands_there(side, target, ground).await? {
                // its mode is kept
                Some(there) => (open_part(side, &part).await, Ok(Some(there)), mode),
                None => {
                    let (opened, new) = learning(side, &part, mode, umask).await?;
                    (Ok(opened), Ok(None), new)
                }
            },
        };
        let Opened { file, is_reused } = opened?;
        let there = match there {
            Ok(there) => there,
            Err(error) => {
                // when this fails, a part is left, which harms nobody
                let _ = side.remove(&part).await;
                return Err(error);
            }
        };
        let attributes = final_attributes((there, new), freight.version, keep);
        let (side, target, file, started) = (side.clone(), target.clone(), Arc::new(file), freight.started.clone());
        Ok(Landing { side, target, part, id, file, ground, is_reused, keep, attributes, started })
    }

    /// Which version it is of.
    pub fn version(&self) -> VersionId {
        self.id.version
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

    /// Goes on from the part that a run which has ended left of this version, of `size` bytes, if there is one: it gets the
    /// name of this run's.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn take_over(&mut self, freight: Freight<'_>, size: u64) -> Result<(), CopyError> {
        let folder = self.target.parent();
        if self.ground == Ground::Fresh {
            return Ok(());
        }
        let found = freight.means.leftovers.of(&self.side, &folder).await;
        let candidates = takeover::candidates(&found, &own_name(&self.side, &self.target)?, self.id, size);
        if candidates.is_empty() {
            return Ok(());
        }
        let (own, folder) = match tokio::try_join!(self.file.identity(), self.side.stat(&folder, Links::Follow)) {
            Err(error) if error.ends_the_run() => return Err(error),
            Err(_) => return Ok(()),
            Ok(((own, _), folder)) => (own, folder),
        };
        for left in candidates.into_iter().filter(|left| takeover::is_ours(left, &own, &folder)) {
            match freight.means.run.outlived(&self.side, left, own.mtime(), Young::Watch).await? {
                true if self.take(left, &own).await? => return Ok(()),
                true => {}
                false => freight.means.ledger.event(Event::Detail(another_run(&self.target))),
            }
        }
        Ok(())
    }

    /// Renames the part of a run that has ended; `false` when another took it before, or it is not what it seemed.
    async fn take(&mut self, left: &Leftover, own: &Attributes) -> Result<bool, CopyError> {
        let replaces = self.side.renames_over();
        if !replaces {
            self.side.remove(&self.part).await?;
        }
        match self.side.rename(&left.place, &self.part).await {
            Err(error) if error.ends_the_run() => return Err(error),
            Err(_) if replaces => return Ok(false),
            Err(_) => return self.start_over().await.map(|()| false),
            Ok(()) => {}
        }
        let taken = async {
            let file = self.side.reopen(&self.part).await?;
            let told = file.identity().await?.0;
            let is_it = told.size == left.attributes.size && file.is_ours_alone().await?;
            // also shows that this run works on it
            let private = Attributes { permissions: Some(PRIVATE), times: own.times, ..Attributes::default() };
            file.set(private).await.map(|()| is_it.then_some(file))
        };
        match taken.await {
            Err(error) if error.ends_the_run() => Err(error),
            Ok(Some(file)) => {
                (self.file, self.is_reused) = (Arc::new(file), true);
                Ok(true)
            }
            Ok(None) | Err(_) => self.start_over().await.map(|()| false),
        }
    }

    /// A new, empty part in the place of one that is worth nothing.
    ///
    /// # Errors
    /// When it cannot be removed, or made.
    pub async fn start_over(&mut self) -> Result<(), CopyError> {
        match self.side.remove(&self.part).await {
            Err(error) if !error.is_missing() => return Err(error),
            _ => {}
        }
        self.file = Arc::new(self.side.create(&self.part, PRIVATE).await?);
        self.is_reused = false;
        Ok(())
    }

    /// Writes all of a small file, closes its part, and looks whether all of it stands there.
    ///
    /// # Errors
    /// What could not be written, or set; [`Cause::PartTaken`].
    pub async fn write_whole(&self, data: Vec<Bytes>) -> Result<(), CopyError> {
        let written = data.iter().map(|piece| piece.len() as u64).sum();
        let write = self.file.write_whole(data, self.attributes);
        let (set, seen) = tokio::join!(biased; write, self.seen());
        set.and_then(|set| self.accepted(set)).map_err(|error| self.left_behind(error))?;
        // it may have been seen before it was closed
        match is_whole(seen?, written) || is_whole(self.seen().await?, written) {
            true => Ok(()),
            false => Err(self.taken()),
        }
    }

    /// Closes the part, all of whose `written` bytes are acknowledged, and looks whether it still has its name: whatever
    /// has, would land.
    ///
    /// # Errors
    /// What the end only tells now, or what could not be set; [`Cause::PartTaken`].
    pub async fn close(&self, written: u64) -> Result<(), CopyError> {
        let close = self.file.set_and_close(self.attributes);
        let (set, seen) = tokio::join!(biased; close, self.seen());
        set.and_then(|set| self.accepted(set)).map_err(|error| self.left_behind(error))?;
        match is_whole(seen?, written) {
            true => Ok(()),
            false => Err(self.taken()),
        }
    }

    /// What has the part's name.
    async fn seen(&self) -> Result<Option<Attributes>, CopyError> {
        let seen = self.side.look(&self.part, Links::Keep).await?;
        self.started.seen_as(seen);
        Ok(seen)
    }

    fn taken(&self) -> CopyError {
        self.side.error(Stage::Land, &self.part, Cause::PartTaken)
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
        if let Err(error) = replace(&self.side, &self.part, &self.target, self.ground).await {
            let is_gone = !error.ends_the_run() && self.side.look(&self.part, Links::Keep).await?.is_none();
            return Err(if is_gone { self.taken() } else { self.left_behind(error) });
        }
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

    /// Gives up: removes a part that nothing could go on from.
    pub async fn discard(&self) {
        // when this fails, a part is left, which harms nobody
        let _ = self.side.remove(&self.part).await;
    }

    /// Some file systems and servers know no modes. That is a failure only where the mode was asked for; what lands has
    /// less open a mode then, never more.
    fn accepted(&self, set: Set) -> Result<(), CopyError> {
        match set {
            Err(error) if self.keep == Keep::Nothing && !error.ends_the_run() => Ok(()),
            set => set,
        }
    }
}

/// What a file gets whose name nothing has, or a file of that mode.
pub fn final_attributes((there, new): (Option<u32>, u32), version: &Attributes, keep: Keep) -> Attributes {
    let permissions = match (keep, there) {
        (Keep::Nothing, Some(old)) => old & MODE_MASK,
        _ => new,
    };
    let times = version.times.filter(|_| keep == Keep::ModeAndTimes);
    Attributes { permissions: Some(permissions), times, ..Attributes::default() }
}

/// Whether it is a file of so many bytes, as far as the end tells.
fn is_whole(seen: Option<Attributes>, written: u64) -> bool {
    let is_file = |seen: &Attributes| matches!(seen.kind(), FileKind::File | FileKind::Unknown);
    seen.is_some_and(|seen| is_file(&seen) && seen.size.is_none_or(|size| size == written))
}

/// The name that `target` is to have.
///
/// # Errors
/// When it is no name of a file.
pub fn own_name(side: &Side, target: &Place) -> Result<Name, CopyError> {
    let name = target.name().and_then(|name| Name::vet(name).ok());
    name.ok_or_else(|| side.error(Stage::Land, target, Cause::Refused("a file needs a name to land under")))
}

fn another_run(target: &Place) -> String {
    let path = String::from_utf8_lossy(&target.path()).into_owned();
    format!("{path}: another run is at work on it, so all of it is sent; --lock lets one run at a time")
}

/// A part, open for writing.
struct Opened {
    file: OpenFile,
    /// This run has made it before.
    is_reused: bool,
}

/// A new part, or the one that this run made before its session was lost: no other run knows its name.
async fn open_part(side: &Side, part: &Place) -> Result<Opened, CopyError> {
    let error = match side.create(part, PRIVATE).await {
        Ok(file) => return Ok(Opened { file, is_reused: false }),
        Err(error) if !error.may_exist() => return Err(error),
        Err(error) => error,
    };
    if side.look(part, Links::Keep).await?.is_none() {
        return Err(error);
    }
    match side.reopen(part).await {
        Ok(file) => Ok(Opened { file, is_reused: true }),
        Err(error) if error.ends_the_run() => Err(error),
        // its last mode, which it has already, may forbid it
        Err(_) => {
            side.remove(part).await?;
            Ok(Opened { file: side.create(part, PRIVATE).await?, is_reused: false })
        }
    }
}

/// A new part, which shows what becomes of `mode`.
async fn learning(side: &Side, part: &Place, mode: u32, umask: &Umask) -> Result<(Opened, u32), CopyError> {
    match umask.learn(side, part, mode).await {
        Ok((Some(file), new)) => Ok((Opened { file, is_reused: false }, new)),
        Ok((None, new)) => Ok((open_part(side, part).await?, new)),
        // this run has made it before
        Err(error) if error.may_exist() => Ok((open_part(side, part).await?, mode & !umask.guess())),
        Err(error) => Err(error),
    }
}

/// The mode of the file that has the target's name; `None` when there is none, or a link, which will be replaced.
pub async fn stands_there(side: &Side, target: &Place, ground: Ground) -> Result<Option<u32>, CopyError> {
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
