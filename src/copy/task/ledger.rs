//! What happened to each file? [`Ledger`] informs the observer, counts in the run's [`Counters`], and keeps the first failures;
//! [`Report`] is what remains at the end.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::item::{Item, What};
use crate::copy::ends::identity::FileIdentity;
use crate::copy::ends::remote_sha256::Sum;
use crate::copy::error::{CopyError, Kind};
use crate::copy::place::Place;
use crate::copy::route::Route;
use crate::progress::{Counters, Event, Observer};
use crate::sftp::Attributes;

/// Most failures kept in a report; all are counted, and each has had its event.
pub const FAILURES_KEPT: usize = 1000;

/// Most events that wait to be shown before the run waits for them.
const BACKLOG: usize = 512;

/// Time between two looks at how many wait.
const GLANCE: Duration = Duration::from_millis(2);

/// How a copy ended.
#[derive(Debug)]
pub struct Report {
    /// The route that the data took.
    pub route: Route,
    /// Files and links that have their final names.
    pub files: u64,
    /// The first failures, at most [`FAILURES_KEPT`].
    pub failed: Vec<Failure>,
    /// All failures.
    pub failures: u64,
}

/// A file, folder or link that did not arrive.
#[derive(Debug)]
pub struct Failure {
    /// Its path at the source, as raw bytes.
    pub path: Vec<u8>,
    /// Why it did not arrive.
    pub error: CopyError,
}

impl Report {
    /// The kind of the failures together; `None` when everything arrived. One broken rule of the protocol outweighs the
    /// rest.
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

/// Counts and reports what happens in a run.
pub struct Ledger {
    observer: Arc<dyn Observer>,
    counters: Arc<Counters>,
    failed: Mutex<Vec<Failure>>,
    untimed: AtomicU64,
    /// What is said of the first file that has fewer permissions than it should, and the number of all of them.
    stricter: Mutex<(String, u64)>,
    /// Entries of the destination that were removed to make way, or are about to be.
    reserved: AtomicU64,
    /// Whether something failed that might be the reason why the source seems to lack an entry.
    keeps_others: AtomicBool,
    next: AtomicU64,
}

/// The progress of a file whose data is moving.
pub struct FileProgress {
    id: u64,
    done: Arc<AtomicU64>,
    /// Bytes of those that an earlier run had left.
    kept: AtomicU64,
    /// Size of the whole file in bytes, as far as it is known.
    size: AtomicU64,
    /// The version of the source, where hop opened it.
    read: Mutex<Option<FileIdentity>>,
    /// The attributes of its complete part file, where they were seen.
    landed: Mutex<Option<Attributes>>,
    counters: Arc<Counters>,
}

impl FileProgress {
    /// Counts `bytes` more that the destination has acknowledged.
    pub fn moved(&self, bytes: u64) {
        let before = self.done.fetch_add(bytes, Ordering::Relaxed);
        Counters::add(&self.counters.bytes_done, bytes);
        log::trace!("file {}: {} bytes are there", self.id, before + bytes);
    }

    /// Bytes already in the part file when this attempt starts. Bytes that were moved but are not among them must be
    /// moved again; the others that were not moved are an earlier run's.
    pub fn begin_at(&self, there: u64) {
        let before = self.done.swap(there, Ordering::Relaxed);
        log::trace!("file {}: goes on from {there} bytes", self.id);
        Counters::add(&self.counters.bytes_total, before.saturating_sub(there));
        let kept = there.saturating_sub(before);
        self.kept.fetch_add(kept, Ordering::Relaxed);
        Counters::add(&self.counters.bytes_kept, kept);
    }

    /// The file has `size` bytes, whatever it announced.
    pub fn ends_at(&self, size: u64) {
        let before = self.size.swap(size, Ordering::Relaxed);
        match size >= before {
            true => Counters::add(&self.counters.bytes_total, size - before),
            false => drop(self.counters.bytes_total.fetch_sub(before - size, Ordering::Relaxed)),
        }
    }

    /// Whether anything has been written.
    pub fn has_moved(&self) -> bool {
        self.done.load(Ordering::Relaxed) > 0
    }

