//! How does the plan become files? [`run`] takes items from the walk and keeps many of them under way at once, within
//! one limit on files and one on bytes. A failed item is reported and the others go on; a lost session that cannot be
//! made again ends the run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::direct::{Carried, Direct};
use super::ends::lanes::Lane;
use super::error::CopyError;
use super::land::repair::{self, Repaired};
use super::land::{adopt, takeover};
use super::marker::TreeMarker;
use super::mirror;
use super::options::{InPlace, Keep, Unchanged};
use super::packed::Packed;
use super::place::Links;
use super::task::file_transfer::FileTransfer;
use super::task::folder::{Finish, Finished, Folder, Ground};
use super::task::item::{Item, What};
use super::task::ledger::FileProgress;
use super::task::run_context::RunContext;
use super::task::so_far::{Earlier, SoFar};
use super::transfer::in_place::{self, InPlaceReason};
use super::transfer::large;
use super::transfer::small::{self, Small};
use super::walk::Walk;
use super::walk::unchanged::UnchangedCheck;
use crate::sftp::{Attributes, FileKind};

/// Items under way at once.
const ITEMS: usize = 256;

/// Items under way at once in a direct copy: an item is a small request then, and many small files go together.
const DIRECT_ITEMS: usize = 1024;

/// Items under way at once while small files go together: most of them only wait for the others, some round trips long.
/// Each takes some 5 KiB.
const PACKED_ITEMS: usize = 5120;

/// Most time for the end of what goes together.
const ENDING: Duration = Duration::from_secs(5);

/// Descriptors kept for everything but files: connections, standard streams, folders being listed.
const OTHER_DESCRIPTORS: u64 = 32;

/// What one run copies with.
pub struct CopyRun {
    /// What all of its items share.
    context: Arc<RunContext>,
    /// The direct copy, where the bytes do not pass through this machine.
    direct: Option<Arc<Direct>>,
    /// The small files that go together.
    packed: Packed,
    /// Permits for items that go by themselves.
    alone: Semaphore,
    /// The marker that records which files have landed, where the copy has one.
    marker: Option<Arc<TreeMarker>>,
}

/// Copies what the walk finds, and finishes the folders whose entries are done.
///
/// # Errors
/// What ends the run: a lost session, or a peer that broke the protocol.
pub async fn run(run: Arc<CopyRun>, walk: Walk, finishes: mpsc::UnboundedReceiver<Finish>) -> Result<(), CopyError> {
    let began = Instant::now();
    let ran = copy_all(&run, walk, finishes).await;
    run.packed.end(ENDING).await;
    ran?;
    takeover::clear_postponed(&run.context, began).await;
    Ok(())
}

async fn copy_all(
    run: &Arc<CopyRun>,
    mut walk: Walk,
    mut finishes: mpsc::UnboundedReceiver<Finish>,
) -> Result<(), CopyError> {
    let mut jobs = JoinSet::new();
    let (mut walking, mut finishing) = (true, true);
    while walking || finishing || !jobs.is_empty() {
        let most = run.most();
        tokio::select! {
            // in this order: what has ended before what begins, so that no more folders wait to be finished than there are
            // items under way and in the walk's queue
            biased;
            Some(ended) = jobs.join_next() => match ended {
                Ok(job) => job?,
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            },
            finish = finishes.recv(), if finishing && jobs.len() < most => match finish {
                Some(finish) => drop(jobs.spawn(finish_folder(Arc::clone(&run.context), finish))),
                None => finishing = false,
            },
            item = walk.next(), if walking && jobs.len() < most => match item? {
                Some(item) => drop(jobs.spawn(copy_item(Arc::clone(run), item))),
                None => walking = false,
            },
        }
    }
    Ok(())
}

impl CopyRun {
    /// A run that has not begun. Its ends may have room for no more than `files_at_once`.
    pub fn new(
        context: Arc<RunContext>,
        direct: Option<Arc<Direct>>,
        packed: Packed,
        marker: Option<Arc<TreeMarker>>,
        files_at_once: Option<usize>,
    ) -> CopyRun {
        CopyRun {
            context,
            direct,
            packed,
            alone: Semaphore::new(files_at_once.unwrap_or(usize::MAX).min(items_at_once())),
            marker,
        }
    }

    /// Most items under way at once, for now.
    fn most(&self) -> usize {
        match (&self.direct, self.packed.is_on()) {
            (Some(_), _) => DIRECT_ITEMS,
            (None, true) => PACKED_ITEMS,
            (None, false) => items_at_once(),
        }
    }
}

/// As many items as there are descriptors for, at two each.
fn items_at_once() -> usize {
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let room = descriptors.saturating_sub(OTHER_DESCRIPTORS) / 2;
    usize::try_from(room).unwrap_or(usize::MAX).clamp(4, ITEMS)
}

