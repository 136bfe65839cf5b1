//! How is anything shown while a verb works? [`Reporter`] takes events from the engine without ever making it wait: one
//! thread owns the screen, draws on its own clock, and stops drawing while a question is on the terminal.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::ExitKind;
use crate::progress::{Counters, Event, Observer};

use super::display::{Level, Shows};
use super::summary::{Record, Summary};
use super::worker::{Note, QueuedEvent, Worker};

/// Shows the engine's events to a person, and writes them to logs or as JSON.
pub struct Reporter {
    notes: Mutex<Option<Sender<Note>>>,
    thread: Mutex<Option<JoinHandle<Option<ExitKind>>>>,
    closing: Arc<AtomicBool>,
    /// The number of events on their way to the thread.
    waiting: Arc<AtomicUsize>,
}

impl Reporter {
    /// Starts the thread that owns the screen and the files.
    pub fn start(shows: Shows, records: Vec<Box<dyn Record>>, counters: Arc<Counters>) -> Reporter {
        let (notes, inbox) = channel();
        let closing = Arc::new(AtomicBool::new(false));
        let worker = Worker::new(shows, records, counters, closing.clone());
        let thread = std::thread::spawn(move || worker.run(&inbox));
        Reporter { notes: Mutex::new(Some(notes)), thread: Mutex::new(Some(thread)), closing, waiting: Arc::default() }
    }

    /// Sets how much is shown from now on.
    pub fn set_level(&self, level: Level) {
        self.send(Note::Level(level));
    }

    /// Clears the screen, runs `question`, and draws again. Lines that arrive meanwhile wait.
    pub fn while_silent<T>(&self, question: impl FnOnce() -> T) -> T {
        let (silent, wait) = sync_channel(0);
        let (over, resume) = sync_channel::<()>(0);
        self.send(Note::Pause { silent, resume });
        let _ = wait.recv(); // an error means that the thread has ended
        let answer = question();
        drop(over);
        answer
    }

    /// Shows the summary and the last lines, and returns when everything is written; later events are dropped. The
    /// result is that of the run, or of a file that could not be written.
    pub fn finish(&self, summary: Summary) -> ExitKind {
        let kind = summary.kind;
        self.send(Note::Finish(Box::new(summary)));
        self.end().unwrap_or(kind)
    }

    /// Clears the screen without a summary; returns when all is written.
    pub fn close(&self) {
        self.end();
    }

    fn end(&self) -> Option<ExitKind> {
        self.closing.store(true, Ordering::Release);
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread?.join().unwrap_or(Some(ExitKind::Internal)) // its panic has already been reported by the hook
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
