//! What happened to each file: [`Ledger`] tells the observer, counts in the run's [`Counters`], and keeps the first failures;
//! [`Report`] is what remains at the end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::item::{Item, What};
use crate::copy::ends::remote_sha256::Sum;
use crate::copy::error::{CopyError, Kind};
use crate::copy::place::Place;
use crate::copy::route::Route;
use crate::progress::{Counters, Event, Observer};
use crate::sftp::Attributes;

/// Failures kept in a report; the others are counted, and each has had its event.
pub const FAILURES_KEPT: usize = 1000;

/// Events that may wait to be shown while more is told.
const BACKLOG: usize = 512;

/// How often it is looked whether there are fewer.
const GLANCE: Duration = Duration::from_millis(2);

/// How a copy ended.
#[derive(Debug)]
pub struct Report {
    /// Which way the data went.
    pub route: Route,
    /// Files and links that stand under their final names.
    pub files: u64,
    /// The first failures, at most [`FAILURES_KEPT`].
    pub failed: Vec<Failure>,
    /// All failures.
    pub failures: u64,
}

/// A file, folder or link that did not arrive.
#[derive(Debug)]
pub struct Failure {
    /// Its path at the source, raw.
    pub path: Vec<u8>,
    /// Why.
    pub error: CopyError,
}

impl Report {
    /// What the failures come to; `None` when everything arrived. One broken rule of the protocol outweighs the rest.
    pub fn kind(&self) -> Option<Kind> {
        let first = self.failed.first()?.error.kind();
        let is_alone = self.failures == 1 && self.files == 0;
        let of_one_kind = self.failed.iter().all(|failure| failure.error.kind() == first);
        // a full disk, a restless source and another run are worth their own word however many files they hit
        let telling = matches!(first, Kind::NoSpace | Kind::SourceChanged | Kind::Taken);
        match is_alone || first == Kind::Protocol || (of_one_kind && (telling || self.files == 0)) {
            true => Some(first),
            false => Some(Kind::Several),
        }
    }
}

/// The books of a run.
pub struct Ledger {
    observer: Arc<dyn Observer>,
    counters: Arc<Counters>,
    failed: Mutex<Vec<Failure>>,
    untimed: AtomicU64,
    next: AtomicU64,
}

/// A file whose data moves.
pub struct FileProgress {
    id: u64,
    done: Arc<AtomicU64>,
    /// Of those, bytes that were there from an earlier run.
    kept: AtomicU64,
    /// Bytes the whole file has, as far as is known.
    size: AtomicU64,
    /// What its complete part was seen as, where it was seen.
    landed: Mutex<Option<Attributes>>,
    counters: Arc<Counters>,
}

impl FileProgress {
    /// The destination has acknowledged `bytes` more.
    pub fn moved(&self, bytes: u64) {
        let before = self.done.fetch_add(bytes, Ordering::Relaxed);
        Counters::add(&self.counters.bytes_done, bytes);
        log::trace!("file {}: {} bytes are there", self.id, before + bytes);
    }

    /// So many bytes of the file are there as an attempt begins. What was moved and is not among them has to be moved
    /// again; what is, and was not moved, is of an earlier run.
    pub fn begin_at(&self, there: u64) {
        let before = self.done.swap(there, Ordering::Relaxed);
        log::trace!("file {}: goes on from {there} bytes", self.id);
        Counters::add(&self.counters.bytes_total, before.saturating_sub(there));
        let kept = there.saturating_sub(before);
        self.kept.fetch_add(kept, Ordering::Relaxed);
        Counters::add(&self.counters.bytes_kept, kept);
    }

    /// The file has so many bytes, whatever it announced.
    pub fn ends_at(&self, size: u64) {
        let before = self.size.swap(size, Ordering::Relaxed);
        match size >= before {
            true => Counters::add(&self.counters.bytes_total, size - before),
            false => drop(self.counters.bytes_total.fetch_sub(before - size, Ordering::Relaxed)),
        }
    }

