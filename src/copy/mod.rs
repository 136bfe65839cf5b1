//! What moves, which way, did it arrive whole?
//!
//! [`copy`] is the whole story: a **plan** ([`plan`]: sources found, destination understood, nothing written), a **walk**
//! ([`walk`]: items found as they are needed), and a **run** ([`run`]: items copied, many at once, each landing in one
//! step). Upload, download and relay are this one function over two sides ([`ends`]); a dry run stops before the run.
//!
//! A file needs sessions, opened as they pay ([`ends`]); its bytes, to its real end ([`transfer`], or [`direct`]); and
//! its name ([`land`]). A failure is recorded ([`task`]), and the other files go on.
//!
//! [`filter`] and the [`walk`] decide what need not be copied; [`mirror`] removes what only the destination has, once
//! everything else is done.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `run` | items copied, many at once |
//! | `mirror` `device` | what is too much removed; a file that goes into a device |
//! | `plan` | sources found, destination understood, nothing written |
//! | `marker` | what a run that was killed meant |
//! | `direct` | from one host straight to the other |
//! | `packed` | many small files together |
//! | `walk` | what there is, one item at a time |
//! | `transfer` | the bytes of a file |
//! | `land` | a file gets its name |
//! | `task` | what the steps of a copy hand each other |
//! | `ends` | one end of a copy |
//! | `answers` | what an end's answer means |
//! | `error` | what went wrong, where |
//! | `idle` | how long nothing has moved |
//! | `tolerance` | what sources may do while they are read |
//! | `options` `obstacle` | what is asked for; what keeps hosts from copying directly |
//! | `connector` `filter` `place` `part` | hosts as they are handed in; names and places |
//! | `route` `name` `in_the_way` `shown` | the ways between two ends; one name; what else has it; a path in words |
//!
//! # Memory
//!
//! File data in flight is at most 64 MiB ([`task`]), for any number of lanes and files. The walk takes a few MiB for
//! any tree, and has a bound for any server (see [`walk`]). Each SFTP session has its own bound on top (see
//! [`crate::sftp`]), which only counts what a server sends unasked.

mod answers;
mod connector;
mod device;
mod direct;
mod ends;
mod error;
pub mod filter;
mod idle;
mod in_the_way;
mod land;
mod marker;
mod mirror;
mod name;
mod obstacle;
mod options;
mod packed;
mod part;
mod place;
mod plan;
mod route;
mod run;
mod shown;
mod task;
mod tolerance;
mod transfer;
mod walk;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::progress::{Change, Counters, Event, Observer, Stage};
pub use connector::{Connector, Location, Opening, Shell, ShellPipe};
use direct::{Direct, DirectMode, RetryPolicy};
use ends::join_in_order;
pub use ends::remote_files::RemoteFiles;
use ends::retry::{RETRIES, RetryBudget};
use ends::watchdog;
use ends::watchers::Watchers;
pub use error::{Cause, CopyError, Kind};
pub use filter::Filter;
use idle::IdleClock;
use land::{repair, staging};
use marker::{TreeMarker, TreeState};
use mirror::FolderPair;
pub use obstacle::Obstacle;
use options::Keep;
pub use options::{Care, DirectOptions, InPlace, Job, Mirror, Options, Resume, Symlinks, Unchanged};
use packed::Packed;
use plan::Plan;
use route::{Decision, Reachable, choose};
pub use route::{Route, RoutePreference};
use run::CopyRun;
use task::item::Item;
use task::ledger::Ledger;
pub use task::ledger::{FAILURES_KEPT, Failure, Report};
use task::run_context::RunContext;
use task::standing::Standing;
use task::this_run::{Left, ThisRun};
use walk::Walk;
use walk::unchanged::UnchangedCheck;

/// Items of a dry run that are looked at together.
const LOOKS: usize = 64;

