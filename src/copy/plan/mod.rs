//! What goes where? [`Plan`]: the sources found, the destination understood, and a place for each source; refused as a
//! whole when that makes no sense. Looks at both ends and writes at neither; a dry run stops after it.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `destination` | what the destination means |

pub mod destination;

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::connector::Location;
use super::ends::expand::expand;
use super::ends::lanes::Lanes;
use super::ends::pool::Pool;
use super::ends::retry::{RETRIES, RetryBudget};
use super::ends::side::Side;
use super::ends::symlink_loops::is_within;
use super::ends::watchers::Watchers;
use super::error::{Cause, CopyError};
use super::idle::IdleClock;
use super::marker::{Tree, TreeMarker, Trial};
use super::name::Name;
use super::options::{Job, Options, Symlinks};
use super::place::{self, Links, Place};
use super::task::ledger::Ledger;
use super::task::leftovers::Leftovers;
use super::task::planned_copy::PlannedCopy;
use super::task::this_run::ThisRun;
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};
use destination::Destination;

/// Most folders of the command line that are kept open; each takes a descriptor.
const HELD: usize = 16;

/// All sources of a copy and their targets.
pub struct Plan {
    /// The sources and where each goes, in the order of the command line.
    pub copies: Vec<PlannedCopy>,
    /// A folder that must be made before anything else.
    pub folder: Option<(Side, Place)>,
    /// The only source's target, where the same command would mean another place once the target exists.
    pub tree: Option<Tree>,
    /// Whether the target is a device of this machine, which takes one file.
    pub is_device: bool,
}

/// A source that exists.
struct Source {
    place: Place,
    attributes: Attributes,
    pool: Arc<Pool>,
}

impl Plan {
    /// Makes the plan. Sources that do not exist, or cannot be copied as asked, are reported to the ledger.
    ///
    /// # Errors
    /// When an end cannot be reached, or what was asked for makes no sense: several sources without a folder to take
    /// them, two sources with one name, a source that is its own destination.
    pub async fn make(job: &Job, ledger: &Ledger, watchers: &Watchers) -> Result<Plan, CopyError> {
        let tries = RetryBudget::new(job.options.retries.unwrap_or(RETRIES), watchers.clone());
        loop {
            let mut missing = Missing::new();
            match Box::pin(Plan::try_make(job, &mut missing, watchers)).await {
                Err(error) if error.is_lost() => tries.next(error).await?,
                made => {
                    missing.into_iter().for_each(|(place, error)| ledger.failed(&place, None, error));
                    return made;
                }
            }
        }
    }

    /// Gives the only source, if its target needs one, a marker, of which nothing is made yet.
    pub fn mark(&mut self, run: &Arc<ThisRun>, ledger: &Arc<Ledger>, options: &Options) -> Option<Arc<TreeMarker>> {
        let (tree, [planned]) = (self.tree.take()?, &mut self.copies[..]) else { return None };
        let marker = Arc::new(TreeMarker::new(tree, &planned.lanes, run, ledger, options));
        planned.marker = Some(Arc::<TreeMarker>::clone(&marker));
        Some(marker)
    }

    async fn try_make(job: &Job, missing: &mut Missing, watchers: &Watchers) -> Result<Plan, CopyError> {
        let destination_pool = Arc::new(Pool::of(&job.destination, &watchers.clock));
        let pools = pools(&job.sources, &watchers.clock);
        // what is missing here is missing before anybody logs in anywhere
        let (here, there): (Vec<_>, Vec<_>) =
            job.sources.iter().zip(&pools).partition(|(end, _)| matches!(end, Location::Local(_)));
        let mut sources = found(&here, &job.options, missing).await?;
        if sources.is_empty() && there.is_empty() {
            return Ok(Plan { copies: Vec::new(), folder: None, tree: None, is_device: false });
        }
        let (side, remote) = tokio::join!(destination_pool.side(0), found(&there, &job.options, missing));
        let side = side?;
        sources.extend(remote?);
        let (destination, tree) = meant(job, &side, &sources).await?;
        let several = job.sources.len() > 1 || sources.len() > 1;
        if several && !destination.is_folder() {
            let place = Place::typed(job.destination.path());
            return Err(side.error(Stage::List, &place, Cause::Refused("several sources need a folder to go into")));
        }
        if job.options.mirror.is_some() {
            is_one_folder(&sources, job.destination.path())?;
        }
        let settled = Settled { side, pool: destination_pool, destination, real: OnceCell::new() };
        let copies = settled.copies(sources, &job.options, watchers).await?;
        let (folder, is_device) = (settled.missing_folder(&copies), settled.destination.is_device());
        Ok(Plan { copies, folder, tree, is_device })
    }
}

