//! One stream of small files on its way up, and what has arrived of it: [`UploadStream`]. Files are read many at a time,
//! written behind each other, and looked for in listings of the staging folder. `tar` unpacks in order: once a listing
//! has shown a file, all those before it are complete, and a listing that begins after that shows them as they will stay.
//!
//! Memory: the bytes of [`TOGETHER`] files, 4 MiB at most, and what the shell's queue holds.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use super::arrivals::{Arrivals, Arrived, QueuedFile};
use super::tar::{self, Header};
use crate::copy::ends::blocking::blocking;
use crate::copy::ends::file::Whole;
use crate::copy::ends::identity::FileIdentity;
use crate::copy::ends::join_in_order;
use crate::copy::ends::lanes::Lanes;
use crate::copy::ends::local;
use crate::copy::ends::shell_lines::ShellLines;
use crate::copy::land::adopt::PROBE;
use crate::copy::land::staging::{listed, numbered};
use crate::copy::name::Name;
use crate::copy::options::Keep;
use crate::copy::place::Place;
use crate::copy::task::run_context::RunContext;
use crate::lend::with_variables;
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};

/// Most files that are read in one go.
const TOGETHER: usize = 64;

/// Most bytes that are given to the shell at a time.
const CHUNK: usize = 32 * 1024;

/// How long the stream waits for one more file before it is filled up, so that `tar` writes the last ones.
const LINGER: Duration = Duration::from_millis(4);

/// Time between two listings.
const GLANCE: Duration = Duration::from_millis(10);

/// How long nothing may arrive before files go by themselves.
const STALLED: Duration = Duration::from_secs(10);

/// The program that `sh` reads; the stream follows once it has answered.
const SCRIPT: &str = include_str!("unpack.sh");

/// A stream that has begun.
pub struct UploadStream<'a> {
    arrivals: &'a Arrivals,
    staging: &'a Place,
    lanes: Arc<Lanes>,
    to: mpsc::Sender<Bytes>,
    lines: ShellLines,
}

/// The files on their way, by ascending numbers.
#[derive(Default)]
struct OnTheWay {
    files: Mutex<VecDeque<Sent>>,
    news: Notify,
}

/// A file that was sent.
struct Sent {
    number: u64,
    size: u64,
    /// The version that was read, and who waits for it; `None` for what only fills the stream up.
    waits: Option<(FileIdentity, oneshot::Sender<Arrived>)>,
}

impl<'a> UploadStream<'a> {
    /// Starts `tar` in the staging folder, which was made; `None` where that cannot be done.
    pub async fn begin(arrivals: &'a Arrivals, context: &RunContext, lanes: Arc<Lanes>) -> Option<UploadStream<'a>> {
        let (staging, side) = (arrivals.place()?, lanes.idlest().destination.clone());
        let probe = staging.join(&Name::vet(PROBE).ok()?);
        let learnt = lanes.destination().umask.learn_by_probe(&side, &probe);
        let (learnt, path, shell) = tokio::join!(learnt, side.real(staging), lanes.destination().shell());
        learnt.ok()?;
        let (path, shell) = (path.ok()?, shell?);
        let flags: &[u8] = match context.keep {
            Keep::ModeAndTimes => b"-xpof",
            Keep::Nothing => b"-xmpof",
        };
        let script = with_variables(&[("staging", &path[..]), ("flags", flags)], SCRIPT);
        shell.to.send(script.into()).await.ok()?;
        let mut lines = ShellLines::of(shell.from);
        (lines.first_answer("hop-unpack ").await? == "ready").then_some(())?;
        Some(UploadStream { arrivals, staging, lanes, to: shell.to, lines })
    }

    /// Sends what is `waiting` until nobody has anything more to send, or the stream has ended. Whoever is not told that
    /// a file has arrived by then is told that it has not.
    pub async fn run(self, mut waiting: mpsc::UnboundedReceiver<QueuedFile>, context: &RunContext) {
        let UploadStream { arrivals, staging, lanes, to, mut lines } = self;
        let on_the_way = OnTheWay::default();
        let feeder = Feeder { arrivals, context, on_the_way: &on_the_way, to };
        tokio::select! {
            _ = feeder.feed(&mut waiting) => {}
            _ = arrive(&lanes, staging, &on_the_way) => {}
            () = lines.end() => {}
        }
    }
}

/// What writes the stream.
struct Feeder<'a> {
    arrivals: &'a Arrivals,
    context: &'a RunContext,
    on_the_way: &'a OnTheWay,
    to: mpsc::Sender<Bytes>,
}