/// The least time, or as long as the copy itself took, that the end of a copy waits for the removal of small files that
/// ended runs have left.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// Copies. Files, folders and links that fail are in the report, and the others go on. Dropping the future stops at
/// once and leaves part files.
///
/// # Errors
/// What concerns the copy as a whole: what was asked for makes no sense ([`Kind::Usage`]), the destination does not
/// exist, an end cannot be reached, a session was lost and could not be made again, a peer broke the protocol, nothing
/// has moved for the timeout and a few seconds more, or the deadline has passed.
pub async fn copy(job: Job, observer: Arc<dyn Observer>, counters: Arc<Counters>) -> Result<Report, CopyError> {
    let deadline = job.options.deadline;
    // on the heap: what it keeps while it waits would fill a small stack
    let copied = Box::pin(copy_all(job, observer, counters));
    let Some(deadline) = deadline else { return copied.await };
    let copied = timeout(deadline, copied).await;
    copied.unwrap_or_else(|_| Err(CopyError::new(None, Stage::Transfer, Vec::new(), Cause::Deadline(deadline))))
}

async fn copy_all(job: Job, observer: Arc<dyn Observer>, counters: Arc<Counters>) -> Result<Report, CopyError> {
    if job.options.route == RoutePreference::Direct && job.options.rate.is_some() {
        let cause = Cause::Refused("a direct copy does not pass through here, so its rate cannot be limited");
        return Err(CopyError::new(None, Stage::List, job.destination.path().to_vec(), cause));
    }
    if job.options.route == RoutePreference::Direct && job.options.in_place == InPlace::Always {
        let cause = Cause::Refused("what is written in place passes through here, so it is no direct copy");
        return Err(CopyError::new(None, Stage::List, job.destination.path().to_vec(), cause));
    }
    let ledger = Arc::new(Ledger::new(Arc::clone(&observer), Arc::clone(&counters)));
    let clock = Arc::new(clock(&job, &counters));
    let watchers = Watchers { observer, counters, clock: Arc::clone(&clock) };
    let (plan, Decision { route, means: direct, .. }) = begin(&job, &ledger, &watchers).await?;
    let pairs: Vec<FolderPair> =
        job.options.mirror.iter().flat_map(|_| plan.copies.iter().map(FolderPair::of)).collect();
    let run = Arc::new(ThisRun::begin(job.options.runs.clone())?);
    let moved = move_all(plan, &job.options, &ledger, direct.clone(), Arc::clone(&run));
    let moved = clock.bound(Box::pin(moved)).await;
    if let Some(direct) = direct {
        direct.end(clock.ending()).await.tell(&watchers.observer);
    }
    // what a direct copy had there is gone by now
    run.end(match moved.is_ok() && !ledger.has_failures() {
        true => Left::Nothing,
        false => Left::Parts,
    });
    moved?;
    if let Some(most) = job.options.mirror.and_then(|mirror| mirror.delete) {
        let most = most.saturating_sub(ledger.reserved_removals());
        clock.bound(Box::pin(mirror::clean(&pairs, &job.options, most, &ledger, &run))).await?;
    }
    Ok(ledger.report(route))
}

/// The run's clock, with the job's timeout.
fn clock(job: &Job, counters: &Arc<Counters>) -> IdleClock {
    let ends = job.sources.iter().chain([&job.destination]);
    let hosts = ends.filter_map(|end| match end {
        Location::Remote(connector, _) => Some(Arc::clone(connector)),
        Location::Local(_) => None,
    });
    IdleClock::new(job.options.timeout.unwrap_or(watchdog::TIMEOUT), Arc::clone(counters), hosts.collect())
}

