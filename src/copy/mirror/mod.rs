//! What does the destination have that the source does not? [`FolderPair`] finds the [`Extras`] by listing both ends
//! once the copy has ended, one folder at a time and the deepest first.
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

use std::sync::Arc;

use super::ends::lanes::Lanes;
use super::ends::side::Side;
use super::error::{Cause, CopyError};
use super::filter::Filter;
use super::name::Name;
use super::options::Options;
use super::place::{Links, Place};
use super::task::ledger::Ledger;
use super::task::planned_copy::PlannedCopy;
use super::task::this_run::ThisRun;
use super::walk::pending::{Child, Pending};
use super::{marker, part};
use crate::progress::{Event, Stage};
use crate::sftp::{Attributes, FileKind};
use extras::{Also, Extras, TargetFolder};
use known::{KnownNames, NameShare};

/// Most folders within each other.
const DEPTH: usize = 1024;

/// Removes what only the destination has, or shows it in a dry run. Nothing is removed when anything has failed.
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
    if ledger.has_failures() {
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
        let mut search = Search {
            pair: self,
            filter: &options.filter,
            ends: (&lane.source, &lane.destination),
            pending: Pending::new(options.scratch.clone()),
            found: Extras::below(&self.target, &self.lanes),
        };
        let there = lane.destination.look(&self.target, Links::Follow).await?;
        if there.is_some_and(|there| there.kind() == FileKind::Dir) {
            search.compare_all().await?;
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

struct Search<'a> {
    pair: &'a FolderPair,
    filter: &'a Filter,
    /// The source and the destination.
    ends: (&'a Side, &'a Side),
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

impl Search<'_> {
    /// Goes through the folders that both ends have, and through those that only the destination has.
    async fn compare_all(&mut self) -> Result<(), CopyError> {
        let mut level = TargetFolder::root();
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
            let known = self.known(open, share).await?;
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

    /// The names that the source has.
    async fn known(&self, open: &ComparedFolder, share: NameShare) -> Result<KnownNames, CopyError> {
        let (source, mut known) = (self.ends.0, KnownNames::of(share));
        if open.both.level.also == Also::Nowhere {
            return Ok(known);
        }
        let mut listing = source.list(&open.source).await?;
        while let Some(entries) = listing.next().await? {
            for entry in entries {
                let bad = |bad| source.error(Stage::List, &open.source, Cause::Name(bad));
                let (name, attributes) = entry.map_err(bad)?;
                let links = if attributes.kind() == FileKind::Symlink { Links::Follow } else { Links::Keep };
                if !known.insert(&name, links) {
                    let cause = Cause::Unfit("more entries than can be compared");
                    return Err(source.error(Stage::List, &open.source, cause));
                }
            }
        }
        Ok(known)
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
            Some(links) => (&open.both, links),
            None => (&open.one, Links::Keep),
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
