//! How do many small files go directly? [`send_packed`] links each by a number in a folder at the source. Numbers that
//! wait together go as one stream of `tar`, or as one batch of `sftp`, into a staging folder of mode 0700 at the
//! destination. One listing of that folder shows what has arrived; hop's own session gives each file its name, and its
//! mode where that differs. A file that did not arrive whole is sent again by itself, where its error can be told
//! exactly.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OnceCell, Semaphore, oneshot};
use tokio::time::timeout;

use super::announced;
use super::orders::{Orders, SSH_FAILED};
use super::part_poll::{GLANCE, size};
use crate::copy::direct::remote::login::Login;
use crate::copy::direct::remote::{batch, script};
use crate::copy::direct::transport::{STREAMS, Transport};
use crate::copy::ends::identity::same_version;
use crate::copy::error::{Cause, CopyError};
use crate::copy::land::staging::{Staging, listed, numbered};
use crate::copy::land::{adopt, takeover};
use crate::copy::place::Place;
use crate::copy::task::file_transfer::FileTransfer;
use crate::copy::task::item::Item;
use crate::copy::task::run_context::RunContext;
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};

/// Most bytes of a file that is packed with others.
pub const PACKED: u64 = 4 << 20;

/// How long a pack waits for one more file, and how often: each pack starts programs at both ends.
const LINGER: Duration = Duration::from_millis(4);
const LINGERS: u32 = 50;

/// Time to find out which files of a lost pack have arrived.
const LISTED: Duration = Duration::from_secs(5);

/// Files of a pack looked up at a time.
const LOOKS: usize = 64;

/// Source files open at once to be checked against their announced size: servers have a limit.
const CHECKS: usize = 64;

/// A file that waits for a pack: the number of its link, its size in bytes, the number of its login, and the task to
/// tell.
struct Waiting {
    number: u64,
    size: u64,
    login: u32,
    tell: oneshot::Sender<Told>,
}

/// What came of a file in a pack.
enum Told {
    /// The file is in the staging folder, with these attributes.
    There(Attributes),
    /// The file is not in the staging folder.
    Missing,
    /// The login was lost, for this reason.
    Lost(String),
}

/// The files that wait to be packed.
pub struct Packing {
    waiting: Mutex<VecDeque<Waiting>>,
    /// Files that are being linked and will wait.
    coming: AtomicUsize,
    /// Permits for packs under way.
    turns: Semaphore,
    /// Permits for files being checked against their announced size.
    checks: Semaphore,
    /// Most files of a pack: their numbers are words of one line.
    files: usize,
    is_off: AtomicBool,
    /// The folder that packed files arrive in; `None` where none can be made.
    staging: OnceCell<Option<Staging>>,
}

/// Whether a file is packed with others: it is small, and it gets its name without being compared or flushed.
pub fn fits(transfer: FileTransfer<'_>) -> bool {
    is_plain(transfer.context) && transfer.size() <= PACKED
}

/// Whether this run neither compares nor flushes files before they get their names.
pub fn is_plain(context: &RunContext) -> bool {
    !context.care.verify && !context.care.fsync
}

/// Copies a small file; `false` when it has to be sent by itself.
///
/// # Errors
/// As [`stream::send_large`](super::stream::send_large).
pub async fn send_packed(orders: &Orders, packing: &Packing, transfer: FileTransfer<'_>) -> Result<bool, CopyError> {
    let FileTransfer { context, item, links, version, started } = transfer;
    started.begin_at(0);
    let began = Instant::now();
    let Some(staging) = packing.staging(transfer).await? else { return Ok(false) };
    let (sent, as_announced) = tokio::join!(sent(orders, packing, transfer, staging), packing.check(transfer));
    let Some((staged, told)) = sent? else { return Ok(false) };
    let arrived = match told {
        Told::There(arrived) => arrived,
        Told::Missing => return Ok(false),
        Told::Lost(words) => return Err(orders.of_login(item, Cause::StreamLost(words))),
    };
    let lane = item.lanes.idlest();
    if !same_version(&lane.source.stat(&item.source, links).await?, version) {
        return Err(lane.source.error(Stage::Transfer, &item.source, Cause::SourceChanged));
    }
    as_announced?;
    if arrived.kind() != FileKind::File || arrived.size != version.size {
        return Ok(false);
    }
    started.moved(transfer.size());
    adopt::adopt(&lane.destination, transfer, &staged, &arrived).await?;
    takeover::clear_soon(&lane.destination, item, context, began).await;
    Ok(true)
}

