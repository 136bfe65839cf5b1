//! What is said while a verb works. [`Reporter`] takes events from the engine without ever making it wait: one thread
//! owns the screen, draws on its own clock, and stops drawing while a question stands on the terminal.
//!
//! | face | where | says |
//! | --- | --- | --- |
//! | bars | a terminal | nothing for 250 ms, then a bar for each large file and a total, 15 times a second at most |
//! | plain | `--progress plain`, `-v` | a line every ten seconds |
//! | none | elsewhere, `-q` | failures and remarks only |
//!
//! [`journal`] and [`receipt`] are files that are written beside it, on the same thread.
//!
//! People are told on standard error; standard output is for data: [`json`] and the plan of a dry run.

mod bars;
pub mod journal;
pub mod json;
pub mod lines;
pub mod meter;
pub mod numbers;
pub mod plain;
pub mod receipt;
mod worker;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::Kind;
use crate::progress::{Counters, Event, Observer};

pub use lines::Level;
use worker::{Note, Worker};

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Bars on standard error.
    Bars,
    /// A line every ten seconds.
    Plain,
    /// Nothing: a session has the screen.
    Session,
    /// Nothing.
    None,
}

/// What standard output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// One JSON object a line ([`json`]).
    Json,
    /// The plan of a dry run, for people.
    Plan,
    /// Nothing of the reporter's: the verb writes there itself, or not at all.
    Nothing,
}

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Decides the exit code.
    pub kind: Kind,
    /// `upload`, `relay`, …; `None` when it was not decided.
    pub route: Option<String>,
    /// Files that arrived, or would.
    pub files_done: u64,
    /// Files that did not.
    pub files_failed: u64,
    /// Files that were there already.
    pub unchanged: u64,
    /// Left out on purpose.
    pub skipped: u64,
    /// Bytes that an earlier run had left, or that were there already.
    pub kept: u64,
    /// Removed, because the source has it not.
    pub removed: u64,
    /// Bytes that arrived, or would.
    pub bytes: u64,
    /// From the first byte of the command line to the last of the copy.
    pub elapsed: Duration,
    /// The run stopped after the plan.
    pub dry_run: bool,
    /// Why it failed, as said on standard error.
    pub error: Option<String>,
    /// What to do about it, without the `hint: `.
    pub hints: Vec<String>,
}

/// A file that is written while a verb works.
pub trait Record: Send {
    /// Something happened.
    fn event(&mut self, event: &Event);

    /// The run is over, and came to this.
    ///
    /// # Errors
    /// When the file does not say all that it should: one line.
    fn finish(&mut self, summary: &Summary) -> Result<(), String>;
}

/// Tells a person, a log or a program what the engine does.
pub struct Reporter {
    notes: Mutex<Option<Sender<Note>>>,
    thread: Mutex<Option<JoinHandle<Option<Kind>>>>,
    closing: Arc<AtomicBool>,
    /// Events on their way to the thread.
    waiting: Arc<AtomicUsize>,
}

impl Reporter {
    /// Starts the thread that owns the screen and the files.
    pub fn start(shows: (Face, Data, Level), records: Vec<Box<dyn Record>>, counters: Arc<Counters>) -> Reporter {
        let (notes, inbox) = channel();
        let closing = Arc::new(AtomicBool::new(false));
        let worker = Worker::new(shows, records, (counters, closing.clone()));
        let thread = std::thread::spawn(move || worker.run(&inbox));
        Reporter { notes: Mutex::new(Some(notes)), thread: Mutex::new(Some(thread)), closing, waiting: Arc::default() }
    }

    /// Says as much as `level` from now on.
    pub fn set_level(&self, level: Level) {
        self.send(Note::Level(level));
    }

    /// Clears the screen, runs `question`, and draws again. Lines that come meanwhile wait.
    pub fn while_silent<T>(&self, question: impl FnOnce() -> T) -> T {
        let (silent, wait) = sync_channel(0);
        let (over, resume) = sync_channel::<()>(0);
        self.send(Note::Pause { silent, resume });
        let _ = wait.recv(); // an error means there is no screen left to keep silent
        let answer = question();
        drop(over);
        answer
    }

    /// Says the summary and the last lines, and returns when all is written. Later events are dropped. What the run came
    /// to in the end: a file that could not be written counts.
    pub fn finish(&self, summary: Summary) -> Kind {
        let kind = summary.kind;
        self.send(Note::Finish(Box::new(summary)));
        self.end().unwrap_or(kind)
    }

    /// Clears the screen without a summary; returns when all is written.
    pub fn close(&self) {
        self.end();
    }

    fn end(&self) -> Option<Kind> {
        self.closing.store(true, Ordering::Release);
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread?.join().unwrap_or(Some(Kind::Internal)) // its panic has already been reported by the hook
    }

    fn send(&self, note: Note) {
        if let Some(notes) = &*self.notes.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = notes.send(note); // the thread only ends early by a panic
        }
    }
}

impl Observer for Reporter {
    fn event(&self, event: Event) {
        self.send(Note::Event(event, QueuedEvent::in_line(&self.waiting)));
    }

    fn backlog(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// Counts one event until it is dropped.
pub struct QueuedEvent(Arc<AtomicUsize>);

impl QueuedEvent {
    fn in_line(waiting: &Arc<AtomicUsize>) -> QueuedEvent {
        waiting.fetch_add(1, Ordering::Relaxed);
        QueuedEvent(Arc::clone(waiting))
    }
}

impl Drop for QueuedEvent {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
