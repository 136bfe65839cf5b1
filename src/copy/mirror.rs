//! What does the destination have that the source has not, and how does it go? [`Extras`], found by listing both once the
//! copy has ended, counted before anything is removed, and removed from the leaves up.
//!
//! Nothing is removed through a link, outside the destination, or when either side could not be listed whole. What a
//! [`Filter`] leaves out is left alone, and so are parts of other runs (`.NAME.hop-ID.part`), which may be under way.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::Options;
use super::error::{Cause, CopyError};
use super::filter::Filter;
use super::lanes::Lanes;
use super::ledger::Ledger;
use super::name::Name;
use super::part;
use super::place::Place;
use super::plan::Errand;
use super::side::{Links, Side};
use crate::progress::{Event, Stage};
use crate::sftp::{Attributes, FileKind};

/// Removals under way at once.
const AT_ONCE: usize = 32;

/// Entries that are remembered at most: a server may make them up without end.
const FOUND_MAX: usize = 1 << 20;

/// That the destination becomes what the source is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mirror {
    /// What the source has not is removed, unless it is more than so many entries; `None` leaves it alone.
    pub delete: Option<u64>,
}

/// Removes what is too much, or tells it in a dry run. Nothing is removed when anything has failed.
///
/// # Errors
/// When a folder cannot be listed whole, when there are more than `most`, when the session is lost.
pub async fn clean(pairs: &[Pair], options: &Options, most: u64, ledger: &Arc<Ledger>) -> Result<(), CopyError> {
    if ledger.has_failures() {
        ledger.event(Event::Warning("nothing is deleted, because not everything arrived".to_owned()));
        return Ok(());
    }
    for pair in pairs {
        let extras = pair.extras(&options.filter, most).await?;
        match options.dry_run {
            true => extras.show(ledger),
            false => extras.remove(ledger).await?,
        }
    }
    Ok(())
}

/// Two folders that are to hold the same.
pub struct Pair {
    source: Place,
    target: Place,
    lanes: Arc<Lanes>,
}

/// Entries of the destination that the source has not.
pub struct Extras {
    files: Vec<Place>,
    /// A folder before the folders in it.
    folders: Vec<Place>,
    lanes: Arc<Lanes>,
}

impl Pair {
    /// The ends of an errand.
    pub fn of(errand: &Errand) -> Pair {
        Pair { source: errand.source.clone(), target: errand.target.clone(), lanes: Arc::clone(&errand.lanes) }
    }

    /// Finds what is too much; all of it, or nothing.
    ///
    /// # Errors
    /// When a folder of either side cannot be listed whole, or more than `most` entries are too much.
    pub async fn extras(&self, filter: &Filter, most: u64) -> Result<Extras, CopyError> {
        let lane = self.lanes.idlest();
        let mut search = Search { filter, source: &lane.source, target: &lane.destination, found: Found::default() };
        if search.target.look(&self.target, Links::Follow).await?.is_some_and(|there| there.kind() == FileKind::Dir) {
            search
                .compare(Node { source: Some(self.source.clone()), target: self.target.clone(), path: Vec::new() })
                .await?;
        }
        let Found { files, folders, kept } = search.found;
        let folders = folders.into_iter().filter(|(path, _)| !kept.contains(path)).map(|(_, place)| place).collect();
        let extras = Extras { files, folders, lanes: Arc::clone(&self.lanes) };
        let found = extras.len();
        match found > most {
            true => Err(lane.destination.error(Stage::List, &self.target, Cause::TooMany { found, most })),
            false => Ok(extras),
        }
    }
}

struct Search<'a> {
    filter: &'a Filter,
    source: &'a Side,
    target: &'a Side,
    found: Found,
}

#[derive(Default)]
struct Found {
    files: Vec<Place>,
    folders: Vec<(Vec<u8>, Place)>,
    /// Folders in which something stays, by their paths from the root of the tree.
    kept: HashSet<Vec<u8>>,
}

/// A folder of both sides, or of the destination alone.
struct Node {
    source: Option<Place>,
    target: Place,
    /// From the root of the tree.
    path: Vec<u8>,
}

