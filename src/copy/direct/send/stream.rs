//! How does a large file go directly? [`send_large`] sends it in shares, over the one login, into a part file that
//! hop's own session has made. The part file is then measured, gets its mode and times, and lands as any other. The
//! source must be the same version at the end as at the beginning.
//!
//! A share that goes alone is written from beginning to end, and may be long. Several at once stay within the band
//! ([`Window`]): a part file that was cut off can be trusted up to the band, and above it SHA-256 tells what has
//! arrived from holes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::task::JoinSet;

use super::announced;
use super::chunk_sizer::{BAND_SHARE, Manner};
use super::orders::Orders;
use super::part_poll::PartPoll;
use crate::copy::direct::remote::login::Login;
use crate::copy::direct::remote::script::{self, BLOCK, Share};
use crate::copy::direct::transport::STREAMS;
use crate::copy::ends::identity::FileIdentity;
use crate::copy::error::{Cause, CopyError};
use crate::copy::land::care::SourceContent;
use crate::copy::place::Place;
use crate::copy::task::file_transfer::FileTransfer;
use crate::copy::task::item::Item;
use crate::copy::task::ledger::FileProgress;
use crate::copy::task::so_far::SoFar;
use crate::copy::transfer::block_queue::BlockQueue;
use crate::copy::transfer::open_pair::OpenPair;
use crate::copy::transfer::resume::{Acknowledged, Granularity};
use crate::progress::Stage;
use crate::sftp::{Block, Sizes, Window};

/// Copies a file, going on from what its part file already has.
///
/// # Errors
/// See `Kind`. [`Cause::SourceChanged`] when the source is no longer the version that was listed.
pub async fn send_large(orders: &Arc<Orders>, transfer: FileTransfer<'_>, so_far: &mut SoFar) -> Result<(), CopyError> {
    let _turn = transfer.context.turn(transfer.size()).await;
    let (pair, ()) = tokio::join!(OpenPair::open(transfer, so_far), orders.look_up_homes(transfer.item));
    let mut pair = pair?;
    let arrived = async {
        let sizes = Sizes { block: BAND_SHARE as usize, in_flight: u64::MAX, ..Sizes::default() };
        let granularity = Granularity { sizes, block: BLOCK as usize, acknowledged: Acknowledged::ShareByShare };
        let window = pair.missing(transfer, granularity, so_far).await?;
        transfer.started.begin_at(window.arrived());
        let window = Arc::new(Mutex::new(window));
        so_far.keep(&window);
        send(orders, transfer, &pair, window).await?;
        finish(&pair, transfer).await?;
        let sum = pair.source_sum(transfer).await?;
        pair.landing.check(transfer, sum.map(|sum| SourceContent { sum, size: pair.size() })).await
    };
    let arrived = arrived.await;
    let arrived = judged(transfer, &pair, arrived).await;
    pair.end(transfer, arrived).await
}

/// Judges why a file has not `arrived`: a source that is not being changed, but ends before its announced size, has
/// announced a wrong size.
///
/// # Errors
/// Why the file has not arrived; when the session is lost.
pub async fn judged(
    transfer: FileTransfer<'_>,
    pair: &OpenPair,
    arrived: Result<(), CopyError>,
) -> Result<(), CopyError> {
    match arrived {
        Err(error) if error.is_source_changed() && announced::is_misstated(transfer, pair.open_source()).await? => {
            Err(announced::misstated(transfer, &pair.lane.source))
        }
        arrived => arrived,
    }
}

/// Checks that the source is still what it was, and gives the complete part file what it needs to land. Shares are read
/// by the file's name, so the name must still belong to the file that was opened.
pub async fn finish(pair: &OpenPair, transfer: FileTransfer<'_>) -> Result<(), CopyError> {
    let named = pair.lane.source.stat(&transfer.item.source, transfer.links);
    let part = pair.landing.part_file().file().identity();
    let behind = pair.source.goes_on(pair.size());
    let (same, behind, named, part, closed) =
        tokio::join!(biased; pair.is_unchanged(transfer), behind, named, part, pair.landing.close(pair.size()));
    same?;
    if behind? {
        // `judged` says whether it grows or announces a wrong size
        return Err(pair.source.changed());
    }
    if FileIdentity::from(&named?) != pair.identity || part?.1.size < pair.size() {
        return Err(pair.source.changed());
    }
    closed
}