/// What the destination means. Where a folder is copied under a new name, and an earlier run of the same command has
/// begun to make that folder, the name still counts as new.
async fn meant(job: &Job, side: &Side, sources: &[Source]) -> Result<(Destination, Option<Tree>), CopyError> {
    let path = side.expand(job.destination.path()).await?;
    let Some(source) = lone_folder(job, sources) else {
        return Ok((Destination::find(side, &path, job.options.in_place).await?, None));
    };
    let leftovers = Arc::<Leftovers>::default();
    let has_name = Name::vet(place::last(&path)).is_ok();
    if has_name && matches!(side, Side::Remote(_)) {
        // beside the other questions
        leftovers.begin(side, &Place::typed(place::folder_of(&path)));
    }
    let destination = Destination::find(side, &path, job.options.in_place).await?;
    let tree = |root: &Place| Tree::of(source.pool.alias(), &source.place, root, &leftovers);
    if let Some(new) = destination.missing() {
        let tree = tree(new);
        return Ok((destination, tree));
    }
    if !has_name || !destination.is_folder() {
        return Ok((destination, None));
    }
    let trial = if job.options.dry_run { Trial::LookOnly } else { Trial::MakeFile };
    let begun = async {
        let (before, root) = Destination::before_made(side, &path).await?;
        let Some(tree) = tree(&root) else { return Ok(None) };
        Ok::<_, CopyError>(tree.if_begun(side, trial).await?.map(|tree| (before, Some(tree))))
    };
    match begun.await {
        Err(error) if error.ends_the_run() => Err(error),
        Ok(Some(begun)) => Ok(begun),
        Ok(None) | Err(_) => Ok((destination, None)),
    }
}

/// The only source, if it is a folder that keeps its name.
fn lone_folder<'a>(job: &Job, sources: &'a [Source]) -> Option<&'a Source> {
    let is_alone = job.sources.len() == 1 && job.options.mirror.is_none();
    match sources {
        [source] if is_alone && source.attributes.kind() == FileKind::Dir => {
            Name::vet(place::last(&source.place.path())).ok().map(|_| source)
        }
        _ => None,
    }
}

/// Refuses to mirror anything but one folder.
fn is_one_folder(sources: &[Source], destination: &[u8]) -> Result<(), CopyError> {
    let refused = |path: Vec<u8>, why| Err(CopyError::new(None, Stage::List, path, Cause::Refused(why)));
    match sources {
        [] => Ok(()),
        [source] if source.attributes.kind() == FileKind::Dir => Ok(()),
        [source] => refused(source.place.path(), "not a folder: only a folder can be synced"),
        _ => refused(destination.to_vec(), "one folder at a time can be synced"),
    }
}

/// The pools of the sources; sources on one host share one.
fn pools(sources: &[Location], clock: &Arc<IdleClock>) -> Vec<Arc<Pool>> {
    let mut pools: Vec<Arc<Pool>> = Vec::with_capacity(sources.len());
    for end in sources {
        let pool = Pool::of(end, clock);
        let known = pools.iter().find(|known| known.is_same_place(&pool)).map(Arc::clone);
        pools.push(known.unwrap_or_else(|| Arc::new(pool)));
    }
    pools
}

/// Sources that cannot be copied, and why.
type Missing = Vec<(Place, CopyError)>;