    /// So its part was seen; the last time before it gets its name, it is complete.
    pub fn seen_as(&self, seen: Option<Attributes>) {
        *self.landed.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    /// What stands at the destination, once it has landed.
    pub fn landed_as(&self) -> Option<Attributes> {
        *self.landed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what the part of an earlier try is worth.
    pub fn resumed(&self, ledger: &Ledger, path: Vec<u8>, (kept, because): (u64, &'static str)) {
        ledger.event(Event::Resumed { id: self.id, path, kept, because });
    }
}

impl Ledger {
    /// Empty books.
    pub fn new(observer: Arc<dyn Observer>, counters: Arc<Counters>) -> Ledger {
        Ledger { observer, counters, failed: Mutex::default(), untimed: AtomicU64::new(0), next: AtomicU64::new(0) }
    }

    /// Tells the observer.
    pub fn event(&self, event: Event) {
        self.observer.event(event);
    }

    /// Waits until what was told has been shown, but for a few hundred events: a screen may be slower than a server.
    pub async fn heard(&self) {
        while self.observer.backlog() > BACKLOG {
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// The walk has found something.
    pub fn found(&self, item: &Item) {
        if !matches!(item.what, What::Folder(_)) {
            Counters::add(&self.counters.bytes_total, item.size().unwrap_or(0));
            Counters::add(&self.counters.files_total, 1);
        }
    }

    /// The walk has ended.
    pub fn walked(&self) {
        self.counters.walked.store(true, Ordering::Relaxed);
    }

    /// A file's data begins to move.
    pub fn started(&self, item: &Item) -> FileProgress {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let done = Arc::new(AtomicU64::new(0));
        let (path, size) = (item.source.path(), item.size().unwrap_or(0));
        self.event(Event::FileStarted { id, path, size, done: Arc::clone(&done) });
        let (kept, size, landed) = (AtomicU64::new(0), AtomicU64::new(size), Mutex::default());
        FileProgress { id, done, kept, size, landed, counters: Arc::clone(&self.counters) }
    }

    /// A file stands under its final name.
    pub fn done(&self, item: &Item, started: &FileProgress) {
        let size = started.done.load(Ordering::Relaxed);
        Counters::add(&self.counters.files_done, 1);
        let (path, destination) = (item.source.path(), item.target.path());
        let kept = started.kept.load(Ordering::Relaxed);
        self.event(Event::FileDone { id: started.id, path, destination, size, kept });
    }

    /// A file is at the destination already.
    pub fn unchanged(&self, item: &Item) {
        Counters::add(&self.counters.files_unchanged, 1);
        Counters::add(&self.counters.bytes_kept, item.size().unwrap_or(0));
        self.event(Event::Unchanged { path: item.source.path() });
    }

    /// Both ends of a file were read, and are the same.
    pub fn hashed(&self, started: &FileProgress, (source, destination): (&Sum, &Sum)) {
        let (source, destination) = (hex::encode(source), hex::encode(destination));
        self.event(Event::Hashed { id: started.id, source, destination });
    }

    /// A file, folder or link did not arrive.
    pub fn failed(&self, source: &Place, started: Option<&FileProgress>, error: CopyError) {
        let path = source.path();
        let id = started.map(|started| started.id);
        self.count_failure();
        self.event(Event::FileFailed { id, path: path.clone(), error: error.to_string() });
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.len() < FAILURES_KEPT {
            failed.push(Failure { path, error });
        }
    }

    /// Something did not arrive because its folder failed, which is told already.
    pub fn count_failure(&self) {
        Counters::add(&self.counters.files_failed, 1);
    }

    /// Something is left out on purpose.
    pub fn skipped(&self, source: &Place, reason: &str) {
        Counters::add(&self.counters.skipped, 1);
        self.event(Event::Skipped { path: source.path(), reason: reason.to_owned() });
    }

    /// A file or link stands at the destination already, and was counted as something to do.
    pub fn left(&self, item: &Item) {
        if !matches!(item.what, What::Folder(_)) {
            self.counters.bytes_total.fetch_sub(item.size().unwrap_or(0), Ordering::Relaxed);
            self.counters.files_total.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The destination sets no times of folders.
    pub fn has_times_of_its_own(&self) {
        self.untimed.fetch_add(1, Ordering::Relaxed);
    }

    /// Something at the destination is gone.
    pub fn removed(&self, target: &Place) {
        Counters::add(&self.counters.removed, 1);
        self.event(Event::Removed { path: target.path() });
    }

    /// True when something has failed.
    pub fn has_failures(&self) -> bool {
        Counters::get(&self.counters.files_failed) > 0
    }

    /// The report at the end; what is to be said once is said now.
    pub fn report(&self, route: Route) -> Report {
        match self.untimed.load(Ordering::Relaxed) {
            0 => {}
            1 => self.event(Event::Warning("the server sets no times of folders; 1 has its own".to_owned())),
            more => self.event(Event::Warning(format!("the server sets no times of folders; {more} have their own"))),
        }
        let mut failed = std::mem::take(&mut *self.failed.lock().unwrap_or_else(PoisonError::into_inner));
        // a peer that attacks is worth its word even when all the rest arrived
        failed.sort_by_key(|failure| failure.error.kind() != Kind::Protocol);
        Report {
            route,
            files: Counters::get(&self.counters.files_done),
            failed,
            failures: Counters::get(&self.counters.files_failed),
        }
    }
}
