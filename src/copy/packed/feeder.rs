//! What writes the stream of small files on their way up: [`Feeder`]. Files of one folder are put together, those of
//! folders with only a few with each other, read many at a time, and written behind each other.
//!
//! Memory: the bytes of [`TOGETHER`] files, 4 MiB at most, and what the shell's queue holds.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::arrivals::{Arrivals, QueuedFile};
use super::batch::{Batch, SentBatch, read_all};
use super::on_the_way::OnTheWay;
use super::tar::{self, Header};
use crate::copy::ends::blocking::blocking;
use crate::copy::ends::lanes::{Lane, Lanes};
use crate::copy::land::staging::numbered;
use crate::copy::place::Place;
use crate::copy::task::run_context::RunContext;
use crate::progress::Stage;

/// Most files that are taken from the queue in one go.
const AHEAD: usize = 4096;

/// Files of one folder from which on a folder of their own is worth the requests that it costs.
const MANY: usize = 8;

/// Batches that may take one more file of their folder.
const OPEN: usize = 32;

/// Most files that are read in one go.
const TOGETHER: usize = 64;

/// Most bytes that are given to the shell at a time.
const CHUNK: usize = 32 * 1024;

/// How long the stream waits for one more file of a folder, before what is there is sent, and filled up so that `tar`
/// writes it.
const LINGER: Duration = Duration::from_millis(4);

/// What writes the stream.
pub struct Feeder<'a> {
    /// Where files arrive.
    pub arrivals: &'a Arrivals,
    /// The place of that folder.
    pub staging: &'a Place,
    /// What all items of the run share.
    pub context: &'a RunContext,
    /// What was sent.
    pub on_the_way: &'a OnTheWay,
    /// The sessions with the destination.
    pub lanes: &'a Arc<Lanes>,
    /// The input of `tar`.
    pub to: mpsc::Sender<Bytes>,
}

/// What waits to be sent.
#[derive(Default)]
struct ToSend {
    batches: VecDeque<Batch>,
    /// The folders that they arrive in, being made.
    making: JoinSet<()>,
}

impl Feeder<'_> {
    /// Sends what waits; `None` when the stream has ended, or nothing more comes.
    pub async fn feed(&self, waiting: &mut mpsc::UnboundedReceiver<QueuedFile>) -> Option<()> {
        let (mut to_send, mut sent) = (ToSend::default(), 0);
        loop {
            self.take(&mut to_send, waiting).await?;
            if let Some(batch) = to_send.next() {
                sent += self.send_batch(batch, to_send.batches.is_empty(), sent).await?;
            }
        }
    }

    /// Takes what waits. Where nothing else is to be sent, it waits for something, and then a moment for more.
    async fn take(&self, to_send: &mut ToSend, waiting: &mut mpsc::UnboundedReceiver<QueuedFile>) -> Option<()> {
        loop {
            let mut files = Vec::new();
            let patience = match to_send.batches.len() {
                0 => Duration::MAX,
                1 => LINGER,
                _ => Duration::ZERO,
            };
            match timeout(patience, waiting.recv_many(&mut files, AHEAD)).await {
                Ok(0) => return None,
                Ok(_) => files.into_iter().for_each(|file| self.put(to_send, file)),
                Err(_) => return Some(()),
            }
            if to_send.batches.len() > 1 {
                return Some(());
            }
        }
    }

    /// Puts a file with others of its folder, or begins a batch.
    fn put(&self, ToSend { batches, making }: &mut ToSend, file: QueuedFile) {
        let Some(batch) = batches.iter_mut().rev().take(OPEN).find(|batch| batch.takes(&file)) else {
            return batches.push_back(Batch::of(file, self.arrivals.number()));
        };
        batch.add(file);
        if batch.files.len() == MANY {
            batch.made = Some(self.make(making, batch));
        }
    }

    /// Makes the folder that the files of a batch arrive in, like the one that they go into.
    fn make(&self, making: &mut JoinSet<()>, batch: &Batch) -> oneshot::Receiver<()> {
        let (tell, made) = oneshot::channel();
        let place = self.staging.join(&numbered(batch.number));
        let (lanes, mode) = (Arc::clone(self.lanes), batch.folder.new_mode());
        while making.try_join_next().is_some() {}
        making.spawn(async move {
            let mkdir = |lane: Arc<Lane>| {
                let place = &place;
                async move { lane.destination.mkdir(place, mode).await }
            };
            if lanes.retry(mkdir).await.is_ok() {
                // the stream may have ended
                let _ = tell.send(());
            }
        });
        made
    }

    /// Sends a batch and its marker, which fills up what `tar` waits for where this is the `last` one, in a stream of
    /// `before` bytes. Returns the bytes that were sent.
    async fn send_batch(&self, batch: Batch, is_last: bool, before: u64) -> Option<u64> {
        let Batch { number, folder, mut files, made, .. } = batch;
        let folder = made.is_some().then_some(folder);
        match made {
            Some(made) => {
                // where it could not be made, they go by themselves
                let Ok(()) = made.await else { return Some(0) };
            }
            None => files.iter_mut().zip(0..).for_each(|(file, number)| file.name = numbered(number)),
        }
        let marker = self.arrivals.number();
        let (mut read, mut sent) = (SentBatch { number, marker, folder, files: Vec::new() }, 0);
        while !files.is_empty() {
            let some: Vec<QueuedFile> = files.drain(..TOGETHER.min(files.len())).collect();
            let place = some.first()?.source.clone();
            let (bytes, some) = blocking(Stage::Transfer, &place, move |_| Ok(read_all(some, number))).await.ok()?;
            read.files.extend(some);
            sent += self.send(bytes.into()).await?;
        }
        if read.files.is_empty() {
            return Some(sent);
        }
        self.on_the_way.push(read);
        let zeros = vec![0; if is_last { tar::filling(before + sent) } else { 0 }];
        let (mut bytes, path) = (Vec::new(), marker.to_string());
        let header = Header { path: path.as_bytes(), size: zeros.len() as u64, mode: 0o600, modified: 0 };
        tar::append(&mut bytes, header, &zeros);
        Some(sent + self.send(bytes.into()).await?)
    }

    async fn send(&self, mut bytes: Bytes) -> Option<u64> {
        let length = bytes.len() as u64;
        while !bytes.is_empty() {
            let chunk = bytes.split_to(CHUNK.min(bytes.len()));
            self.context.throttle.pass(chunk.len()).await;
            self.to.send(chunk).await.ok()?;
        }
        Some(length)
    }
}

impl ToSend {
    /// The next batch; where it has only a few files, with those of others that have.
    fn next(&mut self) -> Option<Batch> {
        let mut first = self.batches.pop_front()?;
        if first.made.is_none() {
            let others = std::mem::take(&mut self.batches);
            self.batches = others.into_iter().filter_map(|other| first.merge(other)).collect();
        }
        Some(first)
    }
}
