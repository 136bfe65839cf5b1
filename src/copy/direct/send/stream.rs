//! How does a large file go directly? [`send_large`]: into a part that hop's own session has made, in shares over the one login;
//! then the part is measured, gets mode and times, and lands as any other. The source must be the same version at the end
//! as at the beginning.
//!
//! A share alone is written from its beginning to its end, and may be long. Several at once stay within the band
//! ([`Window`]), so that a part that was cut off can be trusted up to it, and what is above is told from holes by hash.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::task::JoinSet;

use super::announced;
use super::chunk_sizer::{BAND_SHARE, Manner};
use super::orders::Orders;
use super::part_poll::PartPoll;
use crate::copy::direct::engine::STREAMS;
use crate::copy::direct::remote::login::Login;
use crate::copy::direct::remote::script::{self, BLOCK, Share};
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

/// Copies a file, going on from what is there of it.
///
/// # Errors
/// As `Kind` tells; [`Cause::SourceChanged`] when it is not that version any more.
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

/// Why it has not `arrived`: a source at rest that ends before its announced size has not changed.
///
/// # Errors
/// When it has not arrived, or the session is lost.
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

/// All of it is there, and the source still is what it was: the part gets what it needs to land. Shares are read by name,
/// so what is named so now must be what was opened, too.
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

/// Sends what is missing, over as many streams as the rest bears.
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

/// One file on its way.
struct ShareFlow {
    /// Of the source and the part, absolute.
    paths: (Vec<u8>, Vec<u8>),
    part: Place,
    block_queue: BlockQueue,
    /// Shares that are out.
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

    /// The next share: a long one alone, or several that divide the band.
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
