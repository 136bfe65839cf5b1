//! One stream of small files on its way down, and what has come of it: [`DownloadStream`]. Files are asked for many at a
//! time, each time as one archive. A few archives are under way at once, so that no round trip is waited for.
//!
//! What the shell says is always read on at once, for other sessions share its connection. So no more is asked for than
//! there is room for ([`RunContext::memory`]), and a stream that says more than was asked for is given up.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::untar::{Untar, UntarStep};
use super::wanted::{Came, WantedFile};
use crate::copy::ends::blocking::blocking;
use crate::copy::ends::join_in_order;
use crate::copy::ends::lanes::Lanes;
use crate::copy::ends::new_files::{NewFile, land_all};
use crate::copy::ends::shell_lines::ShellLines;
use crate::copy::place::{Links, Place};
use crate::copy::task::run_context::RunContext;
use crate::lend::quoted;
use crate::progress::Stage;

/// Fewest and most files of an archive. Their number grows while an archive takes less than [`QUICK`], and falls where it
/// takes longer.
const TOGETHER: (usize, usize) = (64, 512);

/// Most bytes of an archive's files.
const BYTES: usize = 2 << 20;

/// Time that an archive should take.
const QUICK: Duration = Duration::from_millis(300);

/// How long the stream waits for more files before it asks for the few that there are.
const LINGER: Duration = Duration::from_millis(2);

/// How long nothing may come of what was asked for before files go by themselves.
const STALLED: Duration = Duration::from_secs(10);

/// Files that are looked at again, and land, in one go.
const LOOKS: usize = 32;

/// The program that `sh` reads; orders follow.
const SCRIPT: &str = include_str!("pack.sh");

/// A stream that has begun.
pub struct DownloadStream {
    lanes: Arc<Lanes>,
    to: mpsc::Sender<Bytes>,
    output: ShellOutput,
}

/// What the shell says.
struct ShellOutput {
    from: mpsc::Receiver<Bytes>,
    untar: Untar,
    lanes: Arc<Lanes>,
}

/// Files that were asked for as one archive, in its order, and their room in memory.
struct Archive {
    number: u64,
    files: Vec<WantedFile>,
    memory: Arc<Option<OwnedSemaphorePermit>>,
}

/// Archives that were asked for and have not come, in their order.
struct Asked {
    archives: Mutex<VecDeque<Archive>>,
    news: Notify,
    /// Most files of the next one.
    together: AtomicUsize,
}

impl DownloadStream {
    /// Finds a shell and `tar` at the source; `None` where there is none.
    pub async fn begin(lanes: Arc<Lanes>) -> Option<DownloadStream> {
        let shell = lanes.source().shell().await?;
        shell.to.send(Bytes::from_static(SCRIPT.as_bytes())).await.ok()?;
        let mut lines = ShellLines::of(shell.from);
        (lines.first_answer("hop-pack ").await? == "ready").then_some(())?;
        let (held, from) = lines.rest();
        let mut untar = Untar::default();
        untar.push(&held);
        Some(DownloadStream { to: shell.to, output: ShellOutput { from, untar, lanes: Arc::clone(&lanes) }, lanes })
    }

    /// Asks for what is `waiting` until nobody wants anything more, or the stream has ended. Whoever is not told that a
    /// file has come by then is told that it has not.
    pub async fn run(self, waiting: mpsc::UnboundedReceiver<WantedFile>, context: &RunContext) {
        let DownloadStream { lanes, to, output } = self;
        let (archives, news) = (Mutex::default(), Notify::new());
        let asked = Asked { archives, news, together: AtomicUsize::new(TOGETHER.0) };
        let asker = Asker { context, lanes: &lanes, asked: &asked, to };
        let mut landing = JoinSet::new();
        tokio::select! {
            _ = asker.ask(waiting) => {}
            _ = receive(output, &asked, &lanes, &mut landing) => {}
        }
        // what has come by then still lands
        while landing.join_next().await.is_some() {}
    }
}

/// What asks for archives.
struct Asker<'a> {
    context: &'a RunContext,
    lanes: &'a Arc<Lanes>,
    asked: &'a Asked,
    to: mpsc::Sender<Bytes>,
}

impl Asker<'_> {
    /// Asks for what waits; `None` when the stream has ended.
    async fn ask(&self, mut waiting: mpsc::UnboundedReceiver<WantedFile>) -> Option<()> {
        let (mut number, mut next) = (0, None);
        loop {
            let files = self.some(&mut waiting, &mut next).await?;
            // who waits for files of a folder without a path is told so
            let Some(folder) = self.folder_of(&files.first()?.source).await else { continue };
            let bytes = files.iter().map(WantedFile::room).sum();
            let memory = Arc::new(self.context.memory(bytes).await);
            self.context.throttle.pass(bytes).await;
            number += 1;
            let order = order(number, &folder, &files);
            self.asked.push(Archive { number, files, memory });
            self.to.send(order.into()).await.ok()?;
        }
    }

    /// The absolute path of the folder that the user typed for this source.
    async fn folder_of(&self, source: &Place) -> Option<Vec<u8>> {
        let pool = self.lanes.source();
        let told = self.lanes.retry(|lane| async move { pool.absolute_base(&lane.source, source).await });
        told.await.ok().flatten()
    }

    /// The files of the next archive, all of them below one folder; what comes behind them is `next`.
    async fn some(
        &self,
        waiting: &mut mpsc::UnboundedReceiver<WantedFile>,
        next: &mut Option<WantedFile>,
    ) -> Option<Vec<WantedFile>> {
        let (count, most) = (self.asked.together.load(Ordering::Relaxed), BYTES.min(self.context.throttle.block()));
        let mut files: Vec<WantedFile> = Vec::new();
        let mut bytes = 0;
        loop {
            let file = match next.take() {
                Some(file) => file,
                None if files.is_empty() => waiting.recv().await?,
                None => match timeout(LINGER, waiting.recv()).await {
                    Ok(Some(file)) => file,
                    Ok(None) | Err(_) => return Some(files),
                },
            };
            let is_below = files.last().is_none_or(|last| last.source.base() == file.source.base());
            if !is_below || files.len() == count || bytes >= most {
                *next = Some(file);
                return Some(files);
            }
            bytes += file.room();
            files.push(file);
        }
    }
}