/// Waits until a pack with this file has been sent. Returns the file's place in the staging folder, and what came of
/// it; `None` when the file cannot be packed.
async fn sent(
    orders: &Orders,
    packing: &Packing,
    transfer: FileTransfer<'_>,
    staging: &Place,
) -> Result<Option<(Place, Told)>, CopyError> {
    let (item, login) = (transfer.item, orders.logins.current());
    let coming = packing.comes();
    let Some(number) = link(orders, item, login.links.as_deref()).await? else { return Ok(None) };
    let (tell, mut told) = oneshot::channel();
    packing.push(Waiting { number, size: transfer.size(), login: login.number, tell });
    drop(coming);
    let told = loop {
        tokio::select! {
            biased;
            told = &mut told => break told.unwrap_or(Told::Missing),
            _turn = packing.turns.acquire() => {
                packing.linger().await;
                if let Some(batch) = packing.take(orders.chunk_sizer.order()) {
                    send(orders, packing, item, staging, batch).await?;
                }
            }
        }
    };
    Ok(Some((staging.join(&numbered(number)), told)))
}

/// Links the item's source in the folder `links`. Returns the link's number; `None` where no link can be made.
pub async fn link(orders: &Orders, item: &Item, links: Option<&[u8]>) -> Result<Option<u64>, CopyError> {
    let Some(links) = links else { return Ok(None) };
    let number = orders.number();
    let link = Place::typed(links).join(&numbered(number));
    match item.lanes.idlest().source.symlink(&link, orders.absolute_source(item).await?).await {
        Err(error) if error.ends_the_run() => Err(error),
        Err(_) => Ok(None),
        Ok(()) => Ok(Some(number)),
    }
}

/// Sends a pack, and tells the tasks that wait for its files.
async fn send(
    orders: &Orders,
    packing: &Packing,
    item: &Item,
    staging: &Place,
    batch: Vec<Waiting>,
) -> Result<(), CopyError> {
    let Some(links) = orders.logins.current().links.clone() else { return Ok(()) };
    let folder = orders.absolute_target(item, staging).await?;
    let numbers: Vec<u64> = batch.iter().map(|waiting| waiting.number).collect();
    let bytes = batch.iter().map(|waiting| waiting.size).sum();
    let began = Instant::now();
    let order = |login: &Login, order| match orders.transport {
        Transport::Streams => script::pack(&login.far, order, &links, &folder, &numbers),
        Transport::Sftp => batch::puts(order, &links, &folder, &numbers),
    };
    let watch = watch(orders, item, staging, &numbers);
    let answer = match orders.order_and_watch(item, order, watch).await {
        Ok(answer) => answer,
        Err(error) => {
            if error.is_of_login() {
                let why = match &error.cause {
                    Cause::StreamLost(why) => why.clone(),
                    cause => cause.to_string(),
                };
                tell_lost(orders, item, staging, batch, &why).await;
            }
            return Err(error);
        }
    };
    match answer.status {
        0 if bytes >= PACKED => orders.chunk_sizer.learn(bytes, began.elapsed(), STREAMS),
        0 => {}
        SSH_FAILED.. => {
            tell_lost(orders, item, staging, batch, &answer.said()).await;
            return Err(orders.failed(item, &answer));
        }
        // some file of the batch
        _ if orders.transport == Transport::Sftp => {}
        _ => packing.stop(),
    }
    let mut arrived = item.lanes.retry(|lane| async move { listed(&lane, staging).await }).await?;
    for waiting in batch {
        let told = arrived.remove(&waiting.number).map_or(Told::Missing, Told::There);
        waiting.tell(told);
    }
    Ok(())
}

