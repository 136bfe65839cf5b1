//! How do many small files go up together? [`TarUpload`]: as one stream of `tar`, which a shell of the destination unpacks
//! into a private folder beside the target ([`stream`]). Each file leaves that folder for its name once a listing has
//! shown it there, complete: what `tar` says of itself proves nothing.
//!
//! It begins when enough small files are left to do, and not for files that are to be compared or flushed. What does
//! not arrive goes by itself, and its error is told there. Only files of folders that this run has made, or one that
//! it goes on from, go together: others may give their files a group or access rights of their own.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `stream` | the stream, and what has arrived |
//! | `queued` | a file that waits; one that has arrived; where |
//! | `tar` | the format |

mod queued;
mod stream;
mod tar;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::error::CopyError;
use super::land::adopt;
use super::land::staging::numbered;
use super::options::{Keep, MODE_MASK, MODE_UNTOLD};
use super::task::file_transfer::FileTransfer;
use super::task::folder::Ground;
use super::task::item::Item;
use super::task::run_context::RunContext;
use crate::progress::Event;
use queued::{Arrivals, Arrived, QueuedFile};
use stream::Stream;

/// Most bytes of a file that goes together with others.
const LARGEST: u64 = 64 * 1024;

/// Files that must be left to do for a stream to be worth its start.
const WORTH: u64 = 100;

/// Time to find a shell and `tar` there.
const BEGINS: Duration = Duration::from_secs(30);

/// The small files of a run that go up together.
pub struct TarUpload {
    state: Arc<UploadState>,
    /// No stream begins any more. One that ends early has its reason, and the rest goes by itself.
    has_begun: AtomicBool,
    /// Ends with this.
    streams: Mutex<JoinSet<()>>,
}

/// What a stream changes.
struct UploadState {
    /// The queue of the stream under way.
    queue: Mutex<Option<mpsc::UnboundedSender<QueuedFile>>>,
    arrivals: Arrivals,
    /// Whether no more files come.
    ends: watch::Sender<bool>,
}

impl TarUpload {
    /// Files that go together, where that is wanted and the destination is another host.
    pub fn new(is_wanted: bool) -> TarUpload {
        let (queue, ends) = (Mutex::default(), watch::Sender::new(false));
        let state = Arc::new(UploadState { queue, arrivals: Arrivals::default(), ends });
        TarUpload { state, has_begun: AtomicBool::new(!is_wanted), streams: Mutex::default() }
    }

    /// Whether files are going together now.
    pub fn is_on(&self) -> bool {
        self.state.queue().is_some()
    }

    /// Copies a small file together with others; `false` when it has to go by itself.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn send(&self, transfer: FileTransfer<'_>) -> Result<bool, CopyError> {
        let FileTransfer { context, item, links, version, started } = transfer;
        let is_plain = !context.care.verify && !context.care.fsync;
        if !is_plain || transfer.size() > LARGEST || !is_own(transfer).await {
            return Ok(false);
        }
        let Some(queue) = self.queue(context, item) else { return Ok(false) };
        started.begin_at(0);
        let (tell, told) = oneshot::channel();
        let file = QueuedFile { source: item.source.clone(), links, version: *version, mode: mode(transfer), tell };
        // a stream that has ended lets go of what waited for it
        let Ok(()) = queue.send(file) else { return Ok(false) };
        let told = {
            let _waits = item.lanes.clock().waits();
            told.await
        };
        let Ok(Arrived { number, there, sent }) = told else { return Ok(false) };
        let Some(staging) = self.state.arrivals.place() else { return Ok(false) };
        started.reads(sent);
        started.moved(transfer.size());
        let lane = item.lanes.idlest();
        let _busy = lane.busy();
        match adopt::adopt(&lane.destination, transfer, &staging.join(&numbered(number)), &there).await {
            Ok(()) => Ok(true),
            Err(error) if error.ends_the_run() => Err(error),
            // why it cannot have its name is told where it goes by itself
            Err(_) => Ok(false),
        }
    }

    /// The queue of the stream under way. Begins one when that is worth it; until it has begun, files go by themselves.
    fn queue(&self, context: &Arc<RunContext>, item: &Item) -> Option<mpsc::UnboundedSender<QueuedFile>> {
        if let Some(queue) = self.state.queue().clone() {
            return Some(queue);
        }
        if context.ledger.files_left() < WORTH || self.has_begun.swap(true, Ordering::Relaxed) {
            return None;
        }
        // nothing panics while it holds this
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.spawn(stream(Arc::clone(&self.state), Arc::clone(context), item.clone()));
        None
    }

    /// Ends the stream and removes the folder that files arrived in, if that takes no longer than `limit`. What is
    /// left, the next run removes.
    pub async fn end(&self, limit: Duration) {
        self.has_begun.store(true, Ordering::Relaxed);
        self.state.ends.send_replace(true);
        let mut streams = std::mem::take(&mut *self.streams.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = async {
            // a folder that is being made is made first
            while streams.join_next().await.is_some() {}
            if let Some(staging) = self.state.arrivals.staging() {
                // it is a part, which the next run removes
                let _ = staging.remove().await;
            }
        };
        let _ = timeout(limit, ended).await;
    }
}

/// One stream, from its beginning to its end.
async fn stream(state: Arc<UploadState>, context: Arc<RunContext>, item: Item) {
    let Ok(Some(_)) = state.arrivals.make(&item, &context).await else { return };
    // its folder is not held: it is finished when its files are done
    let lanes = Arc::clone(&item.lanes);
    drop(item);
    let mut ends = state.ends.subscribe();
    let run = async {
        let begun = timeout(BEGINS, Stream::begin(&state.arrivals, &context, lanes)).await;
        let Some(stream) = begun.ok().flatten() else { return };
        let (queue, files) = mpsc::unbounded_channel();
        *state.queue() = Some(queue);
        context.ledger.event(Event::Detail("small files go together, in a stream of tar".to_owned()));
        stream.run(files, &context).await;
    };
    tokio::select! {
        () = run => {}
        _ = ends.wait_for(|ends| *ends) => {}
    }
    *state.queue() = None;
}

impl UploadState {
    fn queue(&self) -> MutexGuard<'_, Option<mpsc::UnboundedSender<QueuedFile>>> {
        // nothing panics while it holds this
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a file's folder was made by this run, or by one that it goes on from: then it is like the staging folder.
async fn is_own(transfer: FileTransfer<'_>) -> bool {
    transfer.item.folder.is_some() && (transfer.item.ground().await == Ground::Fresh || transfer.context.goes_on)
}

/// The permission bits that a new file is to have.
fn mode(FileTransfer { context, item, version, .. }: FileTransfer<'_>) -> u32 {
    let mode = version.permissions.unwrap_or(MODE_UNTOLD) & MODE_MASK;
    match context.keep {
        Keep::ModeAndTimes => mode,
        Keep::Nothing => mode & !item.lanes.destination().umask.guess(),
    }
}
