//! How does a large file go? [`copy_large`] sends it in blocks, many in flight, over every lane there is. Each block is
//! read at one end of a lane and written at the other. The window ([`Window`]) says which block is next, so that a part
//! file that was cut off can be trusted up to the window's band. The source must be the same version at the end as at
//! the beginning, on every lane.
//!
//! With the last block goes a READ behind it: a source ends where that finds nothing, or where a block comes back short
//! ([`source_end`](super::source_end)). What the source has beyond its announced size is read over the lane that the
//! file began on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::block_queue::BlockQueue;
use super::in_flight::{Distance, InFlight};
use super::open_pair::{Ends, OpenPair};
use super::order::{WriteTurn, Writing};
use super::resume::{Acknowledged, Granularity};
use super::source_end::{Reached, TrueEnd, endless, judge};
use crate::copy::ends::lanes::Lane;
use crate::copy::error::CopyError;
use crate::copy::land::care::SourceContent;
use crate::copy::place::Links;
use crate::copy::task::file_transfer::FileTransfer;
use crate::copy::task::ledger::FileProgress;
use crate::copy::task::run_context::RunContext;
use crate::copy::task::so_far::SoFar;
use crate::sftp::{Block, Sizes, Window};

/// Most bytes in flight on one lane, if it moves them in time ([`InFlight`]).
const LANE_BYTES: usize = 8 << 20;

/// Most blocks in flight on one lane, for servers that only take short ones.
const LANE_BLOCKS: usize = 128;

/// Bytes of a file for each lane that works on it.
const SHARE: u64 = 8 << 20;

/// What the tasks of one file share.
struct Flow {
    block_queue: BlockQueue,
    distance: Arc<Distance>,
    /// Lanes that have begun to work on the file.
    lanes: AtomicUsize,
    /// Whether the source has data beyond its announced size, once that was looked at.
    goes_on: OnceLock<bool>,
    writing: Writing,
    context: Arc<RunContext>,
    started: Arc<FileProgress>,
}

/// Copies a file, going on from what its part file already has.
///
/// # Errors
/// See `Kind`. [`Cause::SourceChanged`](crate::copy::Cause::SourceChanged) when the source is no longer the version
/// that was listed.
pub async fn copy_large(transfer: FileTransfer<'_>, so_far: &mut SoFar) -> Result<(), CopyError> {
    let mut pair = OpenPair::open(transfer, so_far).await?;
    let arrived = async {
        let (window, writing) = begin(transfer, &mut pair, so_far).await?;
        let ends = Arc::new(Ends::of(&pair));
        let moved = async {
            let reached = move_blocks(transfer, window, writing, &ends, &pair.lane).await?;
            to_its_end(transfer, &pair, &ends, reached).await
        };
        let (size, sum) = match pair.size() {
            // it is made up as it is read, and read by one at a time
            0 => (moved.await?, pair.source_sum(transfer).await?),
            // summed beside the copying
            _ => tokio::try_join!(moved, pair.source_sum(transfer))?,
        };
        finish(transfer, &pair, size).await?;
        pair.landing.check(transfer, sum.map(|sum| SourceContent { sum, size })).await
    };
    let arrived = arrived.await;
    pair.end(transfer, arrived).await
}

/// A window over what is missing, kept for another attempt, and how it is written.
async fn begin(
    transfer: FileTransfer<'_>,
    pair: &mut OpenPair,
    so_far: &mut SoFar,
) -> Result<(Arc<Mutex<Window>>, Writing), CopyError> {
    let sizes = Sizes { in_flight: Sizes::default().band, ..Sizes::default() };
    let block = Ends::of(pair).block().min(transfer.context.throttle.block());
    let granularity = Granularity { sizes, block, acknowledged: Acknowledged::BlockByBlock };
    let missing = pair.missing(transfer, granularity, so_far).await?;
    let (window, writing) = pair.writing(transfer, missing, block, so_far).await?;
    transfer.started.begin_at(window.arrived());
    let window = Arc::new(Mutex::new(window));
    so_far.keep(&window);
    Ok((window, writing))
}

