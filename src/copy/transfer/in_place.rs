//! What if a file cannot arrive in a part file? [`copy_in_place`] writes into the file that has the name, from its beginning to
//! its end over one session. Until it is done that file is neither the old nor the new one: this is the one way in which a
//! file may be torn, so it is only gone where the user says so, or where nothing else is possible ([`is_left`]), and told.

use std::sync::Arc;

use bytes::Bytes;

use super::open_pair::identity_of;
use crate::copy::ends::file::OpenFile;
use crate::copy::ends::file_checksum::FileChecksum;
use crate::copy::ends::join_in_order;
use crate::copy::ends::lanes::Lane;
use crate::copy::error::{Cause, CopyError};
use crate::copy::in_the_way::InTheWay;
use crate::copy::land::care::{self, SourceContent};
use crate::copy::options::{InPlace, Keep, MODE_MASK, MODE_UNTOLD};
use crate::copy::place::Links;
use crate::copy::task::file_transfer::FileTransfer;
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};

/// Blocks under way together.
const TOGETHER: usize = 16;

/// Why a file is written in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InPlaceReason {
    /// The user wants it.
    Asked,
    /// Its folder takes no new name.
    FolderTakesNone,
    /// It is a device.
    IsDevice,
}

/// Why writing in place is all that is left for a file that `failed` otherwise, if so.
pub async fn is_left(transfer: FileTransfer<'_>, failed: Option<&CopyError>) -> Option<InPlaceReason> {
    let FileTransfer { context, item, .. } = transfer;
    let (side, failed) = (item.lanes.idlest().destination.clone(), failed?);
    // nothing was written yet
    let is_refused = failed.is_denied() && failed.stage == Stage::Transfer && failed.part.is_none();
    let is_special = failed.in_the_way() == Some(InTheWay::Special);
    if context.in_place != InPlace::IfNeeded || failed.host != side.trail() || !(is_refused || is_special) {
        return None;
    }
    let there = side.look(&item.target, Links::Keep).await.ok()??;
    let why = match there.kind() {
        FileKind::File if is_refused => InPlaceReason::FolderTakesNone,
        // one that was typed, never one that is found in a tree
        FileKind::Device if item.folder.is_none() => InPlaceReason::IsDevice,
        _ => return None,
    };
    let file = side.open_over(&item.target, &there).await.ok()?;
    file.let_go().await;
    Some(why)
}

/// Writes one version of a file into the file that has its name, which is made if there is none. A lost session makes it
/// begin again.
///
/// # Errors
/// When an end cannot be read or written, or the source has changed. If that is later than at the beginning, the file is
/// left incomplete, which has been told.
pub async fn copy_in_place(transfer: FileTransfer<'_>, why: InPlaceReason) -> Result<(), CopyError> {
    let FileTransfer { context, item, started, .. } = transfer;
    context.ledger.in_place(started, &item.target, reason(why));
    let copied = item.lanes.retry(|lane| async move { InPlaceAttempt { transfer, lane }.run().await }).await;
    if copied.is_err() && started.has_moved() {
        context.ledger.incomplete(&item.target);
    }
    copied
}

/// What is said of it without being asked for it.
fn reason(why: InPlaceReason) -> Option<&'static str> {
    match why {
        InPlaceReason::Asked => None,
        InPlaceReason::FolderTakesNone => Some("its folder takes no new name"),
        InPlaceReason::IsDevice => Some("it is a device"),
    }
}

/// One attempt over one lane.
struct InPlaceAttempt<'a> {
    transfer: FileTransfer<'a>,
    lane: Arc<Lane>,
}

