//! In which order are the blocks of a file written? [`BlockOrder`]. A server whose handles stand for files takes bytes
//! at any offset and by several handles. Others (gateways to object stores, `rclone serve sftp`) take what `scp` and
//! `sftp` send: by one handle, from beginning to end. [`WriteTurns`] lets blocks that are read in any order be written
//! in the order of the file.

use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::task::unconstrained;

use crate::copy::options::BlockOrder;
use crate::sftp::{Block, Window};

/// Most bytes that are sent again to find out whether another order works.
const AGAIN: u64 = 64 << 20;

/// How one file's part file is written.
pub struct Writing {
    turns: Option<WriteTurns>,
    /// Bytes already in the part file when writing began; `None` where the order is known, and no other is left to try.
    began_at: Option<u64>,
}

impl Writing {
    /// In an order that the server is known to take, or the only one left.
    pub fn as_known(order: BlockOrder) -> Writing {
        Writing { turns: (order == BlockOrder::Ascending).then(WriteTurns::default), began_at: None }
    }

    /// In an order that the server seems to take, beginning at offset `began_at`.
    pub fn as_supposed(order: BlockOrder, began_at: u64) -> Writing {
        Writing { began_at: Some(began_at), ..Writing::as_known(order) }
    }

    /// Whether each block waits for the one before it.
    pub fn is_in_order(&self) -> bool {
        self.turns.is_some()
    }

    /// The turn of the block that was just taken; `None` where it may be written at any time.
    pub fn next_turn(&self) -> Option<WriteTurn> {
        self.turns.as_ref().map(WriteTurns::next)
    }

    /// Whether a refused `block` may be one that is not where the server expects it: only while nothing but the
    /// beginning of the file has been taken, and not much of that.
    pub fn may_lack_order(&self, block: &Block, window: &Window) -> bool {
        let is_open = self.began_at.is_some_and(|began_at| window.low().saturating_sub(began_at) < AGAIN);
        is_open && block.offset() > 0 && window.reach() == window.low()
    }
}

/// The queue of one file's blocks.
#[derive(Default)]
struct WriteTurns {
    last: Mutex<Option<oneshot::Receiver<()>>>,
}

/// One block's place in the queue.
pub struct WriteTurn {
    before: Option<oneshot::Receiver<()>>,
    left: oneshot::Sender<()>,
}

impl WriteTurns {
    /// The place behind the last one; to be taken in the order of the blocks.
    fn next(&self) -> WriteTurn {
        let (left, leaves) = oneshot::channel();
        let before = self.last.lock().unwrap_or_else(PoisonError::into_inner).replace(leaves);
        WriteTurn { before, left }
    }
}

impl WriteTurn {
    /// Begins `write` once the block before has been sent, and lets the next block go as soon as this one is queued.
    /// `None` when the block before was never sent: this one would leave a hole.
    pub async fn write<T>(self, write: impl Future<Output = T>) -> Option<T> {
        if let Some(before) = self.before {
            before.await.ok()?;
        }
        // queued when it is first polled, which nothing puts off
        let (written, _) = tokio::join!(biased; unconstrained(write), async { self.left.send(()) });
        Some(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_read_last_still_leaves_in_its_place() {
        let (turns, left) = (WriteTurns::default(), Mutex::new(Vec::new()));
        let [first, second, third] = [turns.next(), turns.next(), turns.next()];
        let left = &left;
        let leave = |number| async move { left.lock().unwrap().push(number) };
        let (third, first, second) = tokio::join!(
            third.write(leave(3)),
            async {
                tokio::task::yield_now().await;
                first.write(leave(1)).await
            },
            second.write(leave(2)),
        );
        assert!(first.is_some() && second.is_some() && third.is_some());
        assert_eq!(*left.lock().unwrap(), [1, 2, 3]);
    }

    #[tokio::test]
    async fn nothing_leaves_behind_a_block_that_never_left() {
        let turns = WriteTurns::default();
        let [first, second] = [turns.next(), turns.next()];
        drop(first);
        assert!(second.write(async {}).await.is_none());
    }
}