/// Makes the plan, and decides on the route.
async fn begin(job: &Job, ledger: &Ledger, watchers: &Watchers) -> Result<(Plan, Decision<Arc<Direct>>), CopyError> {
    let clock = &watchers.clock;
    let plan = Box::pin(Plan::make(job, ledger, watchers));
    if !between_hosts(job) {
        let decided = told(route_of(job).decided(), &watchers.observer);
        return Ok((clock.bound(plan).await?, decided));
    }
    let both = async { Ok::<_, CopyError>(tokio::join!(plan, Box::pin(decide(job, watchers)))) };
    let (plan, decided) = clock.bound(both).await?;
    match (plan, decided?) {
        (Ok(plan), decided) => Ok((plan, decided)),
        (Err(error), Decision { means, .. }) => {
            if let Some(direct) = means {
                direct.end(clock.ending()).await.tell(&watchers.observer);
            }
            Err(error)
        }
    }
}

/// Copies the items of the plan, or shows them.
async fn move_all(
    mut plan: Plan,
    options: &Options,
    ledger: &Arc<Ledger>,
    direct: Option<Arc<Direct>>,
    run: Arc<ThisRun>,
) -> Result<(), CopyError> {
    if plan.is_device && !options.dry_run {
        let context = RunContext::new(Keep::Nothing, run, options, Arc::clone(ledger));
        let Some(planned) = plan.copies.pop() else { return Ok(()) };
        return device::write(&context, planned).await;
    }
    let (finish, finishes) = mpsc::unbounded_channel();
    let terms = walk::WalkTerms {
        symlinks: options.symlinks,
        filter: options.filter.clone(),
        scratch: options.scratch.clone(),
    };
    let (marker, began) = (plan.mark(&run, ledger, options), Instant::now());
    let target = plan.copies.first().map(|planned| (planned.target.clone(), Arc::clone(&planned.lanes)));
    let standing = Standing::new(plan.copies.len() == 1 && options.unchanged != Unchanged::Never);
    let standing = Arc::new(standing);
    let walk = Walk::start(plan.copies, terms, Arc::clone(ledger), Arc::clone(&standing), finish);
    if options.dry_run {
        let check = UnchangedCheck { unchanged: options.unchanged, modify_window: options.modify_window };
        let left_out =
            LeftOut { check: &check, standing: &standing, marker: marker.as_deref(), preserve: options.preserve };
        return show(walk, left_out, ledger).await;
    }
    if let Some((side, folder)) = plan.folder {
        side.mkdir(&folder, 0o777).await?;
    }
    let keep = if options.preserve { Keep::ModeAndTimes } else { Keep::Nothing };
    let mut context = RunContext::new(keep, run, options, Arc::clone(ledger));
    context.goes_on = marker.as_ref().is_some_and(|marker| marker.goes_on());
    context.standing = standing;
    let context = Arc::new(context);
    let packed = target.as_ref().map_or(Packed::Nothing, |(_, lanes)| Packed::over(lanes, !options.one_by_one));
    let most = target.as_ref().and_then(|(_, lanes)| lanes.idlest().files_at_once());
    let copy_run = CopyRun::new(Arc::clone(&context), direct, packed, marker.clone(), most);
    let ran = run::run(Arc::new(copy_run), walk, finishes).await;
    let is_complete = ran.is_ok() && !ledger.has_failures();
    if let (true, Some((target, lanes))) = (is_complete, target) {
        let patience = if context.goes_on { Duration::MAX } else { began.elapsed().max(LEAST_WAIT) };
        // what is left, another run removes
        let _ = timeout(patience, staging::clear(&lanes, &target, &context.leftovers, &context.run)).await;
    }
    if let Some(marker) = marker {
        marker.end(if is_complete { TreeState::Complete } else { TreeState::Lacking }).await;
    }
    ran
}

/// Whether both ends are hosts, so that there is a choice of routes.
fn between_hosts(job: &Job) -> bool {
    let is_there = |end: &Location| end.reachable() == Reachable::There;
    // what does not pass through here can neither be slowed down here, nor written in place
    let passes_here = job.options.rate.is_some() || job.options.in_place == InPlace::Always;
    let may_be_direct = job.options.route != RoutePreference::Relay && !passes_here;
    may_be_direct && is_there(&job.destination) && job.sources.iter().all(is_there)
}