async fn finish_folder(context: Arc<RunContext>, finish: Finish) -> Result<(), CopyError> {
    let target = finish.target().clone();
    match finish.run(context.keep).await {
        Err(error) if !error.ends_the_run() => {
            context.ledger.failed(&target, None, error);
            Ok(())
        }
        Ok(Finished::WithTimesOfItsOwn) => {
            context.ledger.has_times_of_its_own();
            Ok(())
        }
        answer => answer.map(drop),
    }
}

async fn copy_item(run: Arc<CopyRun>, item: Item) -> Result<(), CopyError> {
    let context = &run.context;
    context.ledger.heard().await;
    // more sessions are of no use to what does not pass through here
    if run.direct.is_none() {
        item.lanes.grow();
    }
    match &item.what {
        What::Folder(folder) => Box::pin(make(context, &item, folder)).await,
        _ if item.is_orphan().await => {
            context.ledger.count_failure();
            Ok(())
        }
        _ => match (stays(&run, &item).await, &item.what) {
            (Some(stays), _) => settle(context, &item, None, stays).await,
            (None, What::File(links)) => file(&run, &item, *links).await,
            (None, _) => Box::pin(link(context, &item)).await,
        },
    }
}

/// Whether the destination has the item as it should be: an error when only its mode or times are not, and cannot be set.
async fn stays(run: &CopyRun, item: &Item) -> Option<Result<(), CopyError>> {
    let context = &run.context;
    if item.ground().await == Ground::Fresh {
        return None;
    }
    if let Some(marker) = &run.marker
        && Box::pin(marker.holds(item)).await
    {
        // the next run may have no more reason to look
        Box::pin(takeover::clear(&item.lanes.idlest().destination, item, context)).await;
        return Some(Ok(()));
    }
    if context.unchanged == Unchanged::Never {
        return None;
    }
    let check = UnchangedCheck { unchanged: context.unchanged, modify_window: context.modify_window };
    // boxed: every item's task would have to have room for it
    let seen = Box::pin(check.finds(item, &context.standing, Some(context))).await?;
    if context.keep == Keep::Nothing {
        return Some(Ok(()));
    }
    let repair =
        |lane: Arc<Lane>| async move { repair::repair(&lane.destination, item, &seen, context.modify_window).await };
    match Box::pin(item.lanes.retry(repair)).await {
        Ok(Repaired::OutOfReach) => None,
        Ok(repaired) => {
            if repaired == Repaired::Done {
                context.ledger.repaired(&item.target);
            }
            Some(Ok(()))
        }
        Err(error) => Some(Err(error)),
    }
}

async fn make(context: &RunContext, item: &Item, folder: &Folder) -> Result<(), CopyError> {
    let mut made = folder.make().await;
    made = match way_cleared(context, item, made.as_ref().err()).await {
        Some(Ok(())) => folder.make().await,
        Some(Err(error)) => Err(error),
        None => made,
    };
    folder.tell(made.as_ref().ok().copied().flatten());
    match made {
        Err(error) if !error.ends_the_run() => {
            context.ledger.failed(&item.source, None, error);
            Ok(())
        }
        made => made.map(drop),
    }
}

/// Removes what is in the way of `item`, where that is what it `failed` for and may be removed; `None` where not.
async fn way_cleared(context: &RunContext, item: &Item, failed: Option<&CopyError>) -> Option<Result<(), CopyError>> {
    let (what, clearing) = (failed?.in_the_way()?, context.clearing.as_ref()?);
    Some(Box::pin(mirror::clear_way(item, what, clearing, &context.ledger)).await)
}

async fn link(context: &RunContext, item: &Item) -> Result<(), CopyError> {
    let (started, began) = (context.ledger.started(item), Instant::now());
    let make = |lane: Arc<Lane>| async move {
        let says = lane.source.read_link(&item.source).await?;
        adopt::link(&lane.destination, item, context, says).await?;
        takeover::clear_soon(&lane.destination, item, context, began).await;
        Ok(())
    };
    let mut linked = item.lanes.retry(make).await;
    if item.is_let_in(linked.as_ref().err()).await {
        linked = item.lanes.retry(make).await;
    }
    linked = match way_cleared(context, item, linked.as_ref().err()).await {
        Some(Ok(())) => item.lanes.retry(make).await,
        Some(Err(error)) => Err(error),
        None => linked,
    };
    settle(context, item, Some(&started), linked).await
}

