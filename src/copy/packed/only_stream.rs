//! A run has one stream of small files at most: [`OnlyStream`], with the queue of what waits for it. It begins when that
//! is worth it, and is not begun again after it has ended.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::copy::task::run_context::RunContext;

/// Files that must be left to do for a stream to be worth its start.
const WORTH: u64 = 100;

/// The stream of a run that `T`s wait for.
pub struct OnlyStream<T> {
    state: Arc<StreamState<T>>,
    /// No stream begins any more. One that ends early has its reason, and the rest goes by itself.
    has_begun: AtomicBool,
    /// Ends with this.
    task: Mutex<JoinSet<()>>,
}

struct StreamState<T> {
    /// The queue while the stream is under way.
    queue: Mutex<Option<mpsc::UnboundedSender<T>>>,
    /// Whether no more files come.
    ends: watch::Sender<bool>,
}

/// Where a stream that has begun lets files in.
pub struct Entrance<T>(Arc<StreamState<T>>);

impl<T: Send + 'static> OnlyStream<T> {
    /// A stream that has not begun; one that is not wanted never does.
    pub fn new(is_wanted: bool) -> OnlyStream<T> {
        let state = StreamState { queue: Mutex::default(), ends: watch::Sender::new(false) };
        OnlyStream { state: Arc::new(state), has_begun: AtomicBool::new(!is_wanted), task: Mutex::default() }
    }

    /// Whether files are going together now.
    pub fn is_on(&self) -> bool {
        self.state.queue().is_some()
    }

    /// The queue of the stream under way. Begins it when that is worth it; until it has begun, files go by themselves.
    /// `begin` is done to its end, also where the run ends meanwhile; the stream that it gives is not.
    pub fn queue<B, S>(
        &self,
        context: &RunContext,
        begin: impl FnOnce(Entrance<T>) -> B,
    ) -> Option<mpsc::UnboundedSender<T>>
    where
        B: Future<Output = Option<S>> + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        if let Some(queue) = self.state.queue().clone() {
            return Some(queue);
        }
        if context.ledger.files_left() < WORTH || self.has_begun.swap(true, Ordering::Relaxed) {
            return None;
        }
        let (state, begin) = (Arc::clone(&self.state), begin(Entrance(Arc::clone(&self.state))));
        self.task().spawn(async move {
            let mut ends = state.ends.subscribe();
            if let Some(stream) = begin.await {
                tokio::select! {
                    () = stream => {}
                    _ = ends.wait_for(|ends| *ends) => {}
                }
            }
            *state.queue() = None;
        });
        None
    }

    /// Ends the stream, and returns when it has ended.
    pub async fn end(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
        self.state.ends.send_replace(true);
        let mut task = std::mem::take(&mut *self.task());
        while task.join_next().await.is_some() {}
    }

    fn task(&self) -> MutexGuard<'_, JoinSet<()>> {
        // nothing panics while it holds this
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Entrance<T> {
    /// What comes from now on.
    pub fn open(&self) -> mpsc::UnboundedReceiver<T> {
        let (queue, files) = mpsc::unbounded_channel();
        *self.0.queue() = Some(queue);
        files
    }
}

impl<T> StreamState<T> {
    fn queue(&self) -> MutexGuard<'_, Option<mpsc::UnboundedSender<T>>> {
        // nothing panics while it holds this
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether small files may go together: nothing is compared or flushed, which is done file by file.
pub fn is_plain(context: &RunContext) -> bool {
    !context.care.verify && !context.care.fsync
}
