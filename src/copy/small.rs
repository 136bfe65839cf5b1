//! How does a small file go? [`carry`]: read in one round trip after its open, written, set and closed in another, then
//! renamed. The run keeps many of them in flight, so that the distance is paid once for all and not once a file.

use super::error::CopyError;
use super::item::Item;
use super::land::Landing;
use super::ledger::Started;
use super::run::Means;
use super::side::Links;
use crate::sftp::Attributes;

/// Bytes up to which a file is small.
pub const SMALL: u64 = 256 * 1024;

/// Copies this `version` of a file.
///
/// # Errors
/// As `Kind` tells; [`Cause::SourceChanged`](super::Cause::SourceChanged) when it is not that version any more.
pub async fn carry(
    means: &Means,
    (item, links): (&Item, Links),
    version: &Attributes,
    started: &Started,
) -> Result<(), CopyError> {
    let _memory = means.memory(SMALL as usize).await;
    let lane = item.lanes.idlest();
    let _busy = lane.busy();
    let data = lane.source.open(&item.source, links).await?.read_whole(version).await?;
    let written = data.iter().map(|piece| piece.len() as u64).sum();
    let (landing, part) = Landing::begin(&lane.destination, item, version, means.keep).await?;
    let wanted = landing.attributes(written);
    part.write_whole(data, wanted).await.map_err(|error| landing.left_behind(error))?;
    started.moved(written);
    landing.land().await
}