/// Moves every announced block, over the lane the file begins on and those that join it. Returns where the source ends.
async fn move_blocks(
    transfer: FileTransfer<'_>,
    window: Arc<Mutex<Window>>,
    writing: Writing,
    first: &Arc<Ends>,
    began_on: &Arc<Lane>,
) -> Result<Reached, CopyError> {
    let FileTransfer { item, .. } = transfer;
    let flow = Arc::new(Flow {
        block_queue: BlockQueue::new(window),
        distance: Arc::default(),
        lanes: AtomicUsize::new(0),
        goes_on: OnceLock::new(),
        writing,
        context: Arc::clone(transfer.context),
        started: Arc::clone(transfer.started),
    });
    let mut lanes = item.lanes.watch();
    let mut tasks = JoinSet::new();
    let mut lost = None;
    let mut joined = vec![began_on.number];
    let number = began_on.number;
    let (work, ends) = (Arc::clone(&flow), Arc::clone(first));
    tasks.spawn(async move { (number, work.work(ends).await) });
    let most = match flow.writing.is_in_order() {
        true => 1,
        false => usize::try_from(first.size.div_ceil(SHARE)).unwrap_or(usize::MAX),
    };
    loop {
        item.lanes.grow();
        let open = lanes.borrow_and_update().clone();
        for lane in open {
            if joined.len() < most && !joined.contains(&lane.number) && !lane.is_lost() {
                joined.push(lane.number);
                let (flow, first, links) = (Arc::clone(&flow), Arc::clone(first), transfer.links);
                tasks.spawn(async move { (lane.number, join(flow, first, lane, links).await) });
            }
        }
        tokio::select! {
            ended = tasks.join_next() => match ended {
                None if flow.block_queue.window().is_complete() => return flow.reached(first).await,
                None => return Err(lost.unwrap_or_else(|| first.source.changed())),
                // the other lanes go on with what it gave back
                Some(Ok((number, Err(error)))) if error.is_lost() && !tasks.is_empty() => {
                    item.lanes.leave_out_the_lost();
                    joined.retain(|lane| *lane != number);
                    lost = Some(error);
                }
                Some(Ok((_, worked))) => worked?,
                Some(Err(panicked)) => std::panic::resume_unwind(panicked.into_panic()),
            },
            Ok(()) = lanes.changed() => {}
        }
    }
}

/// Lets one more lane work on the file, if it can be opened there.
async fn join(flow: Arc<Flow>, first: Arc<Ends>, lane: Arc<Lane>, links: Links) -> Result<(), CopyError> {
    let _busy = lane.busy();
    let growing = flow.context.tolerance.growing;
    let ends = match first.also(&lane, links).await {
        Ok(ends) => Arc::new(ends),
        // the other lanes do its work
        Err(error) if !error.ends_the_run() && (growing || !error.is_source_changed()) => return Ok(()),
        Err(error) => return Err(error),
    };
    flow.work(Arc::clone(&ends)).await?;
    match growing {
        true => ends.source.still_has(ends.size).await?,
        false => ends.source.is_still(ends.identity).await?,
    }
    ends.part.close().await
}

/// Moves what is left once the announced bytes have arrived. Returns how many bytes the source really has.
async fn to_its_end(
    transfer: FileTransfer<'_>,
    pair: &OpenPair,
    ends: &Ends,
    reached: Reached,
) -> Result<u64, CopyError> {
    if reached == Reached::Announced {
        return Ok(ends.size);
    }
    let end = match judge(transfer, pair.open_source(), reached).await? {
        TrueEnd::At(end) => end,
        TrueEnd::Further => read_on(transfer, pair, ends).await?,
    };
    transfer.started.ends_at(end);
    Ok(end)
}

/// Moves what the source has beyond its announced size, one block after the other, as OpenSSH does: some systems make
/// such a file up from its beginning for every read that is out of order. Returns where the source ends.
async fn read_on(transfer: FileTransfer<'_>, pair: &OpenPair, ends: &Ends) -> Result<u64, CopyError> {
    let FileTransfer { context, started, .. } = transfer;
    let limit = context.tolerance.limit(ends.size);
    let mut at = ends.size;
    loop {
        let block = ends.block().min(context.throttle.block());
        let _memory = context.memory(block).await;
        context.throttle.pass(block).await;
        let data = ends.source.read(at, block).await?;
        let got = data.len();
        if got > 0 {
            ends.part.write(at, data).await?;
            started.moved(got as u64);
            at += got as u64;
        }
        if at > limit {
            return Err(endless(transfer, &pair.lane.source));
        }
        if got < block {
            return Ok(at);
        }
    }
}

/// Gives the complete part file, of `size` bytes, what it needs to land.
async fn finish(transfer: FileTransfer<'_>, pair: &OpenPair, size: u64) -> Result<(), CopyError> {
    let (same, closed) = tokio::join!(pair.is_unchanged(transfer), pair.landing.close(size));
    same.and(closed)
}

impl Flow {
    /// Where the source ends, once all that it announced has arrived. If an earlier attempt moved the last block,
    /// nobody has looked behind it yet.
    async fn reached(&self, ends: &Ends) -> Result<Reached, CopyError> {
        let end = self.block_queue.window().end();
        if end < ends.size {
            return Ok(Reached::Early(end));
        }
        let goes_on = match self.goes_on.get() {
            Some(goes_on) => *goes_on,
            None => ends.source.goes_on(ends.size).await?,
        };
        Ok(if goes_on { Reached::Beyond } else { Reached::Announced })
    }

