//! How do many small files go directly? [`carry`]: each is linked by number in the courier's folder, and numbers that wait
//! together go as one stream of `tar` into a staging folder of mode 0700 at the destination. From there hop's own session
//! gives each file its mode and its name, in one step. What did not arrive whole is sent again by itself, where an error
//! can be told exactly.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};

use super::super::error::{Cause, CopyError};
use super::super::item::Item;
use super::super::land;
use super::super::ledger::Started;
use super::super::place::Place;
use super::super::run::Means;
use super::super::side::{Links, same_version};
use super::{Direct, script, stream};
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};

/// Bytes up to which a file is packed with others.
pub const PACKED: u64 = 4 << 20;

/// Files of a pack: their numbers are words of one line.
const FILES: usize = 500;

/// Packs on the way at once: one arrives while the next is put together.
const PACKS: usize = 2;

/// How long a pack waits for more files, when nothing else is on the way.
const LINGER: Duration = Duration::from_millis(4);

/// A file that waits for a pack: the number of its link, its size, and whom to tell when the pack has ended.
type Waiting = (u64, u64, oneshot::Sender<()>);

/// The folder of links at the source, absolute, and the one at the destination that they arrive in.
type Folders<'a> = (&'a [u8], &'a Place);

/// What waits to be packed.
pub struct Packing {
    waiting: Mutex<VecDeque<Waiting>>,
    turns: Semaphore,
    is_off: AtomicBool,
}

impl Default for Packing {
    fn default() -> Packing {
        Packing { waiting: Mutex::default(), turns: Semaphore::new(PACKS), is_off: AtomicBool::new(false) }
    }
}

/// Copies this `version` of a small file.
///
/// # Errors
/// As [`stream::carry`].
pub async fn carry(
    (means, direct): (&Means, &Arc<Direct>),
    what: (&Item, Links),
    version: &Attributes,
    started: &Arc<Started>,
) -> Result<(), CopyError> {
    let (item, links) = what;
    if let Some(folders) = direct.folders(item).await?
        && let Some(staged) = sent(direct, item, (folders, version)).await?
    {
        let lane = item.lanes.idlest();
        let (source, arrived) =
            tokio::join!(lane.source.stat(&item.source, links), lane.destination.look(&staged, Links::Keep));
        if !same_version(&source?, version) {
            return Err(lane.source.error(Stage::Transfer, &item.source, Cause::SourceChanged));
        }
        if arrived?.is_some_and(|arrived| arrived.kind() == FileKind::File && arrived.size == version.size) {
            started.moved(version.size.unwrap_or(0));
            return land::adopt(&lane.destination, (item, &staged), version, means.keep).await;
        }
    }
    stream::carry((means, direct), what, version, started).await
}

/// Waits until a pack with this file has been sent; where it should stand then. `None` when it cannot be packed.
async fn sent(
    direct: &Arc<Direct>,
    item: &Item,
    (folders, version): (Folders<'_>, &Attributes),
) -> Result<Option<Place>, CopyError> {
    let number = direct.courier.number();
    let source = &item.lanes.idlest().source;
    let link = Place::typed(folders.0).join(&super::numbered(number));
    match source.symlink(&link, direct.absolute_source(item).await?).await {
        Err(error) if error.ends_the_run() => return Err(error),
        Err(_) => return Ok(None),
        Ok(()) => {}
    }
    let (tell, mut told) = oneshot::channel();
    direct.packing.push((number, version.size.unwrap_or(0), tell));
    loop {
        tokio::select! {
            biased;
            // a pack that broke off told nobody: what did not arrive shows
            _ = &mut told => break,
            _turn = direct.packing.turns.acquire() => {
                tokio::time::sleep(LINGER).await;
                if let Some(batch) = direct.packing.take(direct.pace.order()) {
                    send(direct, item, folders, batch).await?;
                }
            }
        }
    }
    Ok(Some(folders.1.join(&super::numbered(number))))
}

/// Sends a pack, and tells those who wait for it.
async fn send(
    direct: &Direct,
    item: &Item,
    (links, staging): Folders<'_>,
    batch: Vec<Waiting>,
) -> Result<(), CopyError> {
    let staging = direct.absolute_target(item, staging).await?;
    let numbers: Vec<u64> = batch.iter().map(|(number, ..)| *number).collect();
    let bytes = batch.iter().map(|(_, size, _)| size).sum();
    let began = Instant::now();
    let answer = direct.order(item, |order| script::pack(&direct.far, order, (links, &staging), &numbers)).await?;
    match answer.status {
        0 if bytes >= PACKED => direct.pace.learn(bytes, began.elapsed()),
        0 => {}
        _ => direct.packing.stop(),
    }
    for (.., tell) in batch {
        // whoever waited may be gone
        let _ = tell.send(());
    }
    Ok(())
}

impl Packing {
    fn push(&self, waiting: Waiting) {
        self.locked().push_back(waiting);
    }

    /// The files that have waited longest, of at most so many bytes together, but one at least.
    fn take(&self, most: u64) -> Option<Vec<Waiting>> {
        let mut waiting = self.locked();
        let mut bytes = 0;
        let fits = waiting.iter().take(FILES).take_while(|(_, size, _)| {
            bytes += size;
            bytes <= most
        });
        let count = fits.count().max(1).min(waiting.len());
        let batch: Vec<Waiting> = waiting.drain(..count).collect();
        (!batch.is_empty()).then_some(batch)
    }

    /// Packs nothing any more: the far end has no `tar`, or it failed.
    fn stop(&self) {
        self.is_off.store(true, Ordering::Relaxed);
    }

    /// Whether files are packed.
    pub fn is_on(&self) -> bool {
        !self.is_off.load(Ordering::Relaxed)
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_takes_what_fits_in_order_and_always_something() {
        let packing = Packing::default();
        for (number, size) in [(1, 10), (2, 10), (3, 100), (4, 1)] {
            packing.push((number, size, oneshot::channel().0));
        }
        let taken = |most| packing.take(most).map(|batch| batch.iter().map(|(number, ..)| *number).collect::<Vec<_>>());
        assert_eq!(taken(25), Some(vec![1, 2]));
        assert_eq!(taken(25), Some(vec![3]));
        assert_eq!(taken(25), Some(vec![4]));
        assert_eq!(taken(25), None);
    }
}