impl Search<'_> {
    /// Goes through the folders that both sides have, and through those that only the destination has.
    async fn compare(&mut self, root: Node) -> Result<(), CopyError> {
        let mut waiting = vec![root];
        while let Some(node) = waiting.pop() {
            let known = match &node.source {
                Some(source) => self.names(source).await?,
                None => HashMap::new(),
            };
            let mut listing = self.target.list(&node.target).await?;
            while let Some(entries) = listing.next().await? {
                for entry in entries {
                    let bad = |bad| self.target.error(Stage::List, &node.target, Cause::Name(bad));
                    waiting.extend(self.weigh(&node, &known, entry.map_err(bad)?)?);
                }
            }
        }
        Ok(())
    }

    /// The names in a folder of the source, and whether what has them is a link.
    async fn names(&self, folder: &Place) -> Result<HashMap<Vec<u8>, Links>, CopyError> {
        let mut names = HashMap::new();
        let mut listing = self.source.list(folder).await?;
        while let Some(entries) = listing.next().await? {
            for entry in entries {
                let entry = entry.map_err(|bad| self.source.error(Stage::List, folder, Cause::Name(bad)));
                let (name, attributes) = entry?;
                let links = if attributes.kind() == FileKind::Symlink { Links::Follow } else { Links::Keep };
                names.insert(name.as_bytes().to_vec(), links);
            }
        }
        Ok(names)
    }

    /// One entry of the destination: a folder to go into, too much, or as it should be.
    fn weigh(
        &mut self,
        node: &Node,
        known: &HashMap<Vec<u8>, Links>,
        (name, attributes): (Name, Attributes),
    ) -> Result<Option<Node>, CopyError> {
        let slash: &[u8] = if node.path.is_empty() { b"" } else { b"/" };
        let path = [&node.path[..], slash, name.as_bytes()].concat();
        let (target, is_folder) = (node.target.join(&name), attributes.kind() == FileKind::Dir);
        if !self.filter.takes(&path, is_folder) || part::is_part(&name) {
            self.found.keep(&node.path);
            return Ok(None);
        }
        let source = node.source.as_ref().zip(known.get(name.as_bytes())).map(|(source, links)| match links {
            Links::Keep => source.join(&name),
            Links::Follow => source.join(&name).followed(),
        });
        if source.is_none() {
            match is_folder {
                true => self.found.folders.push((path.clone(), target.clone())),
                false => self.found.files.push(target.clone()),
            }
            if self.found.files.len() + self.found.folders.len() > FOUND_MAX {
                let cause = Cause::Unfit("more entries than can be remembered are not at the source");
                return Err(self.target.error(Stage::List, &node.target, cause));
            }
        }
        Ok(is_folder.then_some(Node { source, target, path }))
    }
}

impl Found {
    /// Something in the folder at `path` stays, so it stays too, and all it is in.
    fn keep(&mut self, path: &[u8]) {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        self.kept.extend(ends.chain([path.len()]).map(|end| path[..end].to_vec()));
    }
}

impl Extras {
    /// How many there are.
    pub fn len(&self) -> u64 {
        (self.files.len() + self.folders.len()) as u64
    }

    /// Says what would be removed.
    pub fn show(&self, ledger: &Ledger) {
        for place in self.files.iter().chain(&self.folders) {
            ledger.event(Event::PlannedRemoval { path: place.path() });
        }
    }

    /// Removes them, the files first, then the folders from the innermost out. One that cannot be removed is a failure of
    /// its own.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn remove(mut self, ledger: &Arc<Ledger>) -> Result<(), CopyError> {
        let (files, mut folders) = (std::mem::take(&mut self.files), std::mem::take(&mut self.folders));
        self.round(files, Removal::File, ledger).await?;
        let depth = |place: &Place| place.below().iter().filter(|byte| **byte == b'/').count();
        folders.sort_by_key(|place| std::cmp::Reverse(depth(place)));
        for level in folders.chunk_by(|one, other| depth(one) == depth(other)) {
            self.round(level.to_vec(), Removal::Folder, ledger).await?;
        }
        Ok(())
    }

    async fn round(&self, places: Vec<Place>, what: Removal, ledger: &Arc<Ledger>) -> Result<(), CopyError> {
        let mut running = JoinSet::new();
        for place in places {
            if running.len() >= AT_ONCE
                && let Some(ended) = running.join_next().await
            {
                tell(ended, ledger)?;
            }
            let side = self.lanes.idlest().destination.clone();
            running.spawn(async move {
                let removed = match what {
                    Removal::File => side.remove(&place).await,
                    Removal::Folder => side.remove_folder(&place).await,
                };
                (place, removed)
            });
        }
        while let Some(ended) = running.join_next().await {
            tell(ended, ledger)?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
enum Removal {
    /// Or a link, or anything else that is no folder.
    File,
    Folder,
}

type Ended = Result<(Place, Result<(), CopyError>), tokio::task::JoinError>;

fn tell(ended: Ended, ledger: &Ledger) -> Result<(), CopyError> {
    let (place, removed) = ended.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()));
    match removed {
        Ok(()) => ledger.removed(&place),
        Err(error) if error.is_missing() => {}
        Err(error) if error.ends_the_run() => return Err(error),
        Err(error) => ledger.failed(&place, None, error),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_keeps_all_the_folders_it_is_in() {
        let mut found = Found::default();
        found.keep(b"a/b/c");
        let mut kept: Vec<_> = found.kept.into_iter().map(|path| String::from_utf8(path).unwrap()).collect();
        kept.sort();
        assert_eq!(kept, ["a", "a/b", "a/b/c"]);
    }
}
