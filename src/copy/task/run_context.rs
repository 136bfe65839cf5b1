//! What do all items of a run share? [`RunContext`]: how they are copied, the ledger, what other runs have left, and
//! the limit on file data in memory.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::ledger::Ledger;
use super::leftovers::Leftovers;
use super::standing::Standing;
use super::this_run::ThisRun;
use super::throttle::Throttle;
use crate::copy::filter::Filter;
use crate::copy::options::{BlockOrder, Care, InPlace, Keep, Options, Resume, Unchanged};
use crate::copy::route::RoutePreference;
use crate::copy::tolerance::Tolerance;

/// Most bytes of file data in memory, all lanes and files together.
pub const MEMORY: usize = 64 << 20;

/// Bytes that one large file takes of the limit at most: at least four large files go at once, and more where they are
/// short, so that the round trips at their ends are hidden.
const LARGE: u64 = MEMORY as u64 / 4;

/// What all items of a run share.
pub struct RunContext {
    /// Whether mode and times are copied.
    pub keep: Keep,
    /// Whether an earlier run's part file is used.
    pub resume: Resume,
    /// Whether files are compared and flushed.
    pub care: Care,
    /// What sources may do while they are read.
    pub tolerance: Tolerance,
    /// The rate limit.
    pub throttle: Throttle,
    /// The order in which every file is written.
    pub order: BlockOrder,
    /// Counts and reports what happens.
    pub ledger: Arc<Ledger>,
    /// This run among others.
    pub run: Arc<ThisRun>,
    /// What other runs have left at the destination.
    pub leftovers: Leftovers,
    /// Whether an earlier run has begun to make the folder that everything goes into.
    pub goes_on: bool,
    /// Which files count as unchanged.
    pub unchanged: Unchanged,
    /// What stands at the destination.
    pub standing: Arc<Standing>,
    /// Seconds that times may be apart and still count as equal.
    pub modify_window: u32,
    /// Whether files are written in place.
    pub in_place: InPlace,
    /// What may be removed that is in the way of something, if anything.
    pub clearing: Option<Clearing>,
    memory: Arc<Semaphore>,
    /// Permits, in bytes, that large files wait for. They stand for turns, not for memory.
    large: Semaphore,
}

/// What may be removed that is in the way of something.
pub struct Clearing {
    /// Most entries, those that only the destination has included.
    pub most: u64,
    /// What it leaves out stays.
    pub filter: Filter,
    /// Folder of this machine for what does not fit into memory; `None` for the system's own.
    pub scratch: Option<PathBuf>,
}

impl Clearing {
    fn of(options: &Options) -> Option<Clearing> {
        let most = options.mirror?.delete?;
        Some(Clearing { most, filter: options.filter.clone(), scratch: options.scratch.clone() })
    }
}

impl RunContext {
    /// The context of one run.
    pub fn new(keep: Keep, run: Arc<ThisRun>, options: &Options, ledger: Arc<Ledger>) -> RunContext {
        RunContext {
            keep,
            resume: options.resume,
            care: options.care,
            tolerance: Tolerance::of(options),
            throttle: Throttle::new(options.rate),
            order: if options.lanes == Some(1) { BlockOrder::Ascending } else { BlockOrder::Any },
            ledger,
            run,
            leftovers: Leftovers::default(),
            goes_on: false,
            unchanged: options.unchanged,
            standing: Arc::new(Standing::new(false)),
            modify_window: options.modify_window,
            // what is written in place passes through here
            in_place: if options.route == RoutePreference::Direct { InPlace::Never } else { options.in_place },
            clearing: Clearing::of(options),
            memory: Arc::new(Semaphore::new(MEMORY)),
            large: Semaphore::new(MEMORY),
        }
    }

    /// Waits until a large file of `size` bytes may begin; its turn lasts until the returned value is dropped.
    pub async fn turn(&self, size: u64) -> Option<SemaphorePermit<'_>> {
        let turn = u32::try_from(size.min(LARGE)).unwrap_or(u32::MAX);
        // never closed, so never `None`
        self.large.acquire_many(turn).await.ok()
    }

    /// Waits for room for `bytes` of file data, which is held until the returned value is dropped.
    pub async fn memory(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes.min(MEMORY)).unwrap_or(u32::MAX);
        // never closed, so never `None`
        Arc::clone(&self.memory).acquire_many_owned(bytes).await.ok()
    }
}