/// Sends the missing bytes, over as many streams as they need.
async fn send(
    orders: &Arc<Orders>,
    transfer: FileTransfer<'_>,
    pair: &OpenPair,
    window: Arc<Mutex<Window>>,
) -> Result<(), CopyError> {
    let item = transfer.item;
    let flow = Arc::new(ShareFlow {
        paths: tokio::try_join!(
            orders.absolute_source(item),
            orders.absolute_target(item, pair.landing.part_file().place())
        )?,
        part: pair.landing.part_file().place().clone(),
        block_queue: BlockQueue::new(window),
        streams: AtomicUsize::new(0),
        item: item.clone(),
        orders: Arc::clone(orders),
        started: Arc::clone(transfer.started),
    });
    let most = usize::try_from(pair.size().div_ceil(BAND_SHARE)).unwrap_or(usize::MAX);
    let mut workers = JoinSet::new();
    for _ in 0..most.min(STREAMS) {
        workers.spawn(Arc::clone(&flow).work());
    }
    while let Some(ended) = workers.join_next().await {
        ended.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))?;
    }
    Ok(())
}

/// One file under way.
struct ShareFlow {
    /// Absolute paths of the source and of the part file.
    paths: (Vec<u8>, Vec<u8>),
    part: Place,
    block_queue: BlockQueue,
    /// Shares under way.
    streams: AtomicUsize,
    item: Item,
    orders: Arc<Orders>,
    started: Arc<FileProgress>,
}

impl ShareFlow {
    async fn work(self: Arc<Self>) -> Result<(), CopyError> {
        while let Some((block, manner)) = self.next().await {
            self.streams.fetch_add(1, Ordering::Relaxed);
            let sent = self.send(&block, manner).await;
            self.streams.fetch_sub(1, Ordering::Relaxed);
            match sent {
                // its bytes were told as they arrived
                Ok(()) => drop(self.block_queue.acknowledge(block)),
                Err(error) => {
                    self.block_queue.give_back(block);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// The next share: a long one that goes alone, or one of several that divide the band.
    async fn next(&self) -> Option<(Block, Manner)> {
        let manner = Mutex::new(Manner::Alone);
        let block = self.block_queue.next(|window| {
            let chosen = self.orders.chunk_sizer.manner(self.orders.idle());
            *manner.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = chosen;
            match chosen {
                Manner::Alone => window.take_alone(self.orders.chunk_sizer.alone()),
                Manner::Together => window.take(self.orders.chunk_sizer.together() as usize),
            }
        });
        let block = block.await?;
        Some((block, manner.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)))
    }

    async fn send(&self, block: &Block, manner: Manner) -> Result<(), CopyError> {
        let share = Share { offset: block.offset(), length: block.len() as u64 };
        let began = Instant::now();
        let order = |login: &Login, number| script::share(&login.far, number, &self.paths.0, &self.paths.1, share);
        let told = (manner == Manner::Alone).then_some(&*self.started);
        let part_poll = PartPoll::of(&self.item, &self.part, share.offset, share.length);
        let answer = self.orders.order_and_watch(&self.item, order, part_poll.watch(&self.orders, told)).await?;
        if answer.status != 0 {
            return Err(self.orders.failed(&self.item, &answer));
        }
        if answer.records != share.records() {
            let (source, place) = (&self.item.lanes.idlest().source, &self.item.source);
            return Err(source.error(Stage::Transfer, place, Cause::SourceChanged));
        }
        self.orders.chunk_sizer.learn(share.length, began.elapsed(), self.streams.load(Ordering::Relaxed));
        part_poll.tell_all(&self.started);
        Ok(())
    }
}
