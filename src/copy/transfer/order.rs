//! In which order do the blocks of a file leave? [`BlockOrder`]. A server behind whose handles stand files takes bytes anywhere,
//! and by several handles; others (gateways to object stores, `rclone serve sftp`) take what `scp` and `sftp` send: by one
//! handle, each byte behind the one before. [`WriteTurns`] lets blocks that are read in any order leave in the order of the file.

use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::task::unconstrained;

use crate::copy::options::BlockOrder;
use crate::sftp::{Block, Window};

/// Bytes that are sent again at most, to see whether another order does.
const AGAIN: u64 = 64 << 20;

/// How the part of one file is written.
pub struct Writing {
    turns: Option<WriteTurns>,
    /// Bytes that were there when it began; `None` where the order is known, and nothing else is left to try.
    began_at: Option<u64>,
}

impl Writing {
    /// In an order that the server takes, or else nothing is.
    pub fn as_known(order: BlockOrder) -> Writing {
        Writing { turns: (order == BlockOrder::Ascending).then(WriteTurns::default), began_at: None }
    }

    /// In an order that the server seems to take, beginning behind so many bytes.
    pub fn as_supposed(order: BlockOrder, began_at: u64) -> Writing {
        Writing { began_at: Some(began_at), ..Writing::as_known(order) }
    }

    /// Whether each block waits for the one before it.
    pub fn is_in_order(&self) -> bool {
        self.turns.is_some()
    }

    /// The turn of the block that was just taken; `None` where it may leave at any time.
    pub fn next_turn(&self) -> Option<WriteTurn> {
        self.turns.as_ref().map(WriteTurns::next)
    }

    /// Whether a refused `block` may be one that is not where the server expects it: as long as nothing but the beginning of
    /// the file has been taken, and not much of it.
    pub fn may_lack_order(&self, block: &Block, window: &Window) -> bool {
        let is_open = self.began_at.is_some_and(|began_at| window.low().saturating_sub(began_at) < AGAIN);
        is_open && block.offset() > 0 && window.reach() == window.low()
    }
}

/// The queue of the blocks of one file.
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
    /// The place behind the last one; to be asked for in the order of the blocks.
    fn next(&self) -> WriteTurn {
        let (left, leaves) = oneshot::channel();
        let before = self.last.lock().unwrap_or_else(PoisonError::into_inner).replace(leaves);
        WriteTurn { before, left }
    }
}

impl WriteTurn {
    /// Begins `write` once the block before has left, and lets the next one leave as soon as this one is queued. `None` when
    /// the one before never left: what is behind it would leave a hole.
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
