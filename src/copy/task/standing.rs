//! What stands in the destination's folders before a file of this run goes there? [`Standing`] lists a folder once, instead of
//! looking at each of its files. A tree in which nothing has changed costs a few requests a folder then.
//!
//! Memory: at most [`KEPT`] names of the folders that were asked for last, and as many of listings under way: 20 MiB. A
//! folder that there is no room for has its files looked at one by one.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SetOnce};
use tokio::task::JoinSet;

use super::item::Item;
use crate::copy::ends::side::Side;
use crate::copy::error::CopyError;
use crate::copy::name::Name;
use crate::copy::place::{Links, Place};
use crate::sftp::Attributes;

/// Most names kept, for all folders together.
const KEPT: usize = 65_536;

/// Most folders that are remembered.
const FOLDERS: usize = 512;

/// Folders listed at a time: each is open meanwhile, and a server has few handles.
const LISTINGS: usize = 16;

/// The entries of a folder; `None` where it cannot be listed, or has too many.
type EntriesByName = Option<HashMap<Name, Attributes>>;

/// What a listing under way will have found.
type ListedSoon = Arc<SetOnce<EntriesByName>>;

/// What the folders of a destination held when they were first asked for.
pub struct Standing {
    /// Whether it is of use: nothing is listed ahead, and each item is looked at, where it is not.
    is_wanted: bool,
    listed: Arc<Mutex<ListedFolders>>,
    listings: Mutex<JoinSet<()>>,
    /// Permits for listings.
    turns: Arc<Semaphore>,
    /// Names of listings under way.
    under_way: Arc<AtomicUsize>,
}

#[derive(Default)]
struct ListedFolders {
    by_path: HashMap<Vec<u8>, ListedSoon>,
    /// The paths, and how many names each has; the one that was asked for first is first.
    order: VecDeque<(Vec<u8>, usize)>,
    /// All names.
    names: usize,
}

impl Standing {
    /// Nothing is listed yet. It is not wanted where nothing counts as unchanged, nor with several sources, of which two may
    /// have the same targets: what stands there would be this run's own.
    pub fn new(is_wanted: bool) -> Standing {
        let (turns, under_way) = (Arc::new(Semaphore::new(LISTINGS)), Arc::default());
        Standing { is_wanted, listed: Arc::default(), listings: Mutex::default(), turns, under_way }
    }

    /// Begins to list a folder of the destination, of which files will be asked for soon.
    pub fn begin(&self, side: &Side, folder: &Place) {
        if self.is_wanted {
            drop(self.listing(side, folder));
        }
    }

    /// The attributes of what stands at the item's target; `None` when nothing does.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub async fn at(&self, item: &Item) -> Result<Option<Attributes>, CopyError> {
        let side = &item.lanes.idlest().destination;
        if let (true, Some(_), Ok(name)) = (self.is_wanted, &item.folder, side.own_name(&item.target)) {
            let folder = self.listing(side, &item.target.parent());
            match folder.wait().await.as_ref().map(|entries| entries.get(&name)) {
                Some(None) => return Ok(None),
                Some(Some(there)) if tells_all(there) => return Ok(Some(*there)),
                Some(Some(_)) | None => {}
            }
        }
        side.look(&item.target, Links::Keep).await
    }

    fn listing(&self, side: &Side, folder: &Place) -> ListedSoon {
        let path = folder.path();
        let mut listed = lock(&self.listed);
        if let Some(looking) = listed.by_path.get(&path) {
            return Arc::clone(looking);
        }
        let looking = listed.add(&path);
        drop(listed);
        let (side, folder, told) = (side.clone(), folder.clone(), Arc::clone(&looking));
        let (listed, turns) = (Arc::clone(&self.listed), Arc::clone(&self.turns));
        let mut names = NamesUnderWay::of(&self.under_way);
        // nothing panics while it holds this
        let mut listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        while listings.try_join_next().is_some() {}
        listings.spawn(async move {
            // never closed, so never refused
            let _turn = turns.acquire().await;
            let entries = list(&side, &folder, &mut names).await.ok().flatten();
            lock(&listed).count(&path, entries.as_ref().map_or(0, HashMap::len));
            // set once only: here
            let _ = told.set(entries);
        });
        looking
    }
}

fn lock(listed: &Mutex<ListedFolders>) -> MutexGuard<'_, ListedFolders> {
    // nothing panics while it holds this
    listed.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ListedFolders {
    fn add(&mut self, path: &[u8]) -> ListedSoon {
        let looking = ListedSoon::default();
        self.by_path.insert(path.to_vec(), Arc::clone(&looking));
        self.order.push_back((path.to_vec(), 0));
        if self.order.len() > FOLDERS {
            self.forget_first();
        }
        looking
    }

    /// The folder at `path` has so many names: those that were asked for first are forgotten for them.
    fn count(&mut self, path: &[u8], names: usize) {
        if let Some((_, known)) = self.order.iter_mut().rev().find(|(known, _)| known == path) {
            *known = names;
            self.names += names;
        }
        while self.names > KEPT {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((path, names)) = self.order.pop_front() {
            self.by_path.remove(&path);
            self.names -= names;
        }
    }
}

/// Names that one listing has found so far; no longer counted once it is dropped.
struct NamesUnderWay {
    all: Arc<AtomicUsize>,
    own: usize,
}

impl NamesUnderWay {
    fn of(all: &Arc<AtomicUsize>) -> NamesUnderWay {
        NamesUnderWay { all: Arc::clone(all), own: 0 }
    }

    /// Counts so many more; `false` when there is no room for them.
    fn add(&mut self, names: usize) -> bool {
        self.own += names;
        self.all.fetch_add(names, Ordering::Relaxed) + names <= KEPT
    }
}

impl Drop for NamesUnderWay {
    fn drop(&mut self) {
        self.all.fetch_sub(self.own, Ordering::Relaxed);
    }
}

/// All entries of a folder; `None` when there is no room for them.
async fn list(side: &Side, folder: &Place, names: &mut NamesUnderWay) -> Result<EntriesByName, CopyError> {
    let (mut found, mut listing) = (HashMap::new(), side.list(folder).await?);
    while let Some(entries) = listing.next().await? {
        if !names.add(entries.len()) {
            return Ok(None);
        }
        found.extend(entries.into_iter().flatten());
    }
    Ok(Some(found))
}

/// Whether a listing has told as much as a look would.
fn tells_all(there: &Attributes) -> bool {
    there.size.is_some() && there.times.is_some() && there.permissions.is_some() && there.owner.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_names_are_kept_than_there_is_room_for() {
        let mut listed = ListedFolders::default();
        let path = |index: usize| index.to_string().into_bytes();
        listed.add(&path(0));
        listed.count(&path(0), KEPT / 2);
        listed.add(&path(1));
        listed.count(&path(1), KEPT / 2);
        assert_eq!(listed.by_path.len(), 2);
        listed.add(&path(2));
        listed.count(&path(2), 1);
        assert!(!listed.by_path.contains_key(&path(0)) && listed.names == KEPT / 2 + 1, "the first one is forgotten");
        for index in 3..3 + 2 * FOLDERS {
            listed.add(&path(index));
        }
        assert_eq!((listed.by_path.len(), listed.order.len(), listed.names), (FOLDERS, FOLDERS, 0));
    }
}
