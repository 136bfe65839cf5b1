//! What does the destination have that the source does not? [`FolderPair`] finds the [`Extras`] by listing both ends
//! once the copy has ended, one folder at a time and the deepest first.
//!
//! What has another type than at the source is in the way of what should have its name. [`clear_way`] removes it while the
//! copy goes on.
//!
//! Nothing is removed through a link, outside the destination, or when either end could not be listed completely. What
//! a [`Filter`] leaves out is left alone, and so are part files of other runs (`.NAME.hop-ID.part`), which may be under
//! way.
//!
//! Memory holds the names of one folder ([`KnownNames`], 8 MiB), the folders that wait ([`Pending`], 6 MiB) and what is to be
//! removed ([`Extras`], 24 MiB: 150,000 entries or more), whatever a server says; beyond that nothing is removed.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `extras` `known` | what is too much; the names of one folder |

pub mod extras;
pub mod known;

use std::path::PathBuf;
use std::sync::Arc;

use super::ends::lanes::Lanes;
use super::ends::side::Side;
use super::error::{Cause, CopyError};
use super::filter::Filter;
use super::in_the_way::InTheWay;
use super::name::Name;
use super::options::{Options, Symlinks};
use super::place::{Links, Place};
use super::task::item::Item;
use super::task::ledger::Ledger;
use super::task::planned_copy::PlannedCopy;
use super::task::run_context::Clearing;
use super::task::this_run::ThisRun;
use super::walk::pending::{Child, Pending};
use super::{marker, part};
use crate::progress::{Event, Stage};
use crate::sftp::{Attributes, FileKind};
use extras::{Also, Extras, TargetFolder};
use known::{KnownNames, NameShare};

/// Most folders within each other.
const DEPTH: usize = 1024;

/// Removes what only the destination has, or shows it in a dry run. Nothing is removed when anything has failed, but for
/// files that vanished from the source, and things that are in the way.
///
/// # Errors
/// When a folder cannot be listed completely, when there are more than `most` entries, or when the session is lost.
pub async fn clean(
    pairs: &[FolderPair],
    options: &Options,
    most: u64,
    ledger: &Arc<Ledger>,
    run: &ThisRun,
) -> Result<(), CopyError> {
    if ledger.keeps_others() {
        ledger.event(Event::Warning("nothing is deleted, because not everything arrived".to_owned()));
        return Ok(());
    }
    for pair in pairs {
        let extras = pair.extras(options, most).await?;
        match options.dry_run {
            true => extras.show(ledger).await,
            false => {
                extras.remove(ledger).await?;
                pair.clear_markers(run).await?;
            }
        }
    }
    Ok(())
}

/// Removes what is at the target of `item` and of another type, a folder with all that is in it.
///
/// # Errors
/// When there is more in it than may be removed, or something that stays; when it cannot be listed; when the session is lost.
/// What cannot be removed is a failure of its own.
pub async fn clear_way(
    item: &Item,
    what: InTheWay,
    clearing: &Clearing,
    ledger: &Arc<Ledger>,
) -> Result<(), CopyError> {
    let side = item.lanes.idlest().destination.clone();
    let in_the_way = |what| side.error(Stage::Land, &item.target, Cause::InTheWay(what));
    // the typed destination itself is not removed
    let Some(folder) = &item.folder else { return Err(in_the_way(what)) };
    let reserve = |found| match ledger.reserve_removals(found, clearing.most) {
        true => Ok(()),
        false => Err(side.error(Stage::Land, &item.target, Cause::TooMany { found, most: clearing.most })),
    };
    if what != InTheWay::Folder {
        reserve(1)?;
        side.remove(&item.target).await?;
        ledger.removed(&item.target);
        return Ok(());
    }
    let pair = FolderPair::of(folder.planned());
    let level = TargetFolder::at(&folder.steps(), side.own_name(&item.target)?);
    let mut search = Search::of(&pair, &clearing.filter, clearing.scratch.clone());
    search.found.add_folder(&level);
    search.compare_all(Arc::clone(&level)).await?;
    if level.stays() {
        return Err(in_the_way(InTheWay::Kept));
    }
    reserve(search.found.len())?;
    search.found.remove(ledger).await
}

