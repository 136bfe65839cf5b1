//! How does a file get its name? [`Landing`]: the data goes into a part file of mode 0600 beside the target; once all
//! of it is acknowledged, one rename puts it in the target's place. Readers of the target see the old file or the new
//! one, never a piece. A part file belongs to one run: it is made exclusively, or taken over by a rename from a run
//! that has ended ([`takeover`](super::takeover)), and it is never cut.
//!
//! Where an end turns out to set no modes, part files are made with the mode that their files are to have.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::care::{self, SourceContent};
use super::part_file::{PRIVATE, PartFile, ToOpen};
use super::replace::replace;
use crate::copy::ends::file::Set;
use crate::copy::ends::lanes::Lanes;
use crate::copy::ends::side::Side;
use crate::copy::ends::umask::Umask;
use crate::copy::error::{Cause, CopyError};
use crate::copy::in_the_way::InTheWay;
use crate::copy::options::{Keep, MODE_MASK, MODE_UNTOLD};
use crate::copy::part::VersionId;
use crate::copy::place::{Links, Place};
use crate::copy::task::file_transfer::FileTransfer;
use crate::copy::task::folder::Ground;
use crate::copy::task::ledger::FileProgress;
use crate::copy::task::run_context::RunContext;
use crate::copy::task::so_far::{Earlier, SoFar};
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};

/// Bytes of a file for which it is worth a round trip to know first whether the end sets modes.
const LARGE: u64 = 256 * 1024;

/// A file on its way to its name.
pub struct Landing {
    side: Side,
    target: Place,
    part: PartFile,
    lanes: Arc<Lanes>,
    ground: Ground,
    keep: Keep,
    attributes: Attributes,
    /// Whether this run has tried before.
    is_again: bool,
    /// Bytes written, once the part file is closed.
    written: OnceLock<u64>,
    /// Why the end has not set mode or times, if so. The file gets its name, as with scp; where they were asked for, it
    /// counts as failed.
    unset: OnceLock<CopyError>,
    started: Arc<FileProgress>,
}

impl Landing {
    /// Opens this run's part file for this `version`, by way of `side`, and finds out with which mode it will land.
    ///
    /// # Errors
    /// When the part file cannot be created, or something other than a file has the target's name.
    pub async fn begin(
        side: &Side,
        transfer: FileTransfer<'_>,
        version: VersionId,
        so_far: &SoFar,
    ) -> Result<Landing, CopyError> {
        let FileTransfer { context, item, .. } = transfer;
        let (target, ground, keep) = (&item.target, item.ground().await, context.keep);
        let to_open = ToOpen::of(side, transfer, version, so_far).await?;
        let mode = transfer.version.permissions.unwrap_or(MODE_UNTOLD) & MODE_MASK;
        let umask = &item.lanes.destination().umask;
        let known = umask.new_mode(side, mode, keep);
        let (opened, there, new) = match known {
            _ if umask.sets_modes() == Some(false) => {
                let there = stands_there(side, target, ground).await?;
                let new = known.unwrap_or(mode & !umask.guess());
                let last = final_attributes(there, new, transfer.version, keep).permissions.unwrap_or(new);
                // a large one is opened once more on each lane
                let last = if transfer.size() >= LARGE { last | PRIVATE } else { last };
                (to_open.with_mode(last).open().await, Ok(there), new)
            }
            Some(new) => {
                let (opened, there) = tokio::join!(to_open.open(), stands_there(side, target, ground));
                (opened, there, new)
            }
            None => match stands_there(side, target, ground).await? {
                // its mode is kept
                Some(there) => (to_open.open().await, Ok(Some(there)), mode),
                None => {
                    let (opened, new) = to_open.learning(mode, umask).await?;
                    (Ok(opened), Ok(None), new)
                }
            },
        };
        let part = opened?;
        let there = match there {
            Ok(there) => there,
            Err(error) => {
                // when this fails, a part is left, which harms nobody
                let _ = part.give_up().await;
                return Err(error);
            }
        };
        let attributes = final_attributes(there, new, transfer.version, keep);
        let is_again = so_far.earlier() != Earlier::Nothing;
        let (side, target, started) = (side.clone(), target.clone(), Arc::clone(transfer.started));
        let (written, unset, lanes) = (OnceLock::new(), OnceLock::new(), Arc::clone(&item.lanes));
        let landing =
            Landing { side, target, part, lanes, ground, keep, attributes, is_again, written, unset, started };
        if transfer.size() >= LARGE && landing.umask().sets_modes().is_none() {
            landing.try_to_set_mode().await?;
        }
        Ok(landing)
    }

    fn umask(&self) -> &Umask {
        &self.lanes.destination().umask
    }

    /// Finds out whether the end sets modes, before anything is written.
    async fn try_to_set_mode(&self) -> Result<(), CopyError> {
        let mode = Attributes { permissions: Some(PRIVATE), ..Attributes::default() };
        match self.part.file().set(mode).await {
            Err(error) if error.ends_the_run() => return Err(error),
            set => self.umask().has_set_mode(set.is_ok()),
        }
        match self.umask().sets_modes() {
            Some(false) => {
                self.discard().await;
                Err(self.mode_refused())
            }
            _ => Ok(()),
        }
    }