/// Copies a file, and once more when its source changed meanwhile.
async fn file(run: &CopyRun, item: &Item, links: Links) -> Result<(), CopyError> {
    let context = &run.context;
    let started = Arc::new(context.ledger.started(item));
    if item.ground().await == Ground::Old {
        context.leftovers.begin(&item.lanes.idlest().destination, &item.target.parent());
    }
    let transfer = FileTransfer { context, item, links, version: &item.attributes, started: &started };
    let mut why = (context.in_place == InPlace::Always).then_some(InPlaceReason::Asked);
    let mut copied = copy_as(run, transfer, why).await;
    if item.is_let_in(copied.as_ref().err()).await {
        copied = copy_as(run, transfer, why).await;
    }
    copied = match way_cleared(context, item, copied.as_ref().err()).await {
        Some(Ok(())) => copy_as(run, transfer, why).await,
        Some(Err(error)) => Err(error),
        None => copied,
    };
    if let Some(left) = Box::pin(in_place::is_left(transfer, copied.as_ref().err())).await {
        why = Some(left);
        copied = copy_as(run, transfer, why).await;
    }
    let has_changed = copied.as_ref().is_err_and(CopyError::is_source_changed);
    if has_changed {
        copied = match Box::pin(look_again(item, links)).await {
            Ok(now) if matches!(now.kind(), FileKind::File | FileKind::Unknown) => {
                copy_as(run, FileTransfer { version: &now, ..transfer }, why).await
            }
            Ok(_) => copied,
            Err(error) => Err(error),
        };
    }
    // which version it is after it has changed is not known so well
    if let (Ok(()), false, Some(marker), Some(there)) = (&copied, has_changed, &run.marker, started.landed_as())
        && let Some(version) = marker.version_of(item, started.version_read())
    {
        marker.landed(item, &version, there);
    }
    settle(context, item, Some(&started), copied).await
}

async fn look_again(item: &Item, links: Links) -> Result<Attributes, CopyError> {
    let looked = item.lanes.retry(|lane| async move { lane.source.stat(&item.source, links).await });
    looked.await.map_err(|error| error.of_source(links))
}

/// Copies one version of a file: in place, if there is a reason to, or as every other.
async fn copy_as(run: &CopyRun, transfer: FileTransfer<'_>, in_place: Option<InPlaceReason>) -> Result<(), CopyError> {
    let Some(why) = in_place else { return copy_version(run, transfer).await };
    // never closed, so never refused
    let _permit = run.alone.acquire().await;
    let _turn = transfer.context.turn(transfer.size()).await;
    Box::pin(in_place::copy_in_place(transfer, why)).await
}

/// Copies one version of a file, over as many sessions in turn as it needs.
async fn copy_version(run: &CopyRun, transfer: FileTransfer<'_>) -> Result<(), CopyError> {
    let mut so_far = SoFar::default();
    loop {
        match attempt(run, transfer, &mut so_far).await {
            Err(error) if error.is_lost() => {
                so_far.cut_off();
                Box::pin(transfer.item.lanes.restore(error)).await?;
            }
            Err(error) if error.is_in_order_only() => so_far.turn_to_order(),
            Err(error) if error.is_mode_refused() => so_far.begin_over(),
            ended => return ended,
        }
    }
}

async fn attempt(run: &CopyRun, transfer: FileTransfer<'_>, so_far: &mut SoFar) -> Result<(), CopyError> {
    let (context, size) = (transfer.context, transfer.size());
    if so_far.earlier() == Earlier::Nothing && run.packed.send(transfer).await? {
        return Ok(());
    }
    // never closed, so never refused
    let _permit = run.alone.acquire().await;
    if let (Some(direct), 1..) = (&run.direct, size) {
        let carried = Box::pin(direct.send(transfer, &mut *so_far)).await?;
        if carried == Carried::Here {
            return Ok(());
        }
    }
    if size <= small::SMALL.min(context.throttle.block() as u64) {
        match Box::pin(small::copy_small(transfer, so_far)).await? {
            Small::Landed => return Ok(()),
            Small::IsNot => {}
        }
    }
    let _turn = context.turn(size).await;
    Box::pin(large::copy_large(transfer, so_far)).await
}

/// Reports how an item ended; one that was not `started` has its content already.
async fn settle(
    context: &RunContext,
    item: &Item,
    started: Option<&FileProgress>,
    ended: Result<(), CopyError>,
) -> Result<(), CopyError> {
    match (ended, started) {
        (Ok(()), Some(started)) => context.ledger.done(item, started),
        (Ok(()), None) => context.ledger.unchanged(item),
        (Err(error), _) if error.ends_the_run() => return Err(error),
        (Err(error), _) => {
            let error = Box::pin(item.lanes.idlest().destination.explain(error, &item.target)).await;
            context.ledger.failed(&item.source, started, error);
        }
    }
    Ok(())
}