/// Two folders that shall hold the same.
pub struct FolderPair {
    source: Place,
    target: Place,
    lanes: Arc<Lanes>,
}

impl FolderPair {
    /// The source and target of `planned`.
    pub fn of(planned: &PlannedCopy) -> FolderPair {
        FolderPair { source: planned.source.clone(), target: planned.target.clone(), lanes: Arc::clone(&planned.lanes) }
    }

    /// Removes the markers that ended runs of `cp -r` from the same source have left beside the target.
    async fn clear_markers(&self, run: &ThisRun) -> Result<(), CopyError> {
        let side = self.lanes.idlest().destination.clone();
        marker::clear(&side, self.lanes.source_alias(), &self.source, &self.target, run).await
    }

    /// Finds what only the destination has: all of it, or nothing.
    ///
    /// # Errors
    /// When a folder of either end cannot be listed completely, or there are more than `most` entries.
    pub async fn extras(&self, options: &Options, most: u64) -> Result<Extras, CopyError> {
        let lane = self.lanes.idlest();
        let mut search = Search::of(self, &options.filter, options.scratch.clone());
        search.symlinks = options.symlinks;
        if options.dry_run {
            search.differing = Differing::IsShown;
        }
        let there = lane.destination.look(&self.target, Links::Follow).await?;
        if there.is_some_and(|there| there.kind() == FileKind::Dir) {
            search.compare_all(TargetFolder::root()).await?;
        }
        let mut extras = search.found;
        extras.settle();
        let found = extras.len();
        match found > most {
            true => Err(lane.destination.error(Stage::List, &self.target, Cause::TooMany { found, most })),
            false => Ok(extras),
        }
    }
}

/// What becomes of an entry that has another type at the source. As a rule there is none any more when both ends are
/// compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Differing {
    /// It stays, and is told where it is in the way.
    Stays,
    /// It is shown as to be removed.
    IsShown,
}

struct Search<'a> {
    pair: &'a FolderPair,
    filter: &'a Filter,
    symlinks: Symlinks,
    differing: Differing,
    /// The source and the destination.
    ends: (Side, Side),
    pending: Pending<Inside>,
    found: Extras,
}

/// A folder whose entries both ends have, or only one.
struct Inside {
    level: Arc<TargetFolder>,
    also: Also,
}

/// A folder that is being compared, with the paths its entries share.
struct ComparedFolder {
    source: Place,
    target: Place,
    /// Its path relative to the root of the tree, as filters see it.
    path: Vec<u8>,
    both: Arc<Inside>,
    one: Arc<Inside>,
}

