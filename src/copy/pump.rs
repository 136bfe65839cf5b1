//! How does a large file go? [`carry`]: in blocks, many in flight, over every lane there is. Each block is read at one end
//! of a lane and written at the other; the window ([`Window`]) says which block is next, so that a part that was cut off
//! can be trusted up to its band. The source must be the same version at the end as at the beginning, on every lane.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::allowance::{Allowance, Distance};
use super::both::Both;
use super::error::CopyError;
use super::file::OpenFile;
use super::freight::Freight;
use super::lanes::Lane;
use super::ledger::Started;
use super::resume::{Acknowledged, SoFar};
use super::run::Means;
use super::side::{Identity, Links};
use crate::sftp::{Block, Sizes, Window};

/// Bytes in flight on one lane at most, where it brings them through in time ([`Allowance`]).
const LANE_BYTES: usize = 8 << 20;

/// Blocks in flight on one lane, for servers that only take short ones.
const LANE_BLOCKS: usize = 128;

/// Bytes of a file for each lane that works on it.
const SHARE: u64 = 8 << 20;

/// Both ends of a file, open on one lane.
struct Ends {
    source: Arc<OpenFile>,
    part: Arc<OpenFile>,
    identity: Identity,
}

/// What the tasks of one file have in common.
struct Flow {
    window: Arc<Mutex<Window>>,
    /// A block has come back.
    moved: Notify,
    distance: Arc<Distance>,
    /// Lanes that have begun to work on it.
    lanes: AtomicUsize,
    means: Arc<Means>,
    started: Arc<Started>,
}

/// Copies a file, going on from what is there of it.
///
/// # Errors
/// As `Kind` tells; [`Cause::SourceChanged`](super::Cause::SourceChanged) when it is not that version any more.
pub async fn carry(freight: Freight<'_>, so_far: &mut SoFar) -> Result<(), CopyError> {
    let mut both = Both::open(freight).await?;
    let arrived = async {
        let window = begin(freight, &mut both, so_far).await?;
        let ends = Arc::new(Ends::of(&both));
        let moved = pump(freight, window, (&ends, &both.lane));
        // the source is summed beside the copying
        let ((), sum) = tokio::try_join!(moved, both.source_sum(freight))?;
        finish(&both).await?;
        both.landing.check(freight, sum.map(|sum| (sum, both.size()))).await
    };
    let arrived = arrived.await;
    both.end(freight, arrived).await
}

/// What is still missing, and remembered for another attempt.
async fn begin(freight: Freight<'_>, both: &mut Both, so_far: &mut SoFar) -> Result<Arc<Mutex<Window>>, CopyError> {
    let sizes = Sizes { in_flight: Sizes::default().band, ..Sizes::default() };
    let block = Ends::of(both).block().min(freight.means.throttle.block());
    let window = both.missing(freight, (sizes, block, Acknowledged::BlockByBlock), so_far).await?;
    let window = Arc::new(Mutex::new(window));
    so_far.keep(&window);
    Ok(window)
}

