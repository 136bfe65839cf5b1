//! What moves, which way, did it arrive whole?
//!
//! [`copy`] is the whole story: a **plan** ([`plan`]: sources found, destination understood, nothing written), a **walk**
//! ([`walk`]: items found as they are needed), and a **run** ([`run`]: items copied, many at once, each landing in one
//! step). Upload, download and relay are this one function over two [`side`]s; a dry run stops before the run.
//!
//! What a file needs on its way: [`lanes`] (sessions, opened as they pay), [`small`] or [`pump`] (its bytes), [`land`] (its
//! name). What goes wrong with it is in the [`ledger`], and the rest goes on.
//!
//! # Memory
//!
//! File data in flight is at most 64 MiB ([`run::MEMORY`]), for any number of lanes and files. The walk keeps at most
//! 1,024 items, 8,192 folders and 8 parts of listings: a few MiB for any tree. Each SFTP session has its own bound on top
//! (see [`crate::sftp`]), which only counts what a server sends unasked.

mod again;
mod beneath;
mod buffers;
mod destination;
mod error;
mod expand;
mod file;
mod folder;
pub mod glob;
mod item;
mod land;
mod lanes;
mod ledger;
mod listing;
mod local;
mod loops;
mod name;
mod part;
mod place;
mod plan;
mod pool;
mod pump;
mod reach;
mod remote;
mod resume;
mod route;
mod run;
mod side;
mod small;
mod sums;
mod together;
mod visited;
mod walk;
mod watchdog;
mod witness;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

pub use error::{Cause, CopyError, Kind};
pub use ledger::{FAILURES_KEPT, Failure, Report};
pub use reach::{Conversation, End, Opening, Reach, Shell};
pub use resume::Resume;
pub use route::Route;
pub use walk::Symlinks;

use crate::progress::{Counters, Event, Observer, Stage};
use land::Keep;
use ledger::Ledger;
use plan::Plan;
use walk::Walk;

/// What is to be copied where, and how.
pub struct Job {
    /// At least one; each by itself on this machine or on a host.
    pub sources: Vec<End>,
    /// One file or folder.
    pub destination: End,
    /// How.
    pub options: Options,
}

/// How to copy.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Folders with all that is in them (`-r`); otherwise a folder is a failure.
    pub recursive: bool,
    /// Modes and times travel (`-p`).
    pub preserve: bool,
    /// What becomes of symbolic links.
    pub symlinks: Symlinks,
    /// Say what would be copied, and write nothing.
    pub dry_run: bool,
    /// At most so many SFTP sessions an end; `None` for a good number.
    pub lanes: Option<usize>,
    /// Whether the part of an earlier run is gone on from.
    pub resume: Resume,
    /// How often a lost connection is made again before something has moved; `None` for 3.
    pub retries: Option<u32>,
    /// A session that moves nothing for so long, though something is asked of it, is lost; `None` for 60 s.
    pub timeout: Option<Duration>,
    /// The whole run may take so long.
    pub deadline: Option<Duration>,
}

/// Who is told, and where it is counted.
type Watchers = (Arc<dyn Observer>, Arc<Counters>);

/// Copies. A file, folder or link that fails is in the report, and the rest goes on; dropping the future stops at once
/// and leaves parts.
///
/// # Errors
/// What concerns the copy as a whole: what was asked for cannot be meant ([`Kind::Usage`]), the destination is not
/// there, an end cannot be reached, a session was lost and could not be had again, a peer broke the protocol, the deadline
/// has passed.
pub async fn copy(job: Job, observer: Arc<dyn Observer>, counters: Arc<Counters>) -> Result<Report, CopyError> {
    let Some(deadline) = job.options.deadline else { return carry_out(job, observer, counters).await };
    let carried_out = tokio::time::timeout(deadline, carry_out(job, observer, counters)).await;
    carried_out.unwrap_or_else(|_| Err(CopyError::new(None, Stage::Transfer, Vec::new(), Cause::Deadline(deadline))))
}

async fn carry_out(job: Job, observer: Arc<dyn Observer>, counters: Arc<Counters>) -> Result<Report, CopyError> {
    let route = route_of(&job);
    observer.event(Event::Route { route: route.to_string(), reason: route.reason().to_owned() });
    let ledger = Arc::new(Ledger::new(Arc::clone(&observer), Arc::clone(&counters)));
    let plan = Plan::make(&job, &ledger, &(observer, counters)).await?;
    let (finish, finishes) = mpsc::unbounded_channel();
    let walk = Walk::start(plan.errands, job.options.symlinks, Arc::clone(&ledger), finish);
    if job.options.dry_run {
        show(walk, &ledger).await?;
    } else {
        let keep = if job.options.preserve { Keep::ModeAndTimes } else { Keep::Nothing };
        let means = run::Means::new((keep, job.options.resume), Arc::clone(&ledger));
        run::run(Arc::new(means), walk, finishes).await?;
    }
    Ok(ledger.report(route))
}

fn route_of(job: &Job) -> Route {
    let source = job.sources.first().map_or(route::Reachable::Here, End::reachable);
    Route::between(source, job.destination.reachable())
}

/// Tells what the walk finds.
async fn show(mut walk: Walk, ledger: &Ledger) -> Result<(), CopyError> {
    while let Some(item) = walk.next().await? {
        let size = item.size();
        ledger.event(Event::Planned { path: item.source.path(), destination: item.target.path(), size });
    }
    Ok(())
}
