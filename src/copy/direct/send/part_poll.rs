//! How far is it? What a host sends another does not pass through here, so hop's own session at the destination looks at
//! what has arrived: [`PartPoll`], of a part that is written from some byte on. A session that is lost meanwhile is made again:
//! what the hosts have between them goes on without it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::orders::Orders;
use crate::copy::error::CopyError;
use crate::copy::place::{Links, Place};
use crate::copy::task::item::Item;
use crate::copy::task::ledger::FileProgress;

/// How often it is looked.
pub const GLANCE: Duration = Duration::from_millis(300);

/// What grows.
pub struct PartPoll<'a> {
    item: &'a Item,
    part: &'a Place,
    offset: u64,
    length: u64,
    told: AtomicU64,
}

impl<'a> PartPoll<'a> {
    /// The part of `item`, of which `length` bytes from `offset` on are being written.
    pub fn of(item: &'a Item, part: &'a Place, offset: u64, length: u64) -> PartPoll<'a> {
        PartPoll { item, part, offset, length, told: AtomicU64::new(0) }
    }

    /// All of it has arrived: what was not told yet is told.
    pub fn tell_all(&self, started: &FileProgress) {
        self.tell(started, self.offset + self.length);
    }

    /// Looks, again and again, and lets `orders` know that something moves; what is written from its beginning to its end
    /// is told by its length.
    ///
    /// # Errors
    /// When the part cannot be looked at: there is no other end to this.
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

/// The length of what stands at `place` at the destination, over whichever session lives; `None` when nothing does.
///
/// # Errors
/// When it cannot be looked at, or no session can be had any more.
pub async fn size(item: &Item, place: &Place) -> Result<Option<u64>, CopyError> {
    loop {
        match item.lanes.idlest().destination.look(place, Links::Keep).await {
            Ok(found) => return Ok(found.and_then(|found| found.size)),
            Err(error) if error.is_lost() => item.lanes.restore(error).await?,
            Err(error) => return Err(error),
        }
    }
}
