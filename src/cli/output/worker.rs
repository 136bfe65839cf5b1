//! What does the thread that owns the screen do? It takes notes and prints lines and bars.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use super::safe;
use crate::error::{ExitKind, kind_of_local};
use crate::progress::{Change, Counters, Event};
use crate::words::words_of;

use super::bars::Bars;

use super::display::{Data, Face, Level, Shows};
use super::lines::{lines_beside_session, lines_of};
use super::meter::Meter;
use super::summary::{Record, Summary};
use super::{json, numbers, plain};

/// How often the worker checks whether an open question still matters.
const GLANCE: Duration = Duration::from_millis(50);

/// How long the worker sleeps once it has no messages left.
const NAP: Duration = Duration::from_millis(1);

/// A message to the worker.
pub enum Note {
    /// Something happened.
    Event(Event, QueuedEvent),
    /// Clear the screen, report that through `silent`, and wait until `resume` is closed.
    Pause {
        /// Receives a message when the screen is clear.
        silent: SyncSender<()>,
        /// Closed when drawing may continue.
        resume: Receiver<()>,
    },
    /// Show this much from now on.
    Level(Level),
    /// The run is over.
    Finish(Box<Summary>),
}

/// Counts one event until it is dropped.
pub struct QueuedEvent(Arc<AtomicUsize>);

impl QueuedEvent {
    /// Adds one to the number of events that are `waiting`.
    pub fn in_line(waiting: &Arc<AtomicUsize>) -> QueuedEvent {
        waiting.fetch_add(1, Ordering::Relaxed);
        QueuedEvent(Arc::clone(waiting))
    }
}

impl Drop for QueuedEvent {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether lines of data can still be written.
enum Stdout {
    /// They can.
    Open,
    /// The reader has closed standard output.
    Closed,
    /// A line could not be written.
    Broken(io::Error),
}

/// The state of the screen.
pub struct Worker {
    face: Face,
    data: Data,
    level: Level,
    counters: Arc<Counters>,
    meter: Meter,
    bars: Option<Bars>,
    next_line: Instant,
    stdout: Stdout,
    /// The texts that hosts sent before the login, each once.
    banners: HashSet<(String, String)>,
    closing: Arc<AtomicBool>,
    records: Vec<Box<dyn Record>>,
    came_to: Option<ExitKind>,
}

impl Worker {
    /// A worker; `closing` is set when the run is over, even if a question is still open.
    pub fn new(
        shows: Shows,
        records: Vec<Box<dyn Record>>,
        counters: Arc<Counters>,
        closing: Arc<AtomicBool>,
    ) -> Worker {
        let Shows { face, data, level } = shows;
        let bars = (face == Face::Bars).then(Bars::on_stderr);
        let now = Instant::now();
        let next_line = now + plain::EVERY;
        Worker {
            face,
            data,
            level,
            counters,
            meter: Meter::new(now),
            bars,
            next_line,
            stdout: Stdout::Open,
            banners: HashSet::new(),
            closing,
            records,
            came_to: None,
        }
    }

    /// Works until every sender is closed, and returns the result of the run if it was told.
    pub fn run(mut self, inbox: &Receiver<Note>) -> Option<ExitKind> {
        loop {
            match self.next(inbox) {
                Ok(Note::Event(event, _waits)) => self.event(&event),
                Ok(Note::Pause { silent, resume }) => {
                    self.clear();
                    let _ = silent.send(());
                    self.wait_for(&resume);
                }
                Ok(Note::Level(level)) => self.level = level,
                Ok(Note::Finish(summary)) => self.finish(*summary),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.clear();
                    return self.came_to;
                }
            }
            self.tick(Instant::now());
        }
    }

    /// The next message. One that comes within a [`NAP`] of the last is not waited for on the channel: to wake this thread
    /// for each message would cost about as much as copying a small file.
    fn next(&self, inbox: &Receiver<Note>) -> Result<Note, RecvTimeoutError> {
        match inbox.try_recv() {
            Ok(note) => Ok(note),
            Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
            Err(TryRecvError::Empty) => {
                thread::sleep(NAP);
                inbox.recv_timeout(self.until_next())
            }
        }
    }

    /// Waits until the question is answered, or nobody waits for the answer any more because a signal arrived.
    fn wait_for(&self, resume: &Receiver<()>) {
        while let Err(RecvTimeoutError::Timeout) = resume.recv_timeout(GLANCE) {
            if self.closing.load(Ordering::Acquire) {
                return;
            }
        }
    }

