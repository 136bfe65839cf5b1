//! What does only the destination have, and how is it removed? [`Extras`] are counted before anything is removed, then
//! removed from the leaves up. What is remembered is bounded: a server may make up entries without end. Nothing is
//! found here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

use crate::copy::ends::lanes::Lanes;
use crate::copy::ends::side::Side;
use crate::copy::error::CopyError;
use crate::copy::name::Name;
use crate::copy::place::{Links, Place, Step};
use crate::copy::task::ledger::Ledger;
use crate::copy::task::lent_bits;
use crate::copy::walk::pending::Child;
use crate::progress::{Change, Event};
use crate::sftp::Attributes;

/// Removals under way at once.
const AT_ONCE: usize = 32;

/// Most bytes of what is remembered.
const HELD: usize = 24 << 20;

/// Bytes that an entry takes besides its name.
const AROUND: usize = 128;

/// Whether the source has a folder, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Also {
    /// Both ends have the folder.
    AtSource,
    /// Only the destination has the folder.
    Nowhere,
}

/// A folder of the destination, by its name and the folder it is in.
pub struct TargetFolder {
    within: Option<Below>,
    /// Whether the source has it.
    pub also: Also,
    /// Number of folders it is in, from the root of the tree.
    pub depth: usize,
    /// Whether something in it stays, so that it stays, too.
    stays: AtomicBool,
}

struct Below {
    folder: Arc<TargetFolder>,
    name: Name,
    links: Links,
}

impl TargetFolder {
    /// The root of both trees.
    pub fn root() -> Arc<TargetFolder> {
        Arc::new(TargetFolder { within: None, also: Also::AtSource, depth: 0, stays: AtomicBool::new(false) })
    }

    /// The folder `name` behind these `steps` from the root of the tree, where the source has something else.
    pub fn at(steps: &[Step<'_>], name: Name) -> Arc<TargetFolder> {
        let links = |step: &Step<'_>| if step.is_followed { Links::Follow } else { Links::Keep };
        let child = |name, links| Child { name, attributes: Attributes::default(), links };
        let enter = |folder: Arc<TargetFolder>, step: &Step<'_>| {
            folder.enter(child(step.name.clone(), links(step)), Also::AtSource)
        };
        steps.iter().fold(TargetFolder::root(), enter).enter(child(name, Links::Keep), Also::Nowhere)
    }

    /// The folder that `child` is in this one; its name may be a link's at the source.
    pub fn enter(self: &Arc<TargetFolder>, child: Child, also: Also) -> Arc<TargetFolder> {
        let within = Some(Below { folder: Arc::clone(self), name: child.name, links: child.links });
        Arc::new(TargetFolder { within, also, depth: self.depth + 1, stays: AtomicBool::new(false) })
    }

    /// The steps to it at the source.
    pub fn steps(&self) -> Vec<Step<'_>> {
        let (mut steps, mut folder) = (Vec::with_capacity(self.depth), self);
        while let Some(within) = &folder.within {
            steps.push(Step { name: &within.name, is_followed: within.links == Links::Follow });
            folder = &within.folder;
        }
        steps.reverse();
        steps
    }

    /// Its place below `root` at the destination, where no step is a link.
    pub fn place(&self, root: &Place) -> Place {
        let steps = self.steps().into_iter().map(|step| Step { is_followed: false, ..step });
        root.descend(&steps.collect::<Vec<_>>())
    }

    /// Whether something in it stays.
    pub fn stays(&self) -> bool {
        self.stays.load(Ordering::Relaxed)
    }

    /// Keeps it and all folders it is in, because something in it stays.
    pub fn keep(&self) {
        let mut level = self;
        while !level.stays.swap(true, Ordering::Relaxed)
            && let Some(within) = &level.within
        {
            level = &within.folder;
        }
    }
}

/// Frees the folders one after the other, up the tree, so that a deep tree takes no deep stack.
impl Drop for TargetFolder {
    fn drop(&mut self) {
        let mut above = self.within.take();
        while let Some(mut level) = above.and_then(|within| Arc::into_inner(within.folder)) {
            above = level.within.take();
        }
    }
}

/// The entries that only the destination has.
pub struct Extras {
    root: Place,
    lanes: Arc<Lanes>,
    files: Vec<(Arc<TargetFolder>, Name)>,
    /// The folders, each before the folders in it.
    folders: Vec<Arc<TargetFolder>>,
    held: usize,
}

impl Extras {
    /// No entries yet below `root`.
    pub fn below(root: &Place, lanes: &Arc<Lanes>) -> Extras {
        Extras { root: root.clone(), lanes: Arc::clone(lanes), files: Vec::new(), folders: Vec::new(), held: 0 }
    }

    /// Remembers a file, a link, or anything else that is not a folder.
    pub fn add_file(&mut self, within: &Arc<TargetFolder>, name: Name) {
        self.held += name.as_bytes().len() + AROUND;
        self.files.push((Arc::clone(within), name));
    }

    /// Remembers a folder, whose name is `name`.
    pub fn add_folder(&mut self, level: &Arc<TargetFolder>) {
        self.held += level.within.as_ref().map_or(0, |within| within.name.as_bytes().len()) + AROUND;
        self.folders.push(Arc::clone(level));
    }

    /// Whether more are remembered than may be.
    pub fn is_too_much(&self) -> bool {
        self.held > HELD
    }

    /// Forgets the folders in which something stays.
    pub fn settle(&mut self) {
        self.folders.retain(|level| !level.stays.load(Ordering::Relaxed));
    }

    /// The number of entries.
    pub fn len(&self) -> u64 {
        (self.files.len() + self.folders.len()) as u64
    }

