//! What do all items of a run share? [`RunContext`]: how it is to be done, the books, what other runs have left, and the bound on
//! file data in memory.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::ledger::Ledger;
use super::leftovers::Leftovers;
use super::this_run::ThisRun;
use super::throttle::Throttle;
use crate::copy::options::{BlockOrder, Care, Keep, Options, Resume, Unchanged};
use crate::copy::tolerance::Tolerance;

/// File data held at any moment, all lanes and files together, in bytes.
pub const MEMORY: usize = 64 << 20;

/// Bytes of one large file that keep others from beginning: four of any size go at once, and more where they are short,
/// so that the round trips at the ends of each are hidden.
const LARGE: u64 = MEMORY as u64 / 4;

/// What all items of a run share.
pub struct RunContext {
    /// Whether mode and times travel.
    pub keep: Keep,
    /// Whether the part of an earlier run is gone on from.
    pub resume: Resume,
    /// What is compared, and flushed.
    pub care: Care,
    /// What sources may do while they are read.
    pub tolerance: Tolerance,
    /// How fast it may go.
    pub throttle: Throttle,
    /// In which order a file is written wherever it goes.
    pub order: BlockOrder,
    /// The books.
    pub ledger: Arc<Ledger>,
    /// This run among others.
    pub run: Arc<ThisRun>,
    /// What other runs have left at the destination.
    pub leftovers: Leftovers,
    /// Whether an earlier run has begun to make the folder that all of it goes into.
    pub goes_on: bool,
    /// Which files stay as they are.
    pub unchanged: Unchanged,
    memory: Arc<Semaphore>,
    /// In bytes, of which none are held: whose turn it is.
    large: Semaphore,
}

impl RunContext {
    /// For one run.
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
            memory: Arc::new(Semaphore::new(MEMORY)),
            large: Semaphore::new(MEMORY),
        }
    }

    /// Waits until a large file of `size` bytes may begin; what is returned is dropped when it has ended.
    pub async fn turn(&self, size: u64) -> Option<SemaphorePermit<'_>> {
        let turn = u32::try_from(size.min(LARGE)).unwrap_or(u32::MAX);
        // never closed, so never `None`
        self.large.acquire_many(turn).await.ok()
    }

    /// Waits for room for `bytes` of file data, which lasts until what is returned is dropped.
    pub async fn memory(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes.min(MEMORY)).unwrap_or(u32::MAX);
        // never closed, so never `None`
        Arc::clone(&self.memory).acquire_many_owned(bytes).await.ok()
    }
}