    /// Keeps as many blocks in flight on one lane as it can move in time, until none is left.
    async fn work(self: Arc<Self>, ends: Arc<Ends>) -> Result<(), CopyError> {
        let blocks = usize::try_from(ends.size.div_ceil(ends.block() as u64)).unwrap_or(usize::MAX);
        self.lanes.fetch_add(1, Ordering::Relaxed);
        let most = (LANE_BYTES / ends.block()).clamp(1, LANE_BLOCKS).min(blocks);
        let in_flight = Arc::new(InFlight::new(most, Arc::clone(&self.distance)));
        let mut workers = JoinSet::new();
        for _ in 0..most {
            workers.spawn(Arc::clone(&self).copy_blocks(Arc::clone(&ends), Arc::clone(&in_flight)));
        }
        let mut lost = None;
        while let Some(ended) = workers.join_next().await {
            match ended.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic())) {
                // the others on this lane fail likewise, and give back their blocks
                Err(error) if error.is_lost() => lost = Some(error),
                ended => ended?,
            }
        }
        lost.map_or(Ok(()), Err)
    }

    /// Moves one block after the other. A block that did not arrive because the session was lost goes back to the
    /// window.
    async fn copy_blocks(self: Arc<Self>, ends: Arc<Ends>, in_flight: Arc<InFlight>) -> Result<(), CopyError> {
        loop {
            let turn = in_flight.turn().await;
            let most = ends.block().min(self.context.throttle.block());
            // before its block: one that others wait for would wait for the memory that they hold
            let memory = if self.writing.is_in_order() { self.context.memory(most).await } else { None };
            let Some((block, its_turn)) = self.next(most, &in_flight).await else { return Ok(()) };
            let _memory = if memory.is_none() { self.context.memory(block.len()).await } else { memory };
            let failed = match self.copy_block(&ends, &block, its_turn).await {
                Ok(Some((dwelt, got))) if self.fits(&block, got) => {
                    self.started.moved(self.block_queue.acknowledge(block));
                    turn.came_back(dwelt);
                    continue;
                }
                Ok(Some(_)) => return Err(ends.source.changed()),
                // whoever has the block before says why it did not leave
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            self.block_queue.give_back(block);
            return failed;
        }
    }

    /// Moves a block. Returns how long it took and how many bytes of it there were; `None` when the block before it was
    /// never sent.
    async fn copy_block(
        &self,
        ends: &Ends,
        block: &Block,
        its_turn: Option<WriteTurn>,
    ) -> Result<Option<(Duration, usize)>, CopyError> {
        self.context.throttle.pass(block.len()).await;
        let began = Instant::now();
        let read = ends.source.read(block.offset(), block.len());
        let (data, looked) = tokio::join!(biased; read, self.look_behind(ends, block));
        let (data, ()) = (data?, looked?);
        let got = data.len();
        let write = async {
            match got {
                0 => Ok(()),
                _ => ends.part.write(block.offset(), data).await,
            }
        };
        let written = match its_turn {
            None => Some(write.await),
            Some(its_turn) => its_turn.write(write).await,
        };
        match written {
            Some(Ok(())) => Ok(Some((began.elapsed(), got))),
            Some(Err(error)) if self.writing.may_lack_order(block, &self.block_queue.window()) => Err(error.of_order()),
            Some(Err(error)) => Err(error),
            None => Ok(None),
        }
    }

    /// With the last block, looks whether the source has data beyond its announced size.
    async fn look_behind(&self, ends: &Ends, block: &Block) -> Result<(), CopyError> {
        if block.range().end == ends.size && self.goes_on.get().is_none() {
            let goes_on = ends.source.goes_on(ends.size).await?;
            // of two lanes that move the block, the first one has looked
            let _ = self.goes_on.set(goes_on);
        }
        Ok(())
    }

    /// Notes where the file ends, when only the first `got` bytes of a block were there; `false` when that contradicts
    /// what was found before.
    fn fits(&self, block: &Block, got: usize) -> bool {
        let (mut window, end) = (self.block_queue.window(), block.offset() + got as u64);
        if (got > 0 && end > window.end()) || (got < block.len() && window.reach() > end) {
            return false;
        }
        if got < block.len() {
            window.end_at(end);
        }
        true
    }

    /// The next block; waits while the window is full. `None` when all have arrived.
    ///
    /// A lane that has waited longer than its own blocks take also moves a block that a slower lane has: the window is
    /// full because of that block, or only such blocks are left.
    async fn next(&self, most: usize, in_flight: &InFlight) -> Option<(Block, Option<WriteTurn>)> {
        let began = Instant::now();
        let take = |window: &mut Window| {
            if let Some(block) = window.take(most) {
                return Some((block, self.writing.next_turn()));
            }
            let is_late = self.lanes.load(Ordering::Relaxed) > 1 && began.elapsed() > in_flight.patience();
            is_late.then(|| window.take_again(most)).flatten().map(|block| (block, None))
        };
        self.block_queue.next_within(|| in_flight.patience(), take).await
    }
}