/// Tells the tasks whose pack was lost with the login. Files that `tar` wrote to their ends have arrived.
async fn tell_lost(orders: &Orders, item: &Item, staging: &Place, batch: Vec<Waiting>, words: &str) {
    let mut arrived = match orders.transport {
        // where nothing can be seen, nothing has arrived
        Transport::Streams => {
            timeout(LISTED, listed(&item.lanes.idlest(), staging)).await.ok().and_then(Result::ok).unwrap_or_default()
        }
        Transport::Sftp => HashMap::new(),
    };
    for waiting in batch {
        let told = match arrived.remove(&waiting.number) {
            Some(there) if there.size == Some(waiting.size) => Told::There(there),
            _ => Told::Lost(words.to_owned()),
        };
        waiting.tell(told);
    }
}

/// Looks regularly for the first file that has not arrived, and tells `orders` when that changes.
async fn watch(orders: &Orders, item: &Item, staging: &Place, numbers: &[u64]) -> CopyError {
    let (mut first, mut last) = (0, None);
    loop {
        tokio::time::sleep(GLANCE).await;
        let found = match size_of(item, staging, numbers.get(first)).await {
            Ok(found) => found,
            Err(error) => return error,
        };
        if last.replace((first, found)) != Some((first, found)) {
            orders.beat();
        }
        // the one after it shows that it is whole
        for _ in 0..LOOKS {
            match size_of(item, staging, numbers.get(first + 1)).await {
                Ok(Some(_)) => first += 1,
                Ok(None) => break,
                Err(error) => return error,
            }
        }
    }
}

async fn size_of(item: &Item, staging: &Place, number: Option<&u64>) -> Result<Option<u64>, CopyError> {
    match number {
        Some(number) => size(item, &staging.join(&numbered(*number))).await,
        None => Ok(None),
    }
}

impl Waiting {
    fn tell(self, told: Told) {
        // whoever waited may be gone
        let _ = self.tell.send(told);
    }
}

impl Packing {
    /// The queue for what carries the bytes. A batch of `sftp` takes some round trips a file, so more batches go at
    /// once.
    pub fn of(transport: Transport) -> Packing {
        let (turns, files) = match transport {
            Transport::Streams => (2, 500),
            Transport::Sftp => (STREAMS, 50),
        };
        Packing {
            waiting: Mutex::default(),
            coming: AtomicUsize::new(0),
            turns: Semaphore::new(turns),
            checks: Semaphore::new(CHECKS),
            files,
            is_off: AtomicBool::new(false),
            staging: OnceCell::new(),
        }
    }

    /// The folder that small files arrive in, made on first use; `None` where none can be made.
    pub async fn staging(
        &self,
        FileTransfer { item, context, .. }: FileTransfer<'_>,
    ) -> Result<Option<&Place>, CopyError> {
        let staging = self.staging.get_or_try_init(|| Staging::make(item, context)).await?;
        Ok(staging.as_ref().map(|staging| &staging.place))
    }

    /// That folder, if it was made.
    pub fn made(&self) -> Option<&Staging> {
        self.staging.get()?.as_ref()
    }

    /// Checks that a file has as many bytes as it announces: the programs that send it go by that size.
    async fn check(&self, transfer: FileTransfer<'_>) -> Result<(), CopyError> {
        // never closed, so never refused
        let _turn = self.checks.acquire().await;
        announced::check(transfer).await
    }

