//! Which folder is being made, and how far is it? [`TreeMarker`], this run's marker beside the folder: made before the
//! folder, filled as files land, removed once everything is there. It also asks the markers of earlier runs which files
//! have landed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use super::book::Book;
use super::lines::{LandedFiles, header, source_words, there_words};
use super::tree::{PRIVATE, Tree};
use crate::copy::ends::identity::FileIdentity;
use crate::copy::ends::join_in_order;
use crate::copy::ends::lanes::Lanes;
use crate::copy::ends::side::Side;
use crate::copy::error::CopyError;
use crate::copy::options::{MODE_MASK, Options, Resume};
use crate::copy::place::Links;
use crate::copy::task::item::{Item, What};
use crate::copy::task::ledger::Ledger;
use crate::copy::task::leftovers::Leftover;
use crate::copy::task::planned_copy::{FolderMarker, Making};
use crate::copy::task::this_run::ThisRun;
use crate::progress::Event;
use crate::sftp::{Attributes, FileKind};

/// Most markers of earlier runs that are read.
const READ: usize = 4;

/// Most bytes of a marker that are read; bytes read at a time; and reads at once.
const LONGEST: u64 = 64 << 20;
const BLOCK: usize = 32 << 10;
const TOGETHER: u64 = 16;

/// Least time that the end of a copy waits to see whether ended runs have left markers; it waits as long as the copy
/// itself took, if that is longer.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// What the folder is like at the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreeState {
    /// Everything that belongs in it is there.
    Complete,
    /// Something is missing.
    Lacking,
}

/// This run's marker of a folder that becomes a source's copy.
pub struct TreeMarker {
    tree: Tree,
    lanes: Arc<Lanes>,
    run: Arc<ThisRun>,
    ledger: Arc<Ledger>,
    header: String,
    /// Whether modes and times are copied.
    preserves: bool,
    resume: Resume,
    began: Instant,
    /// The marker's lines; set when the marker is made.
    book: OnceCell<Arc<Book>>,
    writer: Mutex<JoinSet<()>>,
    has_folder: AtomicBool,
    landed: OnceCell<LandedFiles>,
}

impl TreeMarker {
    /// A marker of `tree` for a run with these options. Nothing is made yet.
    pub fn new(
        tree: Tree,
        lanes: &Arc<Lanes>,
        run: &Arc<ThisRun>,
        ledger: &Arc<Ledger>,
        options: &Options,
    ) -> TreeMarker {
        let words = [(options.preserve, "-p"), (options.care.verify, "--verify"), (options.care.fsync, "--fsync")];
        let words: Vec<&str> = words.into_iter().filter(|(is_set, _)| *is_set).map(|(_, word)| word).collect();
        TreeMarker {
            tree,
            lanes: Arc::clone(lanes),
            run: Arc::clone(run),
            ledger: Arc::clone(ledger),
            header: header(&words),
            preserves: options.preserve,
            resume: options.resume,
            began: Instant::now(),
            book: OnceCell::new(),
            writer: Mutex::default(),
            has_folder: AtomicBool::new(false),
            landed: OnceCell::new(),
        }
    }

    /// Whether an earlier run has begun to make the folder.
    pub fn goes_on(&self) -> bool {
        !self.tree.earlier.is_empty()
    }

    async fn make(&self, side: &Side, book: &Arc<Book>) {
        match side.create(&book.place, PRIVATE).await {
            Ok(file) => book.begin(file).await,
            // the folder cannot be made either, and both are tried again
            Err(error) if error.ends_the_run() => return,
            Err(error) => match side.look(&book.place, Links::Keep).await {
                // by this run, before its session was lost
                Ok(Some(_)) => {}
                Err(error) if error.ends_the_run() => return,
                _ => {
                    book.shut();
                    return self
                        .detail(&format!("cannot be made, so no later run will go on with its folder: {error}"));
                }
            },
        }
        let (book, ledger) = (Arc::clone(book), Arc::clone(&self.ledger));
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.is_empty() {
            writer.spawn(async move {
                let error = book.keep_writing().await;
                let place = String::from_utf8_lossy(&book.place.path()).into_owned();
                ledger.event(Event::Detail(format!("{place}: no more can be written to it: {error}")));
            });
        }
    }

    /// The version of a file at the source, as words for a line; `None` where that cannot be told.
    async fn version(&self, item: &Item) -> Option<String> {
        let What::File(links) = item.what else { return None };
        let side = item.lanes.idlest().source.clone();
        Some(side.identity(&item.source, links, &item.attributes).await.ok()?.words())
    }

    /// The version of a file that has landed, as words for a line: the one `read` on this machine, or the one that the host
    /// listed.
    pub fn version_of(&self, item: &Item, read: Option<FileIdentity>) -> Option<String> {
        match item.lanes.idlest().source {
            Side::Local => Some(read?.words()),
            Side::Remote(_) => Some(FileIdentity::from(&item.attributes).words()),
        }
    }

    /// Records that a file has landed: which `version`, and with which attributes `there`.
    pub fn landed(&self, item: &Item, version: &str, mut there: Attributes) {
        if self.preserves {
            there.times = item.attributes.times.or(there.times);
        }
        let words = self.book.get().zip(there_words(&there)).zip(self.source(item, version));
        if let Some(((book, there), source)) = words {
            book.add(&there, &source);
        }
    }