/// The files and folders that the sources stand for.
async fn found(
    sources: &[(&Location, &Arc<Pool>)],
    options: &Options,
    missing: &mut Missing,
) -> Result<Vec<Source>, CopyError> {
    let mut all = Vec::new();
    for (end, pool) in sources {
        let side = pool.side(0).await?;
        let paths = match paths(&side, end.path()).await {
            Err(error) if !error.ends_the_run() => {
                missing.push((Place::typed(end.path()), error));
                continue;
            }
            answer => answer?,
        };
        for path in paths {
            let place = Place::typed(&path);
            match source(&side, &place, options, all.len()).await {
                Ok((place, attributes)) => all.push(Source { place, attributes, pool: Arc::clone(pool) }),
                Err(error) if !error.ends_the_run() => missing.push((place, error)),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(all)
}

async fn paths(side: &Side, typed: &[u8]) -> Result<Vec<Vec<u8>>, CopyError> {
    expand(side, &side.expand(typed).await?).await
}

/// The source at `place`, after `before` others. A folder is kept open, or known again by its device and inode, so that
/// what replaces it later is not taken for it.
async fn source(
    side: &Side,
    place: &Place,
    options: &Options,
    before: usize,
) -> Result<(Place, Attributes), CopyError> {
    let links = match options.symlinks {
        Symlinks::Follow => Links::Follow,
        Symlinks::Keep | Symlinks::Skip => Links::Keep,
    };
    let attributes = side.stat(place, links).await?;
    let folder = match attributes.kind() {
        FileKind::Dir if !options.recursive => {
            return Err(side.error(Stage::List, place, Cause::Unfit("a folder, and -r was not given")));
        }
        FileKind::Dir if before < HELD => side.hold_source(place, links).await?,
        FileKind::Dir => side.see_source(place, links).await?,
        _ => return Ok((place.clone(), attributes)),
    };
    let attributes = match side {
        Side::Local => side.stat(&folder, Links::Keep).await.map_err(|error| error.of_source(links))?,
        Side::Remote(_) => attributes,
    };
    Ok((folder, attributes))
}

/// The destination and what it means.
struct Settled {
    side: Side,
    pool: Arc<Pool>,
    destination: Destination,
    /// The real path of its folder, once it was asked for.
    real: OnceCell<Vec<u8>>,
}

impl Settled {
    async fn copies(
        &self,
        sources: Vec<Source>,
        options: &Options,
        watchers: &Watchers,
    ) -> Result<Vec<PlannedCopy>, CopyError> {
        let mut copies: Vec<PlannedCopy> = Vec::with_capacity(sources.len());
        let mut taken = HashSet::new();
        let mut opened: Vec<(Arc<Pool>, Arc<Lanes>)> = Vec::new();
        for source in sources {
            let name = Name::vet(place::last(&source.place.path())).ok();
            let target = match options.mirror {
                Some(_) => self.destination.place_below(&self.side, name.as_ref(), &source.attributes)?,
                None => self.destination.place_for(&self.side, name.as_ref(), &source.attributes)?,
            };
            if !taken.insert(target.path()) {
                return Err(self.refused(&target, "two sources would get this name"));
            }
            self.refuse_itself(&source, &target).await?;
            let lanes = self.lanes(&mut opened, &source.pool, options, watchers).await?;
            copies.push(PlannedCopy {
                source: source.place,
                attributes: source.attributes,
                target,
                lanes,
                marker: None,
            });
        }
        Ok(copies)
    }

    /// The destination itself, when it does not exist yet and the only source goes into it.
    fn missing_folder(&self, copies: &[PlannedCopy]) -> Option<(Side, Place)> {
        let new = self.destination.missing()?;
        let is_inside = copies.iter().any(|planned| planned.target.path() != new.path());
        is_inside.then(|| (self.side.clone(), new.clone()))
    }

    /// Refuses a source that is its own destination, or a folder that would go into itself.
    async fn refuse_itself(&self, source: &Source, target: &Place) -> Result<(), CopyError> {
        if !source.pool.is_same_host(&self.pool) {
            return Ok(());
        }
        let side = source.pool.side(0).await?;
        let source_real = side.real(&source.place).await?;
        let real = self.real.get_or_try_init(|| self.side.real(&self.destination.folder)).await?;
        let target_real = match target.below() {
            b"" => real.clone(),
            below => [&real[..], if real.ends_with(b"/") { b"" } else { b"/" }, below].concat(),
        };
        let is_one = source_real == target_real || self.side.are_one(&source.place, target).await;
        match source.attributes.kind() {
            _ if is_one => Err(self.refused(target, "source and destination are the same")),
            FileKind::Dir if is_within(&target_real, &source_real) => {
                Err(self.refused(target, "the destination lies inside the source"))
            }
            _ => Ok(()),
        }
    }

    async fn lanes(
        &self,
        opened: &mut Vec<(Arc<Pool>, Arc<Lanes>)>,
        source: &Arc<Pool>,
        options: &Options,
        watchers: &Watchers,
    ) -> Result<Arc<Lanes>, CopyError> {
        if let Some((_, lanes)) = opened.iter().find(|(pool, _)| Arc::ptr_eq(pool, source)) {
            return Ok(Arc::clone(lanes));
        }
        let ends = (Arc::clone(source), Arc::clone(&self.pool));
        let retries = options.retries.unwrap_or(RETRIES);
        let lanes = Arc::new(Lanes::open(ends, options.lanes, retries, watchers.clone()).await?);
        opened.push((Arc::clone(source), Arc::clone(&lanes)));
        Ok(lanes)
    }

    fn refused(&self, place: &Place, why: &'static str) -> CopyError {
        self.side.error(Stage::List, place, Cause::Refused(why))
    }
}