/// Finds out whether the copy can be direct, and reports the route and the reason for it.
async fn decide(job: &Job, watchers: &Watchers) -> Result<Decision<Arc<Direct>>, CopyError> {
    let (observer, _waits) = (&watchers.observer, watchers.clock.waits());
    let Options { route: wanted, direct: terms, dry_run, .. } = &job.options;
    let mode = if *dry_run { DirectMode::Look } else { DirectMode::Begin(*wanted) };
    let retry_policy = RetryPolicy { retries: job.options.retries.unwrap_or(RETRIES), watchers: watchers.clone() };
    // a login that has begun is not tried again here: what it signed counts
    let tries = RetryBudget::new(retry_policy.retries, watchers.clone());
    let found = loop {
        match direct::begin(&job.sources, &job.destination, terms, mode, &retry_policy).await {
            Err(obstacle) if obstacle.is_lost() => tries.next(CopyError::direct(obstacle)).await?,
            found => break found,
        }
    };
    if let Err(obstacle) = &found
        && let Some(another) = obstacle.another_host()
    {
        observer.event(Event::Warning(another.to_string()));
    }
    let decided = choose(*wanted, found).map_err(CopyError::direct)?;
    let decided = Decision { route: decided.route, reason: decided.reason, means: decided.means.flatten() };
    Ok(told(decided, observer))
}

/// Reports the route and the reason for it.
fn told(decided: Decision<Arc<Direct>>, observer: &Arc<dyn Observer>) -> Decision<Arc<Direct>> {
    observer.event(Event::Route { route: decided.route.to_string(), reason: decided.reason.clone() });
    decided
}

fn route_of(job: &Job) -> Route {
    let source = job.sources.first().map_or(Reachable::Here, Location::reachable);
    Route::between(source, job.destination.reachable())
}

/// The files that a run would leave as they are.
#[derive(Clone, Copy)]
struct LeftOut<'a> {
    check: &'a UnchangedCheck,
    standing: &'a Standing,
    marker: Option<&'a TreeMarker>,
    /// Modes and times are to be the source's.
    preserve: bool,
}

/// What a run would do with an item.
enum Planned {
    Copied,
    /// Its content is there, and its mode or times are not.
    Repaired,
    LeftOut,
}

impl LeftOut<'_> {
    async fn plan(self, item: &Item) -> Planned {
        if let Some(marker) = self.marker
            && marker.holds(item).await
        {
            return Planned::LeftOut;
        }
        match self.check.finds(item, self.standing, None).await {
            None => Planned::Copied,
            Some(seen) if self.preserve && repair::is_needed(item, &seen, self.check.modify_window) => {
                Planned::Repaired
            }
            Some(_) => Planned::LeftOut,
        }
    }
}

/// Shows what the walk finds.
async fn show(mut walk: Walk, left_out: LeftOut<'_>, ledger: &Ledger) -> Result<(), CopyError> {
    let mut items = Vec::with_capacity(LOOKS);
    while let Some(item) = walk.next().await? {
        items.push(item);
        if items.len() == LOOKS {
            show_some(&mut items, left_out, ledger).await;
        }
    }
    show_some(&mut items, left_out, ledger).await;
    Ok(())
}

/// Shows those of the items that would be copied, or given their modes and times.
async fn show_some(items: &mut Vec<Item>, left_out: LeftOut<'_>, ledger: &Ledger) {
    ledger.heard().await;
    let looks = join_in_order::all(items.iter().map(|item| left_out.plan(item))).await;
    for (item, planned) in items.drain(..).zip(looks) {
        match planned {
            Planned::LeftOut => ledger.left(&item),
            Planned::Repaired => {
                ledger.left(&item);
                ledger.event(Event::PlannedChange { change: Change::Repair, path: item.target.path() });
            }
            Planned::Copied => ledger.event(Event::Planned {
                path: item.source.path(),
                destination: item.target.path(),
                size: item.size(),
            }),
        }
    }
}
