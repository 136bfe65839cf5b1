//! How does a small file go? [`copy_small`] opens it at both ends at once, reads it in one round trip, writes it, sets
//! its attributes and closes it in another, then renames it. The run keeps many small files in flight, so that the
//! round trips are paid for all of them together.

use std::time::Instant;

use bytes::Bytes;

use super::source_end::{OpenSource, Reached, TrueEnd, judge};
use crate::copy::ends::buffers::UNTOLD_MAX;
use crate::copy::ends::file::{OpenFile, Whole};
use crate::copy::ends::file_checksum::FileChecksum;
use crate::copy::ends::identity::{FileIdentity, same_version};
use crate::copy::ends::lanes::Lane;
use crate::copy::ends::remote_sha256::Sum;
use crate::copy::error::CopyError;
use crate::copy::land::care::{self, SourceContent};
use crate::copy::land::landing::Landing;
use crate::copy::land::takeover;
use crate::copy::task::file_transfer::FileTransfer;
use crate::copy::task::so_far::SoFar;

/// Most bytes of a small file.
pub const SMALL: u64 = 256 * 1024;

/// Bytes that even the smallest file counts in the run's memory, for its requests and names.
const LEAST: usize = 16 * 1024;

/// What came of a file that announces few bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Small {
    /// The file is at the destination under its name.
    Landed,
    /// The file has more bytes than it announces, too many to hold in memory. Nothing was written.
    IsNot,
}

/// A file's bytes, and its SHA-256 where both ends are to be compared.
type Content = (Vec<Bytes>, Option<Sum>);

/// Copies a file.
///
/// # Errors
/// See `Kind`. [`Cause::SourceChanged`](crate::copy::Cause::SourceChanged) when the source is no longer the version
/// that was listed.
pub async fn copy_small(transfer: FileTransfer<'_>, so_far: &SoFar) -> Result<Small, CopyError> {
    let FileTransfer { context, item, version, started, .. } = transfer;
    started.begin_at(0);
    let room = if transfer.size() == 0 { UNTOLD_MAX } else { transfer.size() as usize };
    let _memory = context.memory(room.max(LEAST)).await;
    let lane = item.lanes.idlest();
    let _busy = lane.busy();
    let began = Instant::now();
    let begin = async {
        // nobody goes on from it
        let version = lane.source.version_of(&FileIdentity::from(version));
        Landing::begin(&lane.destination, transfer, version, so_far).await
    };
    let (read, landing) = tokio::join!(read(transfer, &lane), begin);
    let ((data, sum), landing) = match (read, landing) {
        (Ok(Some(read)), Ok(landing)) => (read, landing),
        (Ok(None), Ok(landing)) => {
            landing.discard().await;
            return Ok(Small::IsNot);
        }
        (Err(error), Ok(landing)) => {
            landing.discard().await;
            return Err(error);
        }
        (_, Err(error)) => return Err(error),
    };
    let written: u64 = data.iter().map(|piece| piece.len() as u64).sum();
    started.ends_at(written);
    context.throttle.pass(written as usize).await;
    landing.write_whole(data).await?;
    started.moved(written);
    landing.check(transfer, sum.map(|sum| SourceContent { sum, size: written })).await?;
    landing.land(context).await?;
    takeover::clear_soon(&lane.destination, item, context, began).await;
    Ok(Small::Landed)
}

/// Reads all of the source; `None` when it has too many bytes.
async fn read(transfer: FileTransfer<'_>, lane: &Lane) -> Result<Option<Content>, CopyError> {
    let (source, whole, told) = match transfer.context.care.verify {
        false => {
            let (source, whole) =
                lane.source.open_and_read(&transfer.item.source, transfer.links, transfer.version).await?;
            (source, whole, None)
        }
        true => {
            let source = lane.source.open_source(&transfer.item.source, transfer.links).await?;
            let read = source.read_whole(transfer.version);
            let (whole, told) = tokio::join!(biased; read, told_sum(transfer, lane, &source));
            (source, whole?, told?)
        }
    };
    transfer.started.reads(whole.began);
    let Some(data) = all_of(transfer, lane, &source, whole).await? else { return Ok(None) };
    if told.is_some() && !same_version(&source.identity().await?.0, transfer.version) {
        // they may have read it later
        return Err(source.changed());
    }
    let sum = match (transfer.context.care.verify, told) {
        (false, _) => None,
        (true, Some(told)) => Some(told),
        (true, None) => Some(care::sum_of(&data)),
    };
    Ok(Some((data, sum)))
}

/// The SHA-256 that the source host's own tools give, whatever was read; `None` where there are none.
async fn told_sum(transfer: FileTransfer<'_>, lane: &Lane, source: &OpenFile) -> Result<Option<Sum>, CopyError> {
    let context = transfer.context;
    // what a file that grows had when it was found, they cannot say
    if context.tolerance.growing {
        return Ok(None);
    }
    let checksum = FileChecksum::of(transfer.item.lanes.source(), &lane.source, source).await?;
    checksum.told(0..context.tolerance.limit(transfer.size())).await
}

/// All bytes of the source, of which `whole` was read.
async fn all_of(
    transfer: FileTransfer<'_>,
    lane: &Lane,
    source: &OpenFile,
    mut whole: Whole,
) -> Result<Option<Vec<Bytes>>, CopyError> {
    let Some(reached) = Reached::of(&whole, transfer.size()) else { return Err(source.changed()) };
    if reached == Reached::Announced && whole.is_same {
        return Ok(Some(whole.pieces));
    }
    let opened = OpenSource { side: &lane.source, file: source, began: whole.began };
    match judge(transfer, opened, reached).await? {
        TrueEnd::At(end) => whole.cut(end),
        TrueEnd::Further if whole.goes_on => return Ok(None),
        TrueEnd::Further => {}
    }
    Ok(Some(whole.pieces))
}
