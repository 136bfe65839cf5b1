//! How do lines get into a marker? [`Book`] collects them and writes them once a second through one open file, so that
//! no file waits for its line. Lines that a killed run had not written yet are lost, and their files are copied again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::copy::ends::file::OpenFile;
use crate::copy::ends::lanes::Lanes;
use crate::copy::ends::side::Side;
use crate::copy::error::CopyError;
use crate::copy::place::Place;

/// Time between two writes.
const EVERY: Duration = Duration::from_secs(1);

/// Most bytes of lines that wait to be written; further lines are left out.
const WAITING: usize = 4 << 20;

/// The lines of one marker.
pub struct Book {
    /// The marker's place.
    pub place: Place,
    lanes: Arc<Lanes>,
    waiting: Mutex<Vec<u8>>,
    written: tokio::sync::Mutex<Written>,
    is_shut: AtomicBool,
}

/// What has been written to the marker.
#[derive(Default)]
struct Written {
    /// The marker, open for writing; `None` when it has to be opened again.
    file: Option<OpenFile>,
    length: u64,
    /// What is being written behind that. It stays the same until all of it is written, so that no piece of it is left
    /// behind later lines.
    batch: Bytes,
}

impl Book {
    /// A book for the marker at `place`, which begins with the line `header`.
    pub fn new(place: Place, lanes: Arc<Lanes>, header: &str) -> Book {
        let waiting = Mutex::new(format!("{header}\n").into_bytes());
        Book { place, lanes, waiting, written: tokio::sync::Mutex::default(), is_shut: AtomicBool::new(false) }
    }

    /// Begins to write, as the marker was made.
    pub async fn begin(&self, file: OpenFile) {
        self.written.lock().await.file = Some(file);
    }

    /// Adds a line.
    pub fn add(&self, there: &str, source: &str) {
        let mut waiting = self.waiting();
        if !self.is_shut() && waiting.len() + there.len() + source.len() < WAITING {
            for words in [there, " ", source, "\n"] {
                waiting.extend_from_slice(words.as_bytes());
            }
        }
    }

    /// Writes lines as they come, until that fails.
    ///
    /// # Errors
    /// Always: why no more can be written. A lost session is no reason, for there may be another.
    pub async fn keep_writing(&self) -> CopyError {
        loop {
            tokio::time::sleep(EVERY).await;
            match self.flush().await {
                Err(error) if !error.is_lost() => {
                    self.shut();
                    return error;
                }
                _ => {}
            }
        }
    }

    /// Writes the lines that wait.
    ///
    /// # Errors
    /// When they cannot be written. They stay in the queue.
    pub async fn flush(&self) -> Result<(), CopyError> {
        let mut written = self.written.lock().await;
        if written.batch.is_empty() {
            written.batch = std::mem::take(&mut *self.waiting()).into();
        }
        if written.batch.is_empty() {
            return Ok(());
        }
        let file = match written.file.take() {
            Some(file) => file,
            None => self.side().reopen(&self.place).await?,
        };
        let (mut at, mut rest) = (written.length, written.batch.clone());
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(file.max_write()));
            let length = piece.len() as u64;
            file.write(at, piece).await?;
            at += length;
        }
        *written = Written { file: Some(file), length: at, batch: Bytes::new() };
        Ok(())
    }

    /// Whether no more lines are taken.
    pub fn is_shut(&self) -> bool {
        self.is_shut.load(Ordering::Relaxed)
    }

    /// Stops taking lines.
    pub fn shut(&self) {
        self.is_shut.store(true, Ordering::Relaxed);
        self.waiting().clear();
    }

    /// Removes the marker.
    ///
    /// # Errors
    /// When that fails; not when the marker is gone already.
    pub async fn remove(&self) -> Result<(), CopyError> {
        self.shut();
        // some file systems keep a file that is open under another name
        if let Some(file) = self.written.lock().await.file.take() {
            // whatever it says, it goes
            let _ = file.close().await;
        }
        match self.side().remove(&self.place).await {
            Err(error) if error.is_missing() => Ok(()),
            removed => removed,
        }
    }

    fn side(&self) -> Side {
        self.lanes.idlest().destination.clone()
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<u8>> {
        // nothing panics while it holds this
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
