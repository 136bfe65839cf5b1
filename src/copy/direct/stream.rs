//! How does a large file go directly? [`carry`]: into a part that hop's own session has made, in shares, several streams
//! over the source's one login; then the part is measured, gets mode and times, and lands as any other. The source must
//! be the same version at the end as at the beginning.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::task::JoinSet;

use super::super::error::{Cause, CopyError};
use super::super::file::OpenFile;
use super::super::item::Item;
use super::super::land::Landing;
use super::super::ledger::Started;
use super::super::run::Means;
use super::super::side::{Identity, Links, same_version};
use super::super::witness::Witness;
use super::script::{self, BLOCK, Share};
use super::{Direct, STREAMS};
use crate::progress::Stage;
use crate::sftp::Attributes;
use std::sync::Arc;

/// Bytes of a file for each stream that works on it.
const A_STREAM: u64 = 16 << 20;

/// Copies this `version` of a file.
///
/// # Errors
/// As `Kind` tells; [`Cause::SourceChanged`] when it is not that version any more.
pub async fn carry(
    (means, direct): (&Means, &Arc<Direct>),
    (item, links): (&Item, Links),
    version: &Attributes,
    started: &Arc<Started>,
) -> Result<(), CopyError> {
    let _turn = means.turn(version.size.unwrap_or(0)).await;
    let lane = item.lanes.idlest();
    let _busy = lane.busy();
    let source = lane.source.open(&item.source, links).await?;
    let (identity, landing) =
        tokio::join!(identity_of(&source, version), Landing::begin(&lane.destination, item, version, means.keep));
    let landing = landing?;
    let identity = match identity {
        Ok(identity) => identity,
        Err(error) => {
            landing.withdraw().await;
            return Err(error);
        }
    };
    let moved = async {
        send(direct, item, (&landing, identity.size), started).await?;
        let named = lane.source.stat(&item.source, links);
        finish((&source, identity), named, &landing).await?;
        let size = identity.size;
        let sum = match means.care.verify {
            true => Some(Witness::of(item.lanes.source(), &lane.source, &source).await?.sum(0..size).await?),
            false => None,
        };
        landing.check(means, (item, started), sum.map(|sum| (sum, size))).await
    };
    match moved.await {
        Ok(()) => landing.land(means).await,
        Err(error) if error.is_worthless() => {
            landing.discard().await;
            Err(error)
        }
        Err(error) => Err(landing.left_behind(error)),
    }
}

async fn identity_of(source: &OpenFile, version: &Attributes) -> Result<Identity, CopyError> {
    let (told, identity) = source.identity().await?;
    if same_version(&told, version) { Ok(identity) } else { Err(source.changed()) }
}

/// All of it is there, and the source still is what it was: the part gets what it needs to land. Shares are read by name,
/// so what is `named` now must be what was opened, too.
async fn finish(
    (source, identity): (&OpenFile, Identity),
    named: impl Future<Output = Result<Attributes, CopyError>>,
    landing: &Landing,
) -> Result<(), CopyError> {
    let (now, named, part) = tokio::join!(source.identity(), named, landing.file().identity());
    if now?.1 != identity || Identity::from(&named?) != identity || part?.1.size < identity.size {
        return Err(source.changed());
    }
    landing.close(identity.size).await
}

/// Sends every share. The first goes alone, to show the pace; then as many streams as the rest bears.
async fn send(
    direct: &Arc<Direct>,
    item: &Item,
    (landing, size): (&Landing, u64),
    started: &Arc<Started>,
) -> Result<(), CopyError> {
    let flow = Arc::new(Flow {
        source: direct.absolute_source(item).await?,
        part: direct.absolute_target(item, landing.part()).await?,
        size,
        next: AtomicU64::new(0),
        item: item.clone(),
        direct: Arc::clone(direct),
        started: Arc::clone(started),
    });
    let Some(first) = flow.take(1) else { return Ok(()) };
    flow.send(first).await?;
    let streams = ((size - first.length).div_ceil(A_STREAM) as usize).min(STREAMS);
    let mut workers = JoinSet::new();
    for _ in 0..streams {
        workers.spawn(Arc::clone(&flow).work(streams as u64));
    }
    while let Some(ended) = workers.join_next().await {
        ended.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))?;
    }
    Ok(())
}

/// One file on its way.
struct Flow {
    source: Vec<u8>,
    part: Vec<u8>,
    size: u64,
    /// Where the next share begins.
    next: AtomicU64,
    item: Item,
    direct: Arc<Direct>,
    started: Arc<Started>,
}

impl Flow {
    async fn work(self: Arc<Self>, streams: u64) -> Result<(), CopyError> {
        while let Some(share) = self.take(streams) {
            self.send(share).await?;
        }
        Ok(())
    }

    /// The next share, such that `streams` of them have a part in what is left; `None` at the end.
    fn take(&self, streams: u64) -> Option<Share> {
        let mut taken = None;
        let take = |offset: u64| {
            let left = self.size.checked_sub(offset).filter(|left| *left > 0)?;
            let fair = left.div_ceil(streams).max(A_STREAM.min(left));
            let length = self.direct.pace.order().min(fair).next_multiple_of(BLOCK).min(left);
            taken = Some(Share { offset, length });
            Some(offset + length)
        };
        self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        taken
    }

    async fn send(&self, share: Share) -> Result<(), CopyError> {
        let began = Instant::now();
        let order = |number| script::share(&self.direct.far, number, (&self.source, &self.part), share);
        let answer = self.direct.order(&self.item, order).await?;
        if answer.status != 0 {
            return Err(self.direct.failed(&self.item, &answer));
        }
        if answer.records != share.records() {
            let (source, place) = (&self.item.lanes.idlest().source, &self.item.source);
            return Err(source.error(Stage::Transfer, place, Cause::SourceChanged));
        }
        self.direct.pace.learn(share.length, began.elapsed());
        self.started.moved(share.length);
        Ok(())
    }
}
