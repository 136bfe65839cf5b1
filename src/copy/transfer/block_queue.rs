//! Who moves which bytes of a file? [`BlockQueue`]: a window ([`Window`]) from which many tasks take blocks, each waiting while
//! there is none for it, until all have arrived.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::sftp::{Block, Window};

/// A window, and who waits for it.
pub struct BlockQueue {
    window: Arc<Mutex<Window>>,
    /// A block has come back.
    moved: Notify,
}

impl BlockQueue {
    /// Of the bytes that are missing.
    pub fn new(window: Arc<Mutex<Window>>) -> BlockQueue {
        BlockQueue { window, moved: Notify::new() }
    }

    /// The next block that `take` gives; waits while it gives none. `None` when all have arrived.
    pub async fn next(&self, take: impl Fn(&mut Window) -> Option<Block>) -> Option<Block> {
        loop {
            let mut moved = pin!(self.moved.notified());
            moved.as_mut().enable();
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
            moved.await;
        }
    }

    /// A block has arrived.
    pub fn acknowledge(&self, block: Block) {
        let is_complete = {
            let mut window = self.window();
            window.acknowledge(block);
            window.is_complete()
        };
        match is_complete {
            true => self.moved.notify_waiters(),
            false => self.moved.notify_one(),
        }
    }

    /// A block has not arrived: another task may move it.
    pub fn give_back(&self, block: Block) {
        self.window().give_back(block);
        self.moved.notify_waiters();
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        // nothing panics while it holds the window
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
