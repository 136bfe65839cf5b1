//! Which task moves which bytes of a file? [`BlockQueue`], used for upload, download, relay and direct copies: a window
//! ([`Window`]) from which many tasks take blocks. A task waits while there is no block for it, until all have arrived.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::sftp::{Block, Window};

/// A window, and the tasks that wait for it.
pub struct BlockQueue {
    window: Arc<Mutex<Window>>,
    /// Wakes waiting tasks when a block has come back.
    moved: Notify,
}

impl BlockQueue {
    /// A queue of the bytes that are missing.
    pub fn new(window: Arc<Mutex<Window>>) -> BlockQueue {
        BlockQueue { window, moved: Notify::new() }
    }

    /// The next block that `take` gives; waits while it gives none. `None` when all have arrived.
    pub async fn next<T>(&self, take: impl Fn(&mut Window) -> Option<T>) -> Option<T> {
        self.next_within(|| Duration::MAX, take).await
    }

    /// Like [`BlockQueue::next`], but `take` is also asked again after `patience` when no block has come back.
    pub async fn next_within<T>(
        &self,
        patience: impl Fn() -> Duration,
        take: impl Fn(&mut Window) -> Option<T>,
    ) -> Option<T> {
        loop {
            let mut moved = pin!(self.moved.notified());
            moved.as_mut().enable();
            let patience = patience();
            {
                let mut window = self.window();
                if let Some(block) = take(&mut window) {
                    // one block that comes back may make room for several
                    self.moved.notify_one();
                    return Some(block);
                }
                if window.is_complete() {
                    return None;
                }
            }
            // in either case it is looked again
            let _ = timeout(patience, moved).await;
        }
    }

    /// Records that a block has arrived. Returns how many of its bytes had not arrived before.
    pub fn acknowledge(&self, block: Block) -> u64 {
        let (arrived, is_complete) = {
            let mut window = self.window();
            let before = window.arrived();
            window.acknowledge(block);
            (window.arrived().saturating_sub(before), window.is_complete())
        };
        match is_complete {
            true => self.moved.notify_waiters(),
            false => self.moved.notify_one(),
        }
        arrived
    }

    /// Takes back a block that has not arrived: another task may move it.
    pub fn give_back(&self, block: Block) {
        self.window().give_back(block);
        self.moved.notify_waiters();
    }

    /// The window itself, to be looked at.
    pub fn window(&self) -> MutexGuard<'_, Window> {
        // nothing panics while it holds the window
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