    /// Shows what would be removed.
    pub async fn show(&self, ledger: &Ledger) {
        let files = self.files.iter().map(|(within, name)| within.place(&self.root).join(name));
        let folders = self.folders.iter().map(|level| level.place(&self.root));
        for place in files.chain(folders) {
            ledger.heard().await;
            ledger.event(Event::PlannedChange { change: Change::Removal, path: place.path() });
        }
    }

    /// Removes the entries: the files first, then the folders from the innermost out. Each one that cannot be removed
    /// is a failure of its own.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn remove(mut self, ledger: &Arc<Ledger>) -> Result<(), CopyError> {
        self.folders.sort_by_key(|level| std::cmp::Reverse(level.depth));
        let lent = Arc::default();
        let files = self.files.iter().map(|(within, name)| self.entry(within, within.place(&self.root).join(name)));
        self.round(files, Removal::File, &lent, ledger).await?;
        for level in self.folders.chunk_by(|one, other| one.depth == other.depth) {
            let within = |folder: &Arc<TargetFolder>| Some(Arc::clone(&folder.within.as_ref()?.folder));
            let folders =
                level.iter().filter_map(|folder| Some(self.entry(&within(folder)?, folder.place(&self.root))));
            self.round(folders, Removal::Folder, &lent, ledger).await?;
        }
        lent.give_back(&self.lanes).await
    }

    fn entry(&self, within: &Arc<TargetFolder>, place: Place) -> Removable {
        Removable { folder: within.place(&self.root), place }
    }

    async fn round(
        &self,
        entries: impl Iterator<Item = Removable>,
        what: Removal,
        lent: &Arc<LentFolders>,
        ledger: &Arc<Ledger>,
    ) -> Result<(), CopyError> {
        let mut running = JoinSet::new();
        for entry in entries {
            if running.len() >= AT_ONCE
                && let Some(ended) = running.join_next().await
            {
                tell(ended, ledger)?;
            }
            let (side, lent) = (self.lanes.idlest().destination.clone(), Arc::clone(lent));
            running.spawn(async move {
                let mut removed = what.remove(&side, &entry.place).await;
                if removed.as_ref().is_err_and(CopyError::is_denied) && lent.lend(&side, &entry.folder).await? {
                    removed = what.remove(&side, &entry.place).await;
                }
                if let Err(error) = removed {
                    removed = Err(side.explain(error, &entry.place).await);
                }
                Ok((entry.place, removed))
            });
        }
        while let Some(ended) = running.join_next().await {
            tell(ended, ledger)?;
        }
        Ok(())
    }
}

/// Something to remove, and the folder it is in.
struct Removable {
    folder: Place,
    place: Place,
}

/// Folders whose owner was lent permissions, by their paths, and what they had before.
#[derive(Default)]
struct LentFolders(tokio::sync::Mutex<BTreeMap<Vec<u8>, LentFolder>>);

/// A folder that was tried.
struct LentFolder {
    place: Place,
    /// What it had before; `None` where nothing was lent.
    before: Option<Attributes>,
}

impl LentFolders {
    /// Lends this user the permissions to remove something from `folder`; whether it has them now.
    async fn lend(&self, side: &Side, folder: &Place) -> Result<bool, CopyError> {
        let mut lent = self.0.lock().await;
        if let Some(known) = lent.get(&folder.path()) {
            return Ok(known.before.is_some());
        }
        let before = lent_bits::lend(side, folder).await?;
        lent.insert(folder.path(), LentFolder { place: folder.clone(), before });
        Ok(before.is_some())
    }

    /// Gives those folders that are still there what they had before.
    async fn give_back(&self, lanes: &Lanes) -> Result<(), CopyError> {
        for LentFolder { place, before } in self.0.lock().await.values() {
            let Some(before) = before else { continue };
            match lanes.retry(|lane| async move { lane.destination.set_folder(place, *before).await }).await {
                Err(error) if !error.is_missing() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
enum Removal {
    /// A file, a link, or anything else that is not a folder.
    File,
    Folder,
}

impl Removal {
    async fn remove(self, side: &Side, place: &Place) -> Result<(), CopyError> {
        match self {
            Removal::File => side.remove(place).await,
            Removal::Folder => side.remove_folder(place).await,
        }
    }
}

type Removed = Result<(Place, Result<(), CopyError>), CopyError>;

fn tell(ended: Result<Removed, tokio::task::JoinError>, ledger: &Ledger) -> Result<(), CopyError> {
    let (place, removed) = ended.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))?;
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

    fn child(text: &str) -> Child {
        let name = Name::vet(text.as_bytes()).unwrap();
        Child { name, attributes: Attributes::default(), links: Links::Keep }
    }

    #[test]
    fn what_stays_keeps_all_the_folders_it_is_in() {
        let root = TargetFolder::root();
        let a = root.enter(child("a"), Also::Nowhere);
        let (b, c) = (a.enter(child("b"), Also::Nowhere), a.enter(child("c"), Also::Nowhere));
        b.keep();
        let stay = [&root, &a, &b, &c].map(|level| level.stays.load(Ordering::Relaxed));
        assert_eq!(stay, [true, true, true, false]);
        assert_eq!(b.place(&Place::typed(b"/srv")).path(), b"/srv/a/b");
    }

    #[test]
    fn a_deep_tree_is_let_go_without_a_deep_stack() {
        let root = TargetFolder::root();
        let deep = (0..100_000).fold(root, |level, _| level.enter(child("d"), Also::Nowhere));
        std::thread::Builder::new().stack_size(64 * 1024).spawn(move || drop(deep)).unwrap().join().unwrap();
    }
}