    fn mode_refused(&self) -> CopyError {
        self.side.error(Stage::Land, &self.target, Cause::ModeRefused)
    }

    /// The part file.
    pub fn part_file(&self) -> &PartFile {
        &self.part
    }

    /// Takes over the part file that an ended run left of this version, of `size` bytes, if there is one. It gets a
    /// name of this run's.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn take_over(&mut self, transfer: FileTransfer<'_>, size: u64) -> Result<(), CopyError> {
        match self.ground {
            Ground::Fresh => Ok(()),
            Ground::Old => self.part.take_over(transfer, size).await,
        }
    }

    /// Replaces a part file that is worth nothing by a new, empty one.
    ///
    /// # Errors
    /// When the part file cannot be made.
    pub async fn begin_anew(&mut self) -> Result<(), CopyError> {
        self.part.begin_anew().await
    }

    /// Writes all of a small file, closes its part file, and checks its length.
    ///
    /// # Errors
    /// Why it could not be written or its attributes set; [`Cause::PartTaken`].
    pub async fn write_whole(&self, data: Vec<Bytes>) -> Result<(), CopyError> {
        let written = *self.written.get_or_init(|| data.iter().map(|piece| piece.len() as u64).sum());
        let written_and_seen = self.part.file().write_whole(data, self.attributes).await;
        let (set, seen) = written_and_seen.map_err(|error| self.left_behind(error))?;
        self.started.seen_as(seen);
        match self.accepted(set, seen) {
            Err(error) if error.is_worthless() => {
                self.discard().await;
                return Err(error);
            }
            accepted => accepted.map_err(|error| self.left_behind(error))?,
        }
        // a server may have looked before it was closed
        match is_whole(seen, written) || is_whole(self.seen().await?, written) {
            true => Ok(()),
            false => Err(self.taken()),
        }
    }

    /// Closes the part file, all of whose `written` bytes are acknowledged, and checks that its name still belongs to
    /// it: whatever has that name would land.
    ///
    /// # Errors
    /// What the end reports only now, or why attributes could not be set; [`Cause::PartTaken`].
    pub async fn close(&self, written: u64) -> Result<(), CopyError> {
        let written = *self.written.get_or_init(|| written);
        let close = self.part.file().set_and_close(self.attributes);
        let (set, seen) = tokio::join!(biased; close, self.seen());
        let (set, seen) = (set.map_err(|error| self.left_behind(error))?, seen?);
        self.accepted(set, seen).map_err(|error| self.left_behind(error))?;
        match is_whole(seen, written) {
            true => Ok(()),
            false => Err(self.taken()),
        }
    }

    /// The attributes of what has the part file's name.
    async fn seen(&self) -> Result<Option<Attributes>, CopyError> {
        let seen = self.side.look(self.part.place(), Links::Keep).await?;
        self.started.seen_as(seen);
        Ok(seen)
    }

    fn taken(&self) -> CopyError {
        self.side.error(Stage::Land, self.part.place(), Cause::PartTaken)
    }

    /// Checks the closed part file as the run's options say: compares it with what the `source` had, and flushes it to
    /// the disk.
    ///
    /// # Errors
    /// [`Cause::Differs`] when it is not what was read; when it cannot be flushed.
    pub async fn check(&self, transfer: FileTransfer<'_>, source: Option<SourceContent>) -> Result<(), CopyError> {
        let FileTransfer { context, item, started, .. } = transfer;
        if let Some(source) = source {
            match care::compare(item, &self.side, self.part.place(), source).await {
                Ok(told) => context.ledger.hashed(started, &source.sum, &told),
                Err(error) if error.is_worthless() => {
                    self.discard().await;
                    return Err(error);
                }
                Err(error) => return Err(self.left_behind(error)),
            }
        }
        if context.care.fsync {
            self.flush().await.map_err(|error| self.left_behind(error))?;
        }
        Ok(())
    }

    async fn flush(&self) -> Result<(), CopyError> {
        // for reading: it has its own mode by now, which may forbid writing
        let part = self.part.place();
        let file = match self.side.open(part, Links::Keep).await {
            Err(error) if !error.ends_the_run() => self.side.reopen(part).await?,
            opened => opened?,
        };
        file.flush().await?;
        file.close().await
    }

    /// Gives the closed part file its final name.
    ///
    /// # Errors
    /// When it cannot be renamed; the old file then still has its name, or has it again.
    pub async fn land(mut self, context: &RunContext) -> Result<(), CopyError> {
        let part = self.part.place();
        if let Err(error) = replace(&self.side, part, &self.target, self.ground).await {
            let is_gone = !error.ends_the_run() && self.side.look(part, Links::Keep).await?.is_none();
            return Err(if is_gone { self.taken() } else { self.left_behind(error) });
        }
        self.stands().await?;
        if context.care.fsync {
            self.side.flush_folder(&self.target).await?;
        }
        self.unset.take().map_or(Ok(()), |unset| self.tell_unset(unset, context))
    }

    /// Says of the landed file that the end has not set its mode or times: as its failure, where they were asked for.
    fn tell_unset(&self, unset: CopyError, context: &RunContext) -> Result<(), CopyError> {
        if self.keep == Keep::ModeAndTimes {
            return Err(self.side.error(Stage::Land, &self.target, Cause::Unset(Box::new(unset.cause))));
        }
        let is = self.started.landed_as().and_then(|landed| landed.permissions).map(|mode| mode & MODE_MASK);
        if let (Some(is), Some(should)) = (is, self.attributes.permissions)
            && is_stricter(is, should)
        {
            context.ledger.is_stricter(&self.target, is, should);
        }
        Ok(())
    }

    /// Reads from the landed file, if its part file was begun more than once: a server that goes by names may only
    /// claim that it was renamed.
    async fn stands(&self) -> Result<(), CopyError> {
        let is_doubtful = self.is_again || self.part.is_reused() || self.part.beginning() > 0;
        if self.side.takes_any_order() || !is_doubtful {
            return Ok(());
        }
        let written = self.written.get().copied().unwrap_or_default();
        match self.side.can_be_read(&self.target, written).await {
            Ok(true) => Ok(()),
            Err(error) if error.ends_the_run() => Err(error),
            Ok(false) | Err(_) => Err(self.side.error(Stage::Land, &self.target, Cause::NotThere)),
        }
    }

    /// The same error, about the target, with the part file's path.
    pub fn left_behind(&self, mut error: CopyError) -> CopyError {
        let part = self.part.place().path();
        if error.path == part {
            error.path = self.target.path();
        }
        error.part = Some(part);
        error
    }

    /// Removes a part file that no later attempt could use.
    pub async fn discard(&self) {
        // when this fails, a part is left, which harms nobody
        let _ = self.part.give_up().await;
    }

    /// What it means that attributes were `set` or not, of a part file that looks as `seen` now. It lands without them, but
    /// has to be made once more if that takes permissions from it.
    fn accepted(&self, set: Set, seen: Option<Attributes>) -> Result<(), CopyError> {
        let Err(error) = set else {
            self.umask().has_set_mode(true);
            return Ok(());
        };
        if error.ends_the_run() || matches!(error.cause, Cause::NoSpace) {
            return Err(error);
        }
        let is = seen.and_then(|seen| seen.permissions).map_or(PRIVATE, |mode| mode & MODE_MASK);
        if self.part.is_private() && self.attributes.permissions.is_some_and(|should| is_stricter(is, should)) {
            self.umask().has_set_mode(false);
            // another file of this run may have set one, as its owner could
            if self.umask().sets_modes() == Some(false) {
                return Err(self.mode_refused());
            }
        }
        // set once: it is closed once
        let _ = self.unset.set(error);
        Ok(())
    }
}