    /// Notes the version of the source that is being read.
    pub fn reads(&self, version: FileIdentity) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
    }

    /// The version of the source that was read, if hop read it.
    pub fn version_read(&self) -> Option<FileIdentity> {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the attributes of the part file as seen; the last time before it gets its name, it is complete.
    pub fn seen_as(&self, seen: Option<Attributes>) {
        *self.landed.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    /// The attributes of the file at the destination, once it has landed.
    pub fn landed_as(&self) -> Option<Attributes> {
        *self.landed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports how many bytes of an earlier part file are `kept`, and why not more.
    pub fn resumed(&self, ledger: &Ledger, path: Vec<u8>, kept: u64, because: &'static str) {
        ledger.event(Event::Resumed { id: self.id, path, kept, because });
    }
}

impl Ledger {
    /// An empty ledger.
    pub fn new(observer: Arc<dyn Observer>, counters: Arc<Counters>) -> Ledger {
        Ledger {
            observer,
            counters,
            failed: Mutex::default(),
            untimed: AtomicU64::default(),
            stricter: Mutex::default(),
            reserved: AtomicU64::default(),
            keeps_others: AtomicBool::default(),
            next: AtomicU64::new(0),
        }
    }

    /// Informs the observer.
    pub fn event(&self, event: Event) {
        self.observer.event(event);
    }

    /// Waits until all but a few hundred events have been shown: a screen may be slower than a server.
    pub async fn heard(&self) {
        while self.observer.backlog() > BACKLOG {
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Counts an item that the walk has found.
    pub fn found(&self, item: &Item) {
        if !matches!(item.what, What::Folder(_)) {
            Counters::add(&self.counters.bytes_total, item.size().unwrap_or(0));
            Counters::add(&self.counters.files_total, 1);
        }
    }

    /// Records that the walk has ended.
    pub fn walked(&self) {
        self.counters.walked.store(true, Ordering::Relaxed);
    }

    /// Begins the progress of a file.
    pub fn started(&self, item: &Item) -> FileProgress {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let done = Arc::new(AtomicU64::new(0));
        let (path, size) = (item.source.path(), item.size().unwrap_or(0));
        self.event(Event::FileStarted { id, path, size, done: Arc::clone(&done) });
        let (kept, size, read, landed) = (AtomicU64::new(0), AtomicU64::new(size), Mutex::default(), Mutex::default());
        FileProgress { id, done, kept, size, read, landed, counters: Arc::clone(&self.counters) }
    }

    /// Records that a file has its final name.
    pub fn done(&self, item: &Item, started: &FileProgress) {
        let size = started.done.load(Ordering::Relaxed);
        Counters::add(&self.counters.files_done, 1);
        let (path, destination) = (item.source.path(), item.target.path());
        let kept = started.kept.load(Ordering::Relaxed);
        self.event(Event::FileDone { id: started.id, path, destination, size, kept });
    }

    /// Records that the destination already has a file.
    pub fn unchanged(&self, item: &Item) {
        Counters::add(&self.counters.files_unchanged, 1);
        Counters::add(&self.counters.bytes_kept, item.size().unwrap_or(0));
        self.event(Event::Unchanged { path: item.source.path() });
    }

    /// Reports that a file is written in place, and the reason where nobody has asked for it.
    pub fn in_place(&self, started: &FileProgress, target: &Place, reason: Option<&'static str>) {
        self.event(Event::InPlace { id: started.id, destination: target.path(), reason });
    }

    /// Reports that a file was written in place and not to its end.
    pub fn incomplete(&self, target: &Place) {
        let path = String::from_utf8_lossy(&target.path()).into_owned();
        self.event(Event::Warning(format!("{path} was written in place, and is not complete")));
    }

    /// Reports that an unchanged file lacked the source's mode or times, and has them now.
    pub fn repaired(&self, target: &Place) {
        let path = String::from_utf8_lossy(&target.path()).into_owned();
        self.event(Event::Detail(format!("{path}: mode and times set; its content is unchanged")));
    }

    /// Records that both ends of a file were read and are the same.
    pub fn hashed(&self, started: &FileProgress, source: &Sum, destination: &Sum) {
        let (source, destination) = (hex::encode(source), hex::encode(destination));
        self.event(Event::Hashed { id: started.id, source, destination });
    }

    /// Reports that a file, folder or link did not arrive.
    pub fn failed(&self, source: &Place, started: Option<&FileProgress>, error: CopyError) {
        let path = source.path();
        let id = started.map(|started| started.id);
        self.count_failure();
        self.event(Event::FileFailed { id, path: path.clone(), error: error.to_string() });
        self.keeps_others.fetch_or(!error.lets_others_go(), Ordering::Relaxed);
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.len() < FAILURES_KEPT {
            failed.push(Failure { path, error });
        }
    }

    /// Counts an item that did not arrive because its folder failed, which has been reported.
    pub fn count_failure(&self) {
        Counters::add(&self.counters.files_failed, 1);
    }

    /// Reports that something is left out on purpose.
    pub fn skipped(&self, source: &Place, reason: &str) {
        Counters::add(&self.counters.skipped, 1);
        self.event(Event::Skipped { path: source.path(), reason: reason.to_owned() });
    }

    /// Takes back the count of a file or link that the destination already has.
    pub fn left(&self, item: &Item) {
        if !matches!(item.what, What::Folder(_)) {
            self.counters.bytes_total.fetch_sub(item.size().unwrap_or(0), Ordering::Relaxed);
            self.counters.files_total.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Records that the destination sets no times of folders.
    pub fn has_times_of_its_own(&self) {
        self.untimed.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that a file has fewer permissions than it `should` have, because the destination sets no modes.
    pub fn is_stricter(&self, target: &Place, is: u32, should: u32) {
        let mut stricter = self.stricter.lock().unwrap_or_else(PoisonError::into_inner);
        if stricter.1 == 0 {
            let path = String::from_utf8_lossy(&target.path()).into_owned();
            stricter.0 = format!("{path} has {is:04o} instead of {should:04o}");
        }
        stricter.1 += 1;
    }

    /// Reports that something at the destination was removed.
    pub fn removed(&self, target: &Place) {
        Counters::add(&self.counters.removed, 1);
        self.event(Event::Removed { path: target.path() });
    }

    /// Reserves the removal of `count` entries that are in the way; `false` when that is more than `most` in the whole run.
    pub fn reserve_removals(&self, count: u64, most: u64) -> bool {
        let add = |reserved: u64| reserved.checked_add(count).filter(|sum| *sum <= most);
        self.reserved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    /// Entries whose removal was reserved.
    pub fn reserved_removals(&self) -> u64 {
        self.reserved.load(Ordering::Relaxed)
    }

    /// Whether nothing may be removed for being at the destination alone.
    pub fn keeps_others(&self) -> bool {
        self.keeps_others.load(Ordering::Relaxed)
    }

    /// Files that the walk has found so far and that are still to be done.
    pub fn files_left(&self) -> u64 {
        let of = |counter| Counters::get(counter);
        let ended = [&self.counters.files_done, &self.counters.files_unchanged, &self.counters.files_failed];
        of(&self.counters.files_total).saturating_sub(ended.into_iter().map(of).sum())
    }

    /// True when something has failed.
    pub fn has_failures(&self) -> bool {
        Counters::get(&self.counters.files_failed) > 0
    }

    /// The report at the end. What is said once for the whole run is said now.
    pub fn report(&self, route: Route) -> Report {
        match self.untimed.load(Ordering::Relaxed) {
            0 => {}
            1 => self.event(Event::Warning("the server sets no times of folders; 1 has its own".to_owned())),
            more => self.event(Event::Warning(format!("the server sets no times of folders; {more} have their own"))),
        }
        match &*self.stricter.lock().unwrap_or_else(PoisonError::into_inner) {
            (_, 0) => {}
            (first, 1) => self.event(Event::Warning(format!("the mode could not be set: {first}"))),
            (first, more) => {
                self.event(Event::Warning(format!("the modes of {more} files could not be set: {first}, for one")));
            }
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