    /// Announces one more file; a pack waits for it until the returned value is dropped.
    fn comes(&self) -> Coming<'_> {
        self.coming.fetch_add(1, Ordering::Relaxed);
        Coming(&self.coming)
    }

    fn push(&self, waiting: Waiting) {
        self.locked().push_back(waiting);
    }

    /// Returns when no more files are on their way into the queue, for now.
    async fn linger(&self) {
        let mut before = 0;
        for _ in 0..LINGERS {
            tokio::time::sleep(LINGER).await;
            let now = self.locked().len();
            let is_all = now == before && self.coming.load(Ordering::Relaxed) == 0;
            if is_all || now >= self.files {
                return;
            }
            before = now;
        }
    }

    /// Takes the files that have waited longest: at most `most` bytes together, but at least one file.
    fn take(&self, most: u64) -> Option<Vec<Waiting>> {
        let mut waiting = self.locked();
        let mut bytes = 0;
        let fits = waiting.iter().take(self.files).take_while(|waiting| {
            bytes += waiting.size;
            bytes <= most
        });
        let count = fits.count().max(1).min(waiting.len());
        let batch: Vec<Waiting> = waiting.drain(..count).collect();
        (!batch.is_empty()).then_some(batch)
    }

    /// Gives up the files that wait for login `login`, which is lost, and for earlier ones.
    pub fn give_up(&self, login: u32) {
        let (gone, left) = self.locked().drain(..).partition(|waiting| waiting.login <= login);
        let gone: VecDeque<Waiting> = gone;
        let left: VecDeque<Waiting> = left;
        self.locked().extend(left);
        gone.into_iter().for_each(|waiting| waiting.tell(Told::Lost("it was given up".to_owned())));
    }

    /// Stops packing: the far end has no `tar`, or it failed.
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

/// A file that is being linked, until this is dropped.
struct Coming<'a>(&'a AtomicUsize);

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pack_waits_for_a_file_that_is_being_linked_but_not_for_ever() {
        let packing = Packing::of(Transport::Streams);
        packing.push(waiting(1, 10, 0).0);
        let coming = packing.comes();
        let link = async {
            tokio::time::sleep(LINGER * 5).await;
            packing.push(waiting(2, 10, 0).0);
            drop(coming);
        };
        tokio::join!(packing.linger(), link);
        assert_eq!(packing.take(u64::MAX).map(|batch| batch.len()), Some(2));
        let _never_comes = packing.comes();
        packing.linger().await;
        assert!(packing.take(u64::MAX).is_none());
    }

    fn waiting(number: u64, size: u64, login: u32) -> (Waiting, oneshot::Receiver<Told>) {
        let (tell, told) = oneshot::channel();
        (Waiting { number, size, login, tell }, told)
    }

    #[test]
    fn a_pack_takes_what_fits_in_order_and_always_something() {
        let packing = Packing::of(Transport::Streams);
        for (number, size) in [(1, 10), (2, 10), (3, 100), (4, 1)] {
            packing.push(waiting(number, size, 0).0);
        }
        let numbers = |batch: Vec<Waiting>| batch.iter().map(|waiting| waiting.number).collect::<Vec<_>>();
        let taken = |most| packing.take(most).map(numbers);
        assert_eq!(taken(25), Some(vec![1, 2]));
        assert_eq!(taken(25), Some(vec![3]));
        assert_eq!(taken(25), Some(vec![4]));
        assert_eq!(taken(25), None);
    }

    #[test]
    fn what_waits_for_a_lost_login_is_told_and_the_rest_waits_on() {
        let packing = Packing::of(Transport::Streams);
        let (old, mut told) = waiting(1, 1, 0);
        let (new, mut untold) = waiting(2, 1, 1);
        packing.push(old);
        packing.push(new);
        packing.give_up(0);
        assert!(matches!(told.try_recv(), Ok(Told::Lost(_))) && untold.try_recv().is_err());
        assert_eq!(packing.take(9).map(|batch| batch.len()), Some(1));
    }
}