    fn until_next(&self) -> Duration {
        match (&self.bars, self.face) {
            (Some(bars), _) => bars.until_next_frame(Instant::now()),
            (None, Face::Plain) => self.next_line.saturating_duration_since(Instant::now()),
            (None, _) => Duration::from_secs(3600),
        }
    }

    fn event(&mut self, event: &Event) {
        if let Event::Banner { hop, text } = event
            && !self.banners.insert((hop.clone(), text.clone()))
        {
            return; // a further session with the same host sends the same
        }
        let lines = match self.face {
            Face::Session => lines_beside_session(event, self.level),
            _ => lines_of(event, self.level),
        };
        match (event, self.face) {
            (Event::Banner { .. }, Face::Session) => {
                lines.iter().for_each(|line| super::stderr::put_banner_line(line));
            }
            _ => lines.iter().for_each(|line| self.say(line)),
        }
        match self.data {
            Data::Json => {
                if let Some(object) = json::object(event) {
                    self.put(&object.to_string());
                }
            }
            Data::Plan => match event {
                Event::Planned { path, destination, size } => self.put(&planned(path, destination, *size)),
                Event::PlannedChange { change, path } => self.put(&changed(*change, path)),
                _ => {}
            },
            Data::Nothing => {}
        }
        if let Some(bars) = &mut self.bars {
            bars.event(event);
        }
        self.records.iter_mut().for_each(|record| record.event(event));
    }

    fn tick(&mut self, now: Instant) {
        if let Some(bars) = &mut self.bars {
            bars.tick(now, &self.counters, &mut self.meter);
        } else if self.face == Face::Plain && now >= self.next_line {
            self.next_line = now + plain::EVERY;
            let reading = self.meter.read(&self.counters, now);
            self.say(&plain::progress(&reading));
        }
    }

    fn finish(&mut self, mut summary: Summary) {
        self.clear();
        self.bars = None;
        self.face = Face::None;
        self.fail_with_stdout(&mut summary);
        for trouble in self.records.iter_mut().filter_map(|record| record.finish(&summary).err()).collect::<Vec<_>>() {
            let trouble = safe::line(trouble.to_string());
            self.say(&format!("hop: {trouble}"));
            if summary.kind == ExitKind::Done {
                summary = Summary { kind: ExitKind::LocalFile, error: Some(trouble), ..summary };
            }
        }
        if summary.error.is_none() && self.level >= Level::Story {
            self.say(&plain::summary(&summary));
        }
        if self.data == Data::Json {
            self.put(&json::summary(&summary).to_string());
            self.fail_with_stdout(&mut summary);
        }
        self.came_to = Some(summary.kind);
    }

    /// Makes a successful run fail if its data could not be written; the error has already been printed.
    fn fail_with_stdout(&self, summary: &mut Summary) {
        if let (Stdout::Broken(error), ExitKind::Done) = (&self.stdout, summary.kind) {
            (summary.kind, summary.error) = (kind_of_local(error), Some(unwritten(error)));
        }
    }

    /// Prints one line for people, above the bars.
    fn say(&mut self, safe_line: &str) {
        let print = || super::stderr::put_line(safe_line);
        match &self.bars {
            Some(bars) => bars.suspend(print),
            None => print(),
        }
    }

    /// Prints one line of data. A reader that closed standard output, or a full disk, does not stop a copy.
    fn put(&mut self, safe_line: &str) {
        if !matches!(self.stdout, Stdout::Open) {
            return;
        }
        let print = || writeln!(io::stdout().lock(), "{safe_line}").and_then(|()| io::stdout().flush());
        let written = match &self.bars {
            Some(bars) => bars.suspend(print),
            None => print(),
        };
        match written {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.stdout = Stdout::Closed,
            Err(error) => {
                self.say(&format!("hop: {}", unwritten(&error)));
                self.stdout = Stdout::Broken(error);
            }
        }
    }

    fn clear(&mut self) {
        if let Some(bars) = &mut self.bars {
            bars.clear();
        }
    }
}

fn unwritten(error: &io::Error) -> String {
    format!("standard output: {}", words_of(error))
}

fn changed(change: Change, path: &[u8]) -> String {
    let does = match change {
        Change::Removal => "delete",
        Change::Repair => "set mode and times of",
    };
    format!("{does} {}", safe::line(path))
}

fn planned(path: &[u8], destination: &[u8], size: Option<u64>) -> String {
    let size = size.map(|size| format!(" ({})", numbers::bytes(size))).unwrap_or_default();
    format!("{} -> {}{size}", safe::line(path), safe::line(destination))
}