/// The order for an archive: a call of `pack` and the names, up to a line that no name can be.
fn order(number: u64, folder: &[u8], files: &[WantedFile]) -> Vec<u8> {
    let mut order = [b"pack ", number.to_string().as_bytes(), b" ", &quoted(folder), b" <<'hop-names'\n"].concat();
    for file in files {
        order.extend_from_slice(b"./");
        order.extend_from_slice(file.source.below());
        order.push(b'\n');
    }
    order.extend_from_slice(b"hop-names\n");
    order
}

/// Reads archives as they come. `None` when the stream has ended, or says what nobody has asked for.
async fn receive(mut output: ShellOutput, asked: &Asked, lanes: &Arc<Lanes>, landing: &mut JoinSet<()>) -> Option<()> {
    loop {
        let Archive { number, files, memory } = asked.next().await;
        let began = Instant::now();
        let contents = output.archive(number, &files).await?;
        asked.took(began.elapsed());
        let mut came = files.into_iter().zip(contents).filter_map(|(file, data)| Some((file, data?))).peekable();
        while came.peek().is_some() {
            let some = came.by_ref().take(LOOKS).collect();
            landing.spawn(land(some, Arc::clone(lanes), Arc::clone(&memory)));
        }
        while landing.try_join_next().is_some() {}
    }
}

impl ShellOutput {
    /// The bytes of each of these files, where it has come as it was listed.
    async fn archive(&mut self, number: u64, files: &[WantedFile]) -> Option<Vec<Option<Bytes>>> {
        let mut contents = Vec::with_capacity(files.len());
        loop {
            match self.untar.step().ok()? {
                UntarStep::More => {
                    let more = timeout(STALLED, self.from.recv()).await.ok()??;
                    // nobody counts these bytes until the file has landed
                    self.lanes.clock().moved();
                    self.untar.push(&more);
                }
                UntarStep::Entry(entry) => {
                    let skipped =
                        files.iter().skip(contents.len()).position(|file| file.source.below() == entry.name)?;
                    contents.resize(contents.len() + skipped, None);
                    contents.push(files[contents.len()].accepted(entry));
                }
                UntarStep::End { number: ended, .. } if ended != number => return None,
                UntarStep::End { status: 0, .. } => {
                    contents.resize(files.len(), None);
                    return Some(contents);
                }
                // one that could not be read, or another fault: which files are whole is not known
                UntarStep::End { .. } => return Some(vec![None; files.len()]),
            }
        }
    }
}

/// Looks at the sources once more, behind `tar`, and lands those that have not changed.
async fn land(files: Vec<(WantedFile, Bytes)>, lanes: Arc<Lanes>, memory: Arc<Option<OwnedSemaphorePermit>>) {
    let looks = files
        .iter()
        .map(|(file, _)| lanes.retry(move |lane| async move { lane.source.stat(&file.source, Links::Keep).await }));
    let seen = join_in_order::all(looks).await;
    let (mut new, mut tells) = (Vec::new(), Vec::new());
    for ((file, data), seen) in files.into_iter().zip(seen) {
        if !seen.is_ok_and(|seen| file.is_still(&seen)) {
            continue;
        }
        match file.new {
            Some(to) => {
                new.push(NewFile { target: to.target, part: to.part, wanted: to.wanted, data });
                tells.push(file.tell);
            }
            // whoever waited may be gone
            None => drop(file.tell.send(Came::Content(data, Arc::clone(&memory)))),
        }
    }
    let Some(place) = new.first().map(|file| file.target.clone()) else { return };
    let landed = blocking(Stage::Land, &place, move |_| Ok(land_all(&new))).await;
    for (tell, landed) in tells.into_iter().zip(landed.into_iter().flatten()) {
        if let Ok(there) = landed {
            // likewise
            let _ = tell.send(Came::Landed(there));
        }
    }
}

impl Asked {
    fn push(&self, archive: Archive) {
        self.archives().push_back(archive);
        self.news.notify_one();
    }

    /// The archive that comes next, once it has been asked for.
    async fn next(&self) -> Archive {
        loop {
            if let Some(archive) = self.archives().pop_front() {
                return archive;
            }
            self.news.notified().await;
        }
    }

    /// An archive took so long to come: the next ones have more files, or fewer.
    fn took(&self, time: Duration) {
        let now = self.together.load(Ordering::Relaxed);
        let next = if time < QUICK { now * 2 } else { now / 2 };
        self.together.store(next.clamp(TOGETHER.0, TOGETHER.1), Ordering::Relaxed);
    }

    fn archives(&self) -> MutexGuard<'_, VecDeque<Archive>> {
        // nothing panics while it holds this
        self.archives.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
