//! One stream of small files on its way up, and what has arrived of it: [`UploadStream`]. `tar` unpacks in order: once the
//! marker behind a batch is there, all files before it are complete, and a listing that begins after that shows them as
//! they will stay. Where they are all the files of a new folder so far, they get their names together: the folder that
//! they arrived in takes the place of the empty one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::arrivals::{Arrivals, QueuedFile};
use super::batch::SentBatch;
use super::feeder::Feeder;
use super::on_the_way::OnTheWay;
use crate::copy::ends::join_in_order;
use crate::copy::ends::lanes::Lanes;
use crate::copy::ends::shell_lines::ShellLines;
use crate::copy::land::adopt::PROBE;
use crate::copy::land::staging::{contents, numbered};
use crate::copy::name::Name;
use crate::copy::options::Keep;
use crate::copy::place::{Links, Place};
use crate::copy::task::folder::Ground;
use crate::copy::task::run_context::RunContext;
use crate::lend::with_variables;
use crate::sftp::Attributes;

/// Time between two looks for markers.
const GLANCE: Duration = Duration::from_millis(10);

/// Markers looked for at a time.
const LOOKS: usize = 64;

/// How long no marker may come before the folder that comes next is looked into.
const SLOW: Duration = Duration::from_secs(1);

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
        let feeder = Feeder { arrivals, staging, context, on_the_way: &on_the_way, lanes: &lanes, to };
        let mut landings = JoinSet::new();
        tokio::select! {
            _ = feeder.feed(&mut waiting) => {}
            _ = arrive(&lanes, staging, &on_the_way, context.keep, &mut landings) => {}
            () = lines.end() => {}
        }
        // what is complete has its name before others are let go
        while landings.join_next().await.is_some() {}
    }
}

/// Looks for what has arrived, and lands it. `None` when nothing arrives any more.
async fn arrive(
    lanes: &Arc<Lanes>,
    staging: &Place,
    on_the_way: &OnTheWay,
    keep: Keep,
    landings: &mut JoinSet<()>,
) -> Option<()> {
    let (mut moved, mut before) = (Instant::now(), None);
    loop {
        if on_the_way.wait().await {
            // time that nothing was sent in does not count
            moved = Instant::now();
        }
        sleep(GLANCE).await;
        let seen = last_seen(lanes, staging, on_the_way.markers(LOOKS)).await?;
        if let Some(marker) = seen {
            for batch in on_the_way.take(marker) {
                landings.spawn(land(Arc::clone(lanes), staging.clone(), batch, keep));
            }
            moved = Instant::now();
        } else if moved.elapsed() > SLOW {
            let next = on_the_way.next().map(|number| staging.join(&numbered(number)));
            let there = match &next {
                Some(folder) => there(lanes, folder).await?,
                None => HashMap::new(),
            };
            let sizes = Some((there.len(), there.values().filter_map(|there| there.size).sum::<u64>()));
            if std::mem::replace(&mut before, sizes) != sizes {
                moved = Instant::now();
            }
        }
        while landings.try_join_next().is_some() {}
        if moved.elapsed() > STALLED {
            return None;
        }
    }
}

/// The last of these markers that is there; `None` when none can be looked for any more.
async fn last_seen(lanes: &Arc<Lanes>, staging: &Place, markers: Vec<u64>) -> Option<Option<u64>> {
    let looks = markers.iter().map(|marker| {
        let place = staging.join(&numbered(*marker));
        async move { lanes.idlest().destination.look(&place, Links::Keep).await }
    });
    let mut seen = None;
    for (marker, look) in markers.iter().zip(join_in_order::all(looks).await) {
        match look {
            Ok(Some(_)) => seen = Some(*marker),
            Err(error) if error.ends_the_run() => return None,
            _ => {}
        }
    }
    Some(seen)
}

/// Gives the files of a batch their names, where all of them can have them in one step, and tells those that wait.
async fn land(lanes: Arc<Lanes>, staging: Place, batch: SentBatch, keep: Keep) {
    let (folder, marker) = (staging.join(&numbered(batch.number)), staging.join(&numbered(batch.marker)));
    let lane = lanes.idlest();
    // a marker that stays goes with its folder
    let (there, _) = tokio::join!(there(&lanes, &folder), lane.destination.remove(&marker));
    let Some(there) = there else { return };
    let has_landed = batch.is_all(&there, keep) && is_landed(&lanes, &folder, &batch).await;
    batch.tell(&there, (!has_landed).then_some(&folder));
}

/// Renames the folder to the new one that its files go into, as long as that one is empty.
async fn is_landed(lanes: &Lanes, folder: &Place, batch: &SentBatch) -> bool {
    let (Some(into), Some(name)) = (&batch.folder, batch.any_name()) else { return false };
    if into.ready().await != Some(Ground::Fresh) {
        return false;
    }
    let (side, target) = (lanes.idlest().destination.clone(), into.target());
    let file = target.join(name);
    // a server that renames in its own way might have moved it into the other one
    let (renamed, seen) = tokio::join!(biased; side.rename(folder, &target), side.look(&file, Links::Keep));
    renamed.is_ok() && matches!(seen, Ok(Some(_)))
}

/// What is in a folder where files arrive; `None` when the session is lost.
async fn there(lanes: &Lanes, folder: &Place) -> Option<HashMap<Name, Attributes>> {
    lanes.retry(|lane| async move { contents(&lane.destination, folder).await }).await.ok()
}