/// Moves every block, over the lane it begins on and those that join.
async fn pump(
    freight: Freight<'_>,
    window: Arc<Mutex<Window>>,
    (first, began_on): (&Arc<Ends>, &Arc<Lane>),
) -> Result<(), CopyError> {
    let Freight { item, links, .. } = freight;
    let size = first.identity.size;
    let flow = Arc::new(Flow {
        window,
        moved: Notify::new(),
        distance: Arc::default(),
        lanes: AtomicUsize::new(0),
        means: Arc::clone(freight.means),
        started: Arc::clone(freight.started),
    });
    let mut lanes = item.lanes.watch();
    let mut tasks = JoinSet::new();
    let mut lost = None;
    let mut joined = vec![began_on.number];
    let number = began_on.number;
    let (work, ends) = (Arc::clone(&flow), Arc::clone(first));
    tasks.spawn(async move { (number, work.work(ends).await) });
    let most = usize::try_from(size.div_ceil(SHARE)).unwrap_or(usize::MAX);
    loop {
        item.lanes.grow();
        let open = lanes.borrow_and_update().clone();
        for lane in open {
            if joined.len() < most && !joined.contains(&lane.number) && !lane.is_lost() {
                joined.push(lane.number);
                let (flow, first) = (Arc::clone(&flow), Arc::clone(first));
                tasks.spawn(async move { (lane.number, join(flow, first, lane, links).await) });
            }
        }
        tokio::select! {
            ended = tasks.join_next() => match ended {
                None => return if flow.window().is_complete() { Ok(()) } else { lost.map_or(Ok(()), Err) },
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

/// One more lane works on the file, as far as it can be opened there.
async fn join(flow: Arc<Flow>, first: Arc<Ends>, lane: Arc<Lane>, links: Links) -> Result<(), CopyError> {
    let _busy = lane.busy();
    let ends = match first.also(&lane, links).await {
        Ok(ends) => Arc::new(ends),
        // the other lanes do its work
        Err(error) if !error.ends_the_run() && !error.is_source_changed() => return Ok(()),
        Err(error) => return Err(error),
    };
    flow.work(Arc::clone(&ends)).await?;
    ends.source.is_still(ends.identity).await?;
    ends.part.close().await
}

/// Gives the complete part what it needs to land.
async fn finish(both: &Both) -> Result<(), CopyError> {
    let (same, closed) = tokio::join!(both.is_unchanged(), both.landing.close(both.size()));
    same.and(closed)
}

impl Ends {
    fn of(both: &Both) -> Ends {
        let (source, part) = (Arc::clone(&both.source), Arc::clone(both.landing.file()));
        Ends { source, part, identity: both.identity }
    }

    /// The same two files on another lane; nothing has been taken from its source before that is known to be the same.
    async fn also(&self, lane: &Lane, links: Links) -> Result<Ends, CopyError> {
        let source = async {
            let source = self.source.also(&lane.source, links).await?;
            source.is_still(self.identity).await.map(|()| source)
        };
        let (source, part) = tokio::try_join!(source, self.part.also_for_writing(&lane.destination))?;
        Ok(Ends { source: Arc::new(source), part: Arc::new(part), identity: self.identity })
    }

    /// Bytes of a block that both ends take.
    fn block(&self) -> usize {
        self.source.max_read().min(self.part.max_write())
    }
}

impl Flow {
    /// Keeps as many blocks in flight on one lane as it bears, until none is left.
    async fn work(self: Arc<Self>, ends: Arc<Ends>) -> Result<(), CopyError> {
        let blocks = usize::try_from(ends.identity.size.div_ceil(ends.block() as u64)).unwrap_or(usize::MAX);
        self.lanes.fetch_add(1, Ordering::Relaxed);
        let most = (LANE_BYTES / ends.block()).clamp(1, LANE_BLOCKS).min(blocks);
        let allowance = Arc::new(Allowance::new(most, Arc::clone(&self.distance)));
        let mut workers = JoinSet::new();
        for _ in 0..most {
            workers.spawn(Arc::clone(&self).carry_blocks(Arc::clone(&ends), Arc::clone(&allowance)));
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

    /// One block after the other. A block that did not arrive because the session was lost goes back to the window.
    async fn carry_blocks(self: Arc<Self>, ends: Arc<Ends>, allowance: Arc<Allowance>) -> Result<(), CopyError> {
        loop {
            let turn = allowance.turn().await;
            let most = ends.block().min(self.means.throttle.block());
            let Some(block) = self.next(most, &allowance).await else { return Ok(()) };
            match self.carry_block(&ends, &block).await {
                Ok(dwelt) => {
                    self.acknowledge(block);
                    turn.came_back(dwelt);
                }
                Err(error) => {
                    self.window().give_back(block);
                    self.moved.notify_waiters();
                    return Err(error);
                }
            }
        }
    }

    /// How long it took.
    async fn carry_block(&self, ends: &Ends, block: &Block) -> Result<Duration, CopyError> {
        let _memory = self.means.memory(block.len()).await;
        self.means.throttle.pass(block.len()).await;
        let began = Instant::now();
        let data = ends.source.read(block.offset(), block.len()).await?;
        if data.len() < block.len() {
            return Err(ends.source.changed());
        }
        ends.part.write(block.offset(), data).await?;
        Ok(began.elapsed())
    }

    /// The next block; waits while the window is full. `None` when all have arrived.
    ///
    /// A lane that has waited longer than its own blocks take moves one, too, that a slower lane has: it is what the window
    /// is full for, or what is left.
    async fn next(&self, most: usize, allowance: &Allowance) -> Option<Block> {
        let began = Instant::now();
        loop {
            let mut moved = pin!(self.moved.notified());
            moved.as_mut().enable();
            let patience = allowance.patience();
            {
                let mut window = self.window();
                if let Some(block) = window.take(most) {
                    // one block that comes back may make room for several
                    self.moved.notify_one();
                    return Some(block);
                }
                if window.is_complete() {
                    return None;
                }
                if self.lanes.load(Ordering::Relaxed) > 1
                    && began.elapsed() > patience
                    && let Some(block) = window.take_again(most)
                {
                    return Some(block);
                }
            }
            // in either case it is looked again
            let _ = timeout(patience, moved).await;
        }
    }

    fn acknowledge(&self, block: Block) {
        let (moved, is_complete) = {
            let mut window = self.window();
            let before = window.arrived();
            window.acknowledge(block);
            (window.arrived() - before, window.is_complete())
        };
        self.started.moved(moved);
        match is_complete {
            true => self.moved.notify_waiters(),
            false => self.moved.notify_one(),
        }
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        // nothing panics while it holds the window
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
