//! How does a small file go? [`carry`]: opened at both ends at once, read in one round trip, written, set and closed in
//! another, then renamed. The run keeps many of them in flight, so that the distance is paid once for all and not once a file.

use std::time::Instant;

use super::care;
use super::error::CopyError;
use super::freight::Freight;
use super::land::Landing;
use super::side::Identity;
use super::takeover;

/// Bytes up to which a file is small.
pub const SMALL: u64 = 256 * 1024;

/// What the smallest file counts in the run's memory: its requests and names.
const LEAST: usize = 16 * 1024;

/// Copies a file.
///
/// # Errors
/// As `Kind` tells; [`Cause::SourceChanged`](super::Cause::SourceChanged) when it is not that version any more.
pub async fn carry(freight: Freight<'_>) -> Result<(), CopyError> {
    let Freight { means, item, links, version, started } = freight;
    started.begin_at(0);
    let _memory = means.memory((freight.size() as usize).max(LEAST)).await;
    let lane = item.lanes.idlest();
    let _busy = lane.busy();
    let read = async { lane.source.open(&item.source, links).await?.read_whole(version).await };
    let began = Instant::now();
    let begin = async {
        // nobody goes on from it
        let version = lane.source.version_of(&Identity::from(version));
        Landing::begin(&lane.destination, freight, version).await
    };
    let (data, landing) = tokio::join!(read, begin);
    let (data, landing) = match (data, landing) {
        (Ok(data), Ok(landing)) => (data, landing),
        (Err(error), Ok(landing)) => {
            landing.discard().await;
            return Err(error);
        }
        (_, Err(error)) => return Err(error),
    };
    let written: u64 = data.iter().map(|piece| piece.len() as u64).sum();
    let sum = means.care.verify.then(|| care::sum_of(&data));
    means.throttle.pass(written as usize).await;
    landing.write_whole(data).await?;
    started.moved(written);
    landing.check(freight, sum.map(|sum| (sum, written))).await?;
    landing.land(means).await?;
    takeover::clear_soon(&lane.destination, item, means, began).await;
    Ok(())
}
