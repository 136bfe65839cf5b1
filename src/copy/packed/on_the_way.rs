//! The small files on their way up: [`OnTheWay`], in the order in which `tar` makes them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::batch::SentBatch;

/// The batches on their way, by ascending numbers.
#[derive(Default)]
pub struct OnTheWay {
    batches: Mutex<VecDeque<SentBatch>>,
    news: Notify,
}

impl OnTheWay {
    /// One more.
    pub fn push(&self, batch: SentBatch) {
        self.batches().push_back(batch);
        self.news.notify_one();
    }

    /// Returns when something is on its way; `true` when nothing was before.
    pub async fn wait(&self) -> bool {
        let mut has_waited = false;
        while self.batches().is_empty() {
            self.news.notified().await;
            has_waited = true;
        }
        has_waited
    }

    /// The number of the folder that comes next, if any does.
    pub fn next(&self) -> Option<u64> {
        Some(self.batches().front()?.number)
    }

    /// The numbers of the markers that come next, `most` of them.
    pub fn markers(&self, most: usize) -> Vec<u64> {
        self.batches().iter().take(most).map(|batch| batch.marker).collect()
    }

    /// Takes the batches up to the one with this `marker`.
    pub fn take(&self, marker: u64) -> Vec<SentBatch> {
        let mut batches = self.batches();
        let count = batches.iter().take_while(|batch| batch.marker <= marker).count();
        batches.drain(..count).collect()
    }

    fn batches(&self) -> MutexGuard<'_, VecDeque<SentBatch>> {
        // nothing panics while it holds this
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