/// Whether the mode `is` lacks a permission that it `should` have.
fn is_stricter(is: u32, should: u32) -> bool {
    should & !is & MODE_MASK != 0
}

/// The attributes a file lands with. `there` is the mode of the file it replaces, if any; `new` is the mode it has
/// otherwise, and always where modes are copied.
pub fn final_attributes(there: Option<u32>, new: u32, version: &Attributes, keep: Keep) -> Attributes {
    let permissions = match (keep, there) {
        (Keep::Nothing, Some(old)) => old & MODE_MASK,
        _ => new,
    };
    let times = version.times.filter(|_| keep == Keep::ModeAndTimes);
    Attributes { permissions: Some(permissions), times, ..Attributes::default() }
}

/// Whether it is a file of `written` bytes, as far as the end tells.
fn is_whole(seen: Option<Attributes>, written: u64) -> bool {
    let is_file = |seen: &Attributes| matches!(seen.kind(), FileKind::File | FileKind::Unknown);
    seen.is_some_and(|seen| is_file(&seen) && seen.size.is_none_or(|size| size == written))
}

/// The mode of the file that has the target's name; `None` when there is none, or a link, which will be replaced.
pub async fn stands_there(side: &Side, target: &Place, ground: Ground) -> Result<Option<u32>, CopyError> {
    if ground == Ground::Fresh {
        return Ok(None);
    }
    let Some(there) = side.look(target, Links::Keep).await? else { return Ok(None) };
    let in_the_way = |what| Err(side.error(Stage::Land, target, Cause::InTheWay(what)));
    match there.kind() {
        FileKind::File | FileKind::Unknown => Ok(there.permissions),
        FileKind::Symlink => Ok(None),
        FileKind::Dir => in_the_way(InTheWay::Folder),
        FileKind::Fifo | FileKind::Socket | FileKind::Device => in_the_way(InTheWay::Special),
    }
}