impl InPlaceAttempt<'_> {
    async fn run(&self) -> Result<(), CopyError> {
        let FileTransfer { context, item, links, started, .. } = self.transfer;
        let _busy = self.lane.busy();
        let source = self.lane.source.open_source(&item.source, links).await?;
        let identity = identity_of(&source, self.transfer).await?;
        let seen = self.lane.destination.look(&item.target, Links::Keep).await?;
        let target = self.open(seen).await?;
        started.begin_at(0);
        started.reads(identity);
        let end = self.write(&source, &target).await?;
        started.ends_at(end);
        let unchanged = match context.tolerance.growing {
            true => source.still_has(self.transfer.size()).await,
            false => source.is_still(identity).await,
        };
        unchanged?;
        if context.care.fsync {
            target.flush().await?;
        }
        let set = self.set(&target, seen).await;
        target.close().await?;
        let is_device = seen.is_some_and(|seen| seen.kind() == FileKind::Device);
        if context.care.verify && !is_device {
            self.compare(&source, end).await?;
        }
        set
    }

    /// Opens the file that has the name, and cuts it to nothing; makes it if there is none.
    async fn open(&self, seen: Option<Attributes>) -> Result<OpenFile, CopyError> {
        let FileTransfer { item, version, .. } = self.transfer;
        let (side, target) = (&self.lane.destination, &item.target);
        let in_the_way = |what| Err(side.error(Stage::Transfer, target, Cause::InTheWay(what)));
        match seen {
            None => side.create(target, version.permissions.unwrap_or(MODE_UNTOLD) & MODE_MASK).await,
            Some(seen) if seen.kind() == FileKind::Device && item.folder.is_none() => {
                side.open_over(target, &seen).await
            }
            Some(seen) if matches!(seen.kind(), FileKind::File | FileKind::Unknown) => {
                let file = side.open_over(target, &seen).await?;
                let nothing = Attributes { size: Some(0), ..Attributes::default() };
                match file.set(nothing).await {
                    Ok(()) => Ok(file),
                    Err(error) if error.ends_the_run() => Err(error),
                    // a server that sets no sizes
                    Err(_) => {
                        file.let_go().await;
                        side.cut(target).await
                    }
                }
            }
            Some(seen) if seen.kind() == FileKind::Dir => in_the_way(InTheWay::Folder),
            Some(seen) if seen.kind() == FileKind::Symlink => {
                let cause = Cause::Unfit("a symbolic link has that name, and nothing is written in place through one");
                Err(side.error(Stage::Transfer, target, cause))
            }
            Some(_) => in_the_way(InTheWay::Special),
        }
    }

    /// Writes all of the source, and returns where it ends.
    async fn write(&self, source: &OpenFile, target: &OpenFile) -> Result<u64, CopyError> {
        let FileTransfer { context, started, .. } = self.transfer;
        let size = self.transfer.size();
        let limit = if context.tolerance.growing { size } else { context.tolerance.limit(size) };
        let block = source.max_read().min(target.max_write()).min(context.throttle.block());
        let mut at = 0;
        loop {
            let _memory = context.memory(TOGETHER * block).await;
            let offsets = (0..TOGETHER).map(|number| at + (number * block) as u64).filter(|offset| *offset < limit);
            let length = |offset: u64| block.min(usize::try_from(limit - offset).unwrap_or(block));
            let reads = offsets.map(|offset| source.read(offset, length(offset)));
            let pieces = join_in_order::all(reads).await.into_iter().collect::<Result<Vec<Bytes>, _>>()?;
            let begins = at;
            // what is behind a short piece was written after it had been read
            let is_whole = pieces.iter().filter(|piece| piece.len() == block).count() == TOGETHER;
            let last = pieces.iter().position(|piece| piece.len() < block).map_or(pieces.len(), |short| short + 1);
            let mut writes = Vec::with_capacity(last);
            for piece in pieces.into_iter().take(last).filter(|piece| !piece.is_empty()) {
                context.throttle.pass(piece.len()).await;
                let length = piece.len() as u64;
                writes.push(target.write(at, piece));
                at += length;
            }
            join_in_order::all(writes).await.into_iter().collect::<Result<(), _>>()?;
            started.moved(at - begins);
            if !is_whole {
                break;
            }
        }
        let surplus = context.tolerance.surplus;
        match !context.tolerance.growing && at >= limit && source.goes_on(at).await? {
            true => Err(self.lane.source.error(
                Stage::Transfer,
                source.place(),
                Cause::Endless { announced: size, surplus },
            )),
            false => Ok(at),
        }
    }

    /// Sets mode and times where they are asked for. A device keeps its own.
    async fn set(&self, target: &OpenFile, seen: Option<Attributes>) -> Result<(), CopyError> {
        let FileTransfer { context, version, .. } = self.transfer;
        if context.keep == Keep::Nothing || seen.is_some_and(|seen| seen.kind() == FileKind::Device) {
            return Ok(());
        }
        let permissions = version.permissions.map(|mode| mode & MODE_MASK);
        let wanted = Attributes { permissions, times: version.times, ..Attributes::default() };
        match target.set(wanted).await {
            Err(error) if !error.ends_the_run() => {
                let unset = Cause::Unset(Box::new(error.cause));
                Err(self.lane.destination.error(Stage::Land, target.place(), unset))
            }
            set => set,
        }
    }

    async fn compare(&self, source: &OpenFile, size: u64) -> Result<(), CopyError> {
        let FileTransfer { context, item, started, .. } = self.transfer;
        let checksum = FileChecksum::of(item.lanes.source(), &self.lane.source, source).await?;
        let sum = match context.tolerance.growing {
            true => checksum.read(0..size).await?,
            false => checksum.sum(0..size + 1).await?,
        };
        let told = care::compare(item, &self.lane.destination, &item.target, SourceContent { sum, size }).await?;
        context.ledger.hashed(started, &sum, &told);
        Ok(())
    }
}
