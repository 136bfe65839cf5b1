//! How much of a file has arrived? Bytes that go from host to host do not pass through this machine, so hop's own
//! session at the destination looks at the part file: [`PartPoll`]. A session that is lost meanwhile is made again; the
//! hosts' own transfer goes on without it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::orders::Orders;
use crate::copy::error::CopyError;
use crate::copy::place::{Links, Place};
use crate::copy::task::item::Item;
use crate::copy::task::ledger::FileProgress;

/// Time between two looks.
pub const GLANCE: Duration = Duration::from_millis(300);

/// A part file that is being written.
pub struct PartPoll<'a> {
    item: &'a Item,
    part: &'a Place,
    offset: u64,
    length: u64,
    told: AtomicU64,
}

impl<'a> PartPoll<'a> {
    /// The part file of `item`, of which `length` bytes from `offset` on are being written.
    pub fn of(item: &'a Item, part: &'a Place, offset: u64, length: u64) -> PartPoll<'a> {
        PartPoll { item, part, offset, length, told: AtomicU64::new(0) }
    }

    /// All bytes have arrived: reports those that were not reported yet.
    pub fn tell_all(&self, started: &FileProgress) {
        self.tell(started, self.offset + self.length);
    }

    /// Looks at the part file regularly, and tells `orders` when it changes. For a share that is written from beginning
    /// to end, its length is reported to `started` as progress.
    ///
    /// # Errors
    /// Always: it ends only when the part file cannot be looked at.
    pub async fn watch(&self, orders: &Orders, started: Option<&FileProgress>) -> CopyError {
        let (mut first, mut last) = (None, None);
        loop {
            let length = match size(self.item, self.part).await {
                Ok(size) => size.unwrap_or(0),
                Err(error) => return error,
            };
            // what was beyond it from the beginning is nothing that it has written
            let was = *first.get_or_insert(length);
            if last.replace(length).is_some_and(|last| last != length) {
                orders.beat();
            }
            if let Some(started) = started.filter(|_| length > was) {
                self.tell(started, length);
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    fn tell(&self, started: &FileProgress, length: u64) {
        let there = length.saturating_sub(self.offset).min(self.length);
        let told = self.told.fetch_max(there, Ordering::Relaxed);
        if there > told {
            started.moved(there - told);
        }
    }
}

/// Bytes of the file at `place` at the destination, asked over whichever session lives; `None` when there is no file.
///
/// # Errors
/// When the file cannot be looked at, or no session can be made any more.
pub async fn size(item: &Item, place: &Place) -> Result<Option<u64>, CopyError> {
    let found = item.lanes.retry(|lane| async move { lane.destination.look(place, Links::Keep).await }).await?;
    Ok(found.and_then(|found| found.size))
}