impl<'a> Search<'a> {
    /// A search in the `pair` that has found nothing yet.
    fn of(pair: &'a FolderPair, filter: &'a Filter, scratch: Option<PathBuf>) -> Search<'a> {
        let lane = pair.lanes.idlest();
        let ends = (lane.source.clone(), lane.destination.clone());
        let (pending, found) = (Pending::new(scratch), Extras::below(&pair.target, &pair.lanes));
        Search { pair, filter, symlinks: Symlinks::default(), differing: Differing::Stays, ends, pending, found }
    }

    /// Goes through the folders below `level` that both ends have, and through those that only the destination has.
    async fn compare_all(&mut self, mut level: Arc<TargetFolder>) -> Result<(), CopyError> {
        loop {
            self.compare(&ComparedFolder::new(self.pair, &level)).await?;
            let Some(next) = self.pending.pop() else { return Ok(()) };
            let within = &next.parent.level;
            let place = || within.place(&self.pair.target);
            let child = next.child.map_err(|error| CopyError::local(Stage::List, place().path(), error))?;
            level = within.enter(child, next.parent.also);
            if level.also == Also::Nowhere {
                self.found.add_folder(&level);
            }
        }
    }

    /// Compares one folder, once for each share of its names.
    async fn compare(&mut self, open: &ComparedFolder) -> Result<(), CopyError> {
        let mut share = NameShare::default();
        loop {
            let Some(known) = self.known(open, share).await? else {
                open.both.level.keep();
                return Ok(());
            };
            let mut listing = self.ends.1.list(&open.target).await?;
            while let Some(entries) = listing.next().await? {
                for entry in entries {
                    let bad = |bad| self.ends.1.error(Stage::List, &open.target, Cause::Name(bad));
                    let (name, attributes) = entry.map_err(bad)?;
                    if known.share().holds(&name) {
                        self.weigh(open, &known, name, attributes)?;
                    }
                }
            }
            match known.share().clone().next() {
                Some(next) => share = next,
                None => return Ok(()),
            }
        }
    }

    /// The names that the source has; `None` where it has no such folder: it may have vanished meanwhile, or is a link to
    /// something else.
    async fn known(&self, open: &ComparedFolder, share: NameShare) -> Result<Option<KnownNames>, CopyError> {
        let (source, mut known) = (&self.ends.0, KnownNames::of(share));
        if open.both.level.also == Also::Nowhere {
            return Ok(Some(known));
        }
        let mut listing = match source.list(&open.source).await {
            Err(error) if error.is_missing() && open.both.level.depth > 0 => return Ok(None),
            listing => listing?,
        };
        while let Some(entries) = listing.next().await? {
            for entry in entries {
                let bad = |bad| source.error(Stage::List, &open.source, Cause::Name(bad));
                let (name, attributes) = entry.map_err(bad)?;
                if !known.insert(&name, attributes.kind()) {
                    let cause = Cause::Unfit("more entries than can be compared");
                    return Err(source.error(Stage::List, &open.source, cause));
                }
            }
        }
        Ok(Some(known))
    }

    /// Looks at one entry of the destination: a folder to go into, something to remove, or something both ends have.
    fn weigh(
        &mut self,
        open: &ComparedFolder,
        known: &KnownNames,
        name: Name,
        attributes: Attributes,
    ) -> Result<(), CopyError> {
        let slash: &[u8] = if open.path.is_empty() { b"" } else { b"/" };
        let path = [&open.path[..], slash, name.as_bytes()].concat();
        let is_folder = attributes.kind() == FileKind::Dir;
        if !self.filter.takes(&path, is_folder) || part::is_part(&name) {
            open.both.level.keep();
            return Ok(());
        }
        let unfit = |what| Err(self.ends.1.error(Stage::List, &open.target, Cause::Unfit(what)));
        let (inside, links) = match known.get(&name) {
            None => (&open.one, Links::Keep),
            // it may lead to a folder
            Some(FileKind::Symlink) if is_folder && self.symlinks == Symlinks::Follow => (&open.both, Links::Follow),
            Some(kind) if (kind == FileKind::Dir) == is_folder || kind == FileKind::Unknown => {
                (&open.both, Links::Keep)
            }
            Some(_) if self.differing == Differing::IsShown => (&open.one, Links::Keep),
            Some(_) => {
                open.both.level.keep();
                return Ok(());
            }
        };
        if is_folder {
            if inside.level.depth >= DEPTH {
                return unfit("folders too deep");
            }
            let child = Child { name, attributes: Attributes::default(), links };
            let pushed = self.pending.push(inside, inside.level.depth, &child);
            pushed.map_err(|error| CopyError::local(Stage::List, open.target.path(), error))?;
        } else if inside.also == Also::Nowhere {
            self.found.add_file(&inside.level, name);
        }
        match self.found.is_too_much() {
            true => unfit("more entries than can be remembered are not at the source"),
            false => Ok(()),
        }
    }
}

impl ComparedFolder {
    fn new(pair: &FolderPair, level: &Arc<TargetFolder>) -> ComparedFolder {
        let steps = level.steps();
        let (source, target) = (pair.source.descend(&steps), level.place(&pair.target));
        let names: Vec<&[u8]> = steps.iter().map(|step| step.name.as_bytes()).collect();
        let inside = |also| Arc::new(Inside { level: Arc::clone(level), also });
        let path = names.join(&b"/"[..]);
        // what a folder holds that only one end has, only one end has
        ComparedFolder { source, target, path, both: inside(level.also), one: inside(Also::Nowhere) }
    }
}