    /// Whether an earlier run has landed a file, and both ends are still as they were then.
    pub async fn holds(&self, item: &Item) -> bool {
        if !self.goes_on() || self.resume == Resume::Never {
            return false;
        }
        let landed = self.landed.get_or_init(|| self.read_earlier()).await;
        let Some(version) = self.version(item).await else { return false };
        let Some(source) = self.source(item, &version).filter(|source| landed.knows(source)) else { return false };
        let side = item.lanes.idlest().destination.clone();
        let Ok(Some(there)) = side.look(&item.target, Links::Keep).await else { return false };
        let modes = item.attributes.permissions.zip(there.permissions);
        let has_mode = !self.preserves || modes.is_some_and(|(here, there)| (here ^ there) & MODE_MASK == 0);
        let Some(words) = there_words(&there).filter(|_| there.kind() == FileKind::File && has_mode) else {
            return false;
        };
        let holds = landed.has(&words, &source);
        if let (true, Some(book)) = (holds, self.book.get()) {
            book.add(&words, &source);
        }
        holds
    }

    /// The second half of a file's line.
    fn source(&self, item: &Item, version: &str) -> Option<String> {
        let below = item.target.below().strip_prefix(self.tree.root.below())?.strip_prefix(b"/")?;
        Some(source_words(version, below))
    }

    async fn read_earlier(&self) -> LandedFiles {
        let mut landed = LandedFiles::under(&self.header);
        // the longest last: its lines are the latest, as a rule
        for left in self.tree.earlier.iter().take(READ).rev() {
            // what cannot be read goes again
            let _ = read(&self.lanes.idlest().destination, left, &mut landed).await;
        }
        landed
    }

    /// Ends the marker with the run. It is removed when its folder is complete, together with those that ended runs
    /// have left.
    pub async fn end(&self, arrival: TreeState) {
        let Some(book) = self.book.get() else { return };
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
        if arrival == TreeState::Lacking && self.has_folder.load(Ordering::Relaxed) {
            if book.is_shut() {
                return;
            }
            // what is not written goes again
            let _ = book.flush().await;
            return self.detail("stays, so that the same command goes on with its folder");
        }
        if let Err(error) = self.lanes.retry(|_| self.remove(book, arrival)).await {
            self.warn(&error);
        }
    }

    async fn remove(&self, book: &Book, arrival: TreeState) -> Result<(), CopyError> {
        book.remove().await?;
        match arrival {
            TreeState::Complete => {
                let patience = self.began.elapsed().max(LEAST_WAIT);
                self.tree.clear(&self.lanes.idlest().destination, &self.run, patience).await
            }
            TreeState::Lacking => Ok(()),
        }
    }

    fn warn(&self, error: &CopyError) {
        self.ledger
            .event(Event::Warning(format!("a marker is left, and the same command goes on with its folder: {error}")));
    }

    fn detail(&self, what: &str) {
        if let Some(book) = self.book.get() {
            let place = String::from_utf8_lossy(&book.place.path()).into_owned();
            self.ledger.event(Event::Detail(format!("{place}: {what}")));
        }
    }
}

impl FolderMarker for TreeMarker {
    fn goes_on(&self) -> bool {
        TreeMarker::goes_on(self)
    }

    /// Makes the marker before the folder without an extra round trip. Failing to make it is no error.
    fn before<'a>(&'a self, side: &'a Side, make_folder: Making<'a>) -> Making<'a> {
        Box::pin(async move {
            // the others can see that this run lives before there is a marker
            let id = self.run.id(0).await;
            let place = self.tree.marker(*self.tree.own.get_or_init(|| id));
            let book = || async { Arc::new(Book::new(place, Arc::clone(&self.lanes), &self.header)) };
            let book = self.book.get_or_init(book).await;
            match side {
                Side::Local => {
                    self.make(side, book).await;
                    make_folder.await
                }
                // what is asked for over one session is done in the order in which it was asked for
                Side::Remote(_) => tokio::join!(biased; self.make(side, book), make_folder).1,
            }
        })
    }

    fn has_folder(&self) {
        self.has_folder.store(true, Ordering::Relaxed);
    }
}

/// Reads the lines of a marker, if it is what was listed, or has grown since.
async fn read(side: &Side, left: &Leftover, landed: &mut LandedFiles) -> Result<(), CopyError> {
    let file = side.open(&left.place, Links::Keep).await?;
    let (opened, named) = tokio::try_join!(file.identity(), side.look(&left.place, Links::Keep))?;
    let (opened, listed) = (opened.0, &left.attributes);
    let is_file = |told: &Attributes| matches!(told.kind(), FileKind::File | FileKind::Unknown);
    let is_it = named.is_some_and(|named| is_file(&named)) && is_file(&opened) && opened.owner == listed.owner;
    if !is_it || opened.size < listed.size || !file.is_ours_alone().await? {
        return Ok(());
    }
    let size = opened.size.unwrap_or(0).min(LONGEST);
    let block = BLOCK.min(file.max_read()) as u64;
    let mut reader = landed.reader();
    let mut at = 0;
    while at < size {
        let offsets = (0..TOGETHER).map(|number| at + number * block).filter(|offset| *offset < size);
        let pieces = join_in_order::all(offsets.map(|offset| file.read(offset, block as usize))).await;
        for piece in pieces {
            if !reader.take(&piece?) {
                return Ok(());
            }
        }
        at += TOGETHER * block;
    }
    Ok(())
}