impl Feeder<'_> {
    /// Sends what waits; `None` when the stream has ended, or nothing more comes.
    async fn feed(&self, waiting: &mut mpsc::UnboundedReceiver<QueuedFile>) -> Option<()> {
        let (mut sent, mut is_filled_up) = (0, true);
        loop {
            let mut files = Vec::with_capacity(TOGETHER);
            let patience = if is_filled_up { Duration::MAX } else { LINGER };
            let came = timeout(patience, waiting.recv_many(&mut files, TOGETHER)).await;
            let bytes = match came {
                Ok(0) => return None,
                Ok(_) => self.read(files).await?,
                Err(_) => self.filler(sent),
            };
            is_filled_up = came.is_err();
            sent += bytes.len() as u64;
            self.send(bytes.into()).await?;
        }
    }

    /// The bytes of these files in the stream. One that cannot be read, or is not what was listed, is left out.
    async fn read(&self, files: Vec<QueuedFile>) -> Option<Vec<u8>> {
        let first = self.arrivals.numbers(files.len());
        let place = files.first()?.source.clone();
        let read = blocking(Stage::Transfer, &place, move |_| Ok(read_all(files, first))).await;
        let (bytes, read) = read.ok()?;
        self.on_the_way.push(read);
        Some(bytes)
    }

    /// A file that nobody waits for: `tar` sees those before it when it has come, and so do the listings.
    fn filler(&self, sent: u64) -> Vec<u8> {
        let number = self.arrivals.numbers(1);
        self.on_the_way.push(vec![Sent { number, size: 0, waits: None }]);
        tar::filler(number, sent)
    }

    async fn send(&self, mut bytes: Bytes) -> Option<()> {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(CHUNK.min(bytes.len()));
            self.context.throttle.pass(chunk.len()).await;
            self.to.send(chunk).await.ok()?;
        }
        Some(())
    }
}

/// Reads files and writes them behind each other, numbered from `first` on; blocks.
fn read_all(files: Vec<QueuedFile>, first: u64) -> (Vec<u8>, Vec<Sent>) {
    let (mut bytes, mut read) = (Vec::new(), Vec::with_capacity(files.len()));
    for (number, QueuedFile { source, links, version, mode, tell }) in (first..).zip(files) {
        let size = version.size.unwrap_or(0);
        let whole = local::open(&source, links).and_then(|file| Whole::read_here(&file, &version));
        let Ok(whole) = whole else { continue };
        if !whole.is_same || whole.goes_on || whole.length() != size {
            continue;
        }
        let header = Header { number, size, mode, modified: version.mtime().unwrap_or(0) };
        tar::append(&mut bytes, header, &whole.pieces.concat());
        read.push(Sent { number, size, waits: Some((whole.began, tell)) });
    }
    (bytes, read)
}

/// Looks for what has arrived, and tells those who wait for it. `None` when nothing arrives any more.
async fn arrive(lanes: &Lanes, staging: &Place, on_the_way: &OnTheWay) -> Option<()> {
    let (mut last, mut moved, mut before) = (0, Instant::now(), None);
    loop {
        if on_the_way.wait().await {
            // time that nothing was sent in does not count
            moved = Instant::now();
        }
        sleep(GLANCE).await;
        let began = Instant::now();
        let listed = lanes.retry(|lane| async move { listed(&lane, staging).await }).await.ok()?;
        log::trace!("{} small files listed in {:?}, complete before {last}", listed.len(), began.elapsed());
        let fillers = on_the_way.tell(last, &listed);
        let removals = fillers.iter().map(|filler| remove(lanes, staging, *filler));
        join_in_order::all(removals).await;
        let newest = listed.iter().max_by_key(|(number, _)| **number);
        let newest = newest.map(|(number, attributes)| (*number, attributes.size));
        last = newest.map_or(last, |(number, _)| last.max(number));
        if before.replace(newest) != Some(newest) {
            moved = Instant::now();
        }
        if moved.elapsed() > STALLED {
            return None;
        }
    }
}

async fn remove(lanes: &Lanes, staging: &Place, number: u64) {
    // one that stays goes with its folder
    let _ = lanes.idlest().destination.remove(&staging.join(&numbered(number))).await;
}

impl OnTheWay {
    fn push(&self, files: Vec<Sent>) {
        self.files().extend(files);
        self.news.notify_one();
    }

    /// Returns when something is on its way; `true` when nothing was before.
    async fn wait(&self) -> bool {
        let mut has_waited = false;
        while self.files().is_empty() {
            self.news.notified().await;
            has_waited = true;
        }
        has_waited
    }

    /// Tells of the files before number `last` that they have arrived, or lets go of whoever waits for one that is not
    /// `listed` as it was sent. Returns the numbers of those that nobody waits for, `last` among them.
    fn tell(&self, last: u64, listed: &HashMap<u64, Attributes>) -> Vec<u64> {
        let mut fillers = Vec::new();
        let mut files = self.files();
        while files.front().is_some_and(|file| file.number < last || (file.number == last && file.waits.is_none())) {
            let Some(Sent { number, size, waits }) = files.pop_front() else { break };
            match (waits, listed.get(&number)) {
                (None, _) => fillers.push(number),
                (Some((sent, tell)), Some(there)) if there.kind() == FileKind::File && there.size == Some(size) => {
                    // whoever waited may be gone
                    let _ = tell.send(Arrived { number, there: *there, sent });
                }
                (Some(_), _) => {}
            }
        }
        fillers
    }

    fn files(&self) -> MutexGuard<'_, VecDeque<Sent>> {
        // nothing panics while it holds this
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
