//! How does a file go into a device of this machine? By [`write()`]: `/dev/null`, `/dev/stdout` that is a pipe, a FIFO or
//! a disk takes the bytes in their order, and there is nothing to rename. So there is no part, nothing to go on from, and
//! what was written before a failure is there.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use rustix::fs::OFlags;

use super::ends::blocking::blocking;
use super::ends::file::OpenFile;
use super::ends::join_in_order;
use super::error::{Cause, CopyError};
use super::place::Links;
use super::task::item::{Item, What};
use super::task::ledger::FileProgress;
use super::task::planned_copy::PlannedCopy;
use super::task::run_context::RunContext;
use crate::progress::Stage;
use crate::sftp::FileKind;

/// Blocks that are read at once, while those before them are written.
const BLOCKS: usize = 16;

/// Writes the planned file into the device that is its target. Its failure is in the ledger.
///
/// # Errors
/// What ends the run: a lost session, or a peer that broke the protocol.
pub async fn write(context: &RunContext, planned: PlannedCopy) -> Result<(), CopyError> {
    let PlannedCopy { source, attributes, target, lanes, .. } = planned;
    let item = Item { source, target, attributes, lanes, folder: None, what: What::File(Links::Follow) };
    context.ledger.found(&item);
    context.ledger.walked();
    let started = context.ledger.started(&item);
    match write_all(context, &item, &started).await {
        Ok(()) => context.ledger.done(&item, &started),
        Err(error) if error.ends_the_run() => return Err(error),
        Err(error) => context.ledger.failed(&item.source, Some(&started), error),
    }
    Ok(())
}

async fn write_all(context: &RunContext, item: &Item, started: &FileProgress) -> Result<(), CopyError> {
    let lane = item.lanes.idlest();
    let refused = |cause| Err(lane.source.error(Stage::List, &item.source, cause));
    if !matches!(item.attributes.kind(), FileKind::File | FileKind::Unknown) {
        return refused(Cause::Unfit("not a regular file"));
    }
    if context.care.verify || context.care.fsync {
        let why = "what a device has taken is neither compared nor flushed: leave out --verify and --fsync";
        return Err(CopyError::new(None, Stage::List, item.target.path(), Cause::Refused(why)));
    }
    let source = lane.source.open_source(&item.source, Links::Follow).await?;
    let moved = move_all(context, item, started, &source).await;
    source.let_go().await;
    match moved? {
        Moved::All => Ok(()),
        Moved::TooMuch { announced } => refused(Cause::Endless { announced, surplus: context.tolerance.surplus }),
    }
}

/// How much of a source went into the device.
enum Moved {
    All,
    /// More than a file that announces this size may have.
    TooMuch {
        announced: u64,
    },
}

async fn move_all(
    context: &RunContext,
    item: &Item,
    started: &FileProgress,
    source: &OpenFile,
) -> Result<Moved, CopyError> {
    let (version, began) = source.identity().await?;
    let device = blocking(Stage::Transfer, &item.target, |place| {
        let path = place.path();
        let mut options = OpenOptions::new();
        options.write(true).truncate(true).custom_flags(OFlags::NOCTTY.bits().cast_signed());
        options.open(Path::new(std::ffi::OsStr::from_bytes(&path)))
    });
    let device = Arc::new(device.await?);
    let size = version.size.unwrap_or(0);
    let (mut offset, mut read) = (0, blocks(context, source, 0).await?);
    while !read.is_empty() {
        let bytes: u64 = read.iter().map(|block| block.len() as u64).sum();
        offset += bytes;
        if offset > context.tolerance.limit(size) {
            return Ok(Moved::TooMuch { announced: size });
        }
        let writing = put(context, item, &device, read);
        let (written, next) = tokio::join!(writing, blocks(context, source, offset));
        written?;
        started.moved(bytes);
        read = next?;
    }
    started.ends_at(offset);
    match context.tolerance.growing {
        true => source.still_has(offset).await?,
        false => source.is_still(began).await?,
    }
    Ok(Moved::All)
}

/// The next blocks from `offset` on; none where the file ends.
async fn blocks(context: &RunContext, source: &OpenFile, offset: u64) -> Result<Vec<Bytes>, CopyError> {
    let length = source.max_read().min(context.throttle.block());
    let reads = (0..BLOCKS).map(|index| source.read(offset + (index * length) as u64, length));
    let mut blocks = Vec::with_capacity(BLOCKS);
    for block in join_in_order::all(reads).await {
        let block = block?;
        let is_last = block.len() < length;
        if !block.is_empty() {
            blocks.push(block);
        }
        if is_last {
            break;
        }
    }
    Ok(blocks)
}

async fn put(context: &RunContext, item: &Item, device: &Arc<File>, blocks: Vec<Bytes>) -> Result<(), CopyError> {
    context.throttle.pass(blocks.iter().map(Bytes::len).sum()).await;
    let device = Arc::clone(device);
    let write = move |_: &_| blocks.iter().try_for_each(|block| (&*device).write_all(block));
    blocking(Stage::Transfer, &item.target, write).await
}
