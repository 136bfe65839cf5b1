//! What have other runs left in a folder? [`Leftovers`] lists a folder of the destination once a run, while the run
//! goes on, and keeps the part files in it: unfinished files, markers of trees, folders that small files arrive in. It
//! does not tell whether their runs still live (`alive`), or who owns them ([`takeover`](crate::copy::land::takeover)).
//!
//! Memory: at most [`KEPT`] names in all, however many folders and whatever a server lists, and as many files that wait for
//! the end of the run: 4 MiB.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, SetOnce};
use tokio::task::JoinSet;

use crate::copy::ends::lanes::Lanes;
use crate::copy::ends::side::Side;
use crate::copy::error::CopyError;
use crate::copy::name::Name;
use crate::copy::part::{self, Id, PairId};
use crate::copy::place::Place;
use crate::progress::Stage;
use crate::sftp::Attributes;

/// Most names kept, for all folders of a run together.
const KEPT: usize = 4096;

/// Most entries of one folder that are looked at.
const LOOKED_AT: usize = 131_072;

/// Most folders whose listings are remembered; when there are more, all are forgotten, and listed again if needed.
const FOLDERS: usize = 256;

/// Folders listed at a time: each is open meanwhile, and a server has few handles.
const LISTINGS: usize = 16;

/// How many names a part has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameCount {
    /// So many, as listed.
    Told(u64),
    /// Its end does not tell.
    Untold,
    /// On this machine: seen when it is open.
    SeenWhenOpen,
}

/// A part that was there.
#[derive(Debug, Clone)]
pub struct Leftover {
    /// Its place.
    pub place: Place,
    /// The ID in its name.
    pub id: Id,
    /// Its attributes, as listed.
    pub attributes: Attributes,
    /// Names the file has.
    pub names: NameCount,
}

/// The part files in one folder.
#[derive(Debug, Default)]
pub struct Found {
    by_stem: HashMap<Vec<u8>, Vec<Leftover>>,
    count: usize,
    budget: Arc<AtomicUsize>,
}

/// What a listing under way will have found.
type Looking = Arc<SetOnce<Arc<Found>>>;

/// A file that has its name, while the part files that ended runs left of it may still be there.
pub struct Uncleared {
    /// The sessions to its destination.
    pub lanes: Arc<Lanes>,
    /// Its place at the destination.
    pub target: Place,
    /// Its source and its target.
    pub pair: PairId,
}

/// What is known of the destination's folders.
pub struct Leftovers {
    uncleared: Mutex<Vec<Uncleared>>,
    folders: Mutex<HashMap<Vec<u8>, Looking>>,
    listings: Mutex<JoinSet<()>>,
    /// Permits for listings.
    turns: Arc<Semaphore>,
    kept: Arc<AtomicUsize>,
}

impl Default for Leftovers {
    fn default() -> Leftovers {
        let (uncleared, folders, listings) = (Mutex::default(), Mutex::default(), Mutex::default());
        Leftovers { uncleared, folders, listings, turns: Arc::new(Semaphore::new(LISTINGS)), kept: Arc::default() }
    }
}

impl Leftovers {
    /// The part files in `folder`. A folder that cannot be listed has none; one whose session was lost is listed again.
    pub async fn of(&self, side: &Side, folder: &Place) -> Arc<Found> {
        let listing = self.listing(side, folder);
        let found = Arc::clone(listing.wait().await);
        if side.is_lost() {
            self.forget(&folder.path());
        }
        found
    }

    /// Begins to list `folder`, so that nothing has to wait for it later.
    pub fn begin(&self, side: &Side, folder: &Place) {
        drop(self.listing(side, folder));
    }

    /// Leaves a file for the end of the run, by when its folder will have been listed; the next run does it when there are
    /// more than [`KEPT`].
    pub fn postpone(&self, uncleared: Uncleared) {
        let mut postponed = self.uncleared.lock().unwrap_or_else(PoisonError::into_inner);
        if postponed.len() < KEPT {
            postponed.push(uncleared);
        }
    }

    /// The files that were left for the end.
    pub fn postponed(&self) -> Vec<Uncleared> {
        std::mem::take(&mut *self.uncleared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn listing(&self, side: &Side, folder: &Place) -> Looking {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listing) = folders.get(&folder.path()) {
            return Arc::clone(listing);
        }
        if folders.len() >= FOLDERS {
            folders.clear();
        }
        let listing = Looking::default();
        folders.insert(folder.path(), Arc::clone(&listing));
        drop(folders);
        let (side, folder, told) = (side.clone(), folder.clone(), Arc::clone(&listing));
        let (mut found, turns) = (Found::within(&self.kept), Arc::clone(&self.turns));
        let mut listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        while listings.try_join_next().is_some() {}
        listings.spawn(async move {
            // never closed, so never refused
            let _turn = turns.acquire().await;
            // what could not be listed to its end is not resumed, and no error
            let _ = found.list(&side, &folder).await;
            // set once only: here
            let _ = told.set(Arc::new(found));
        });
        listing
    }

    fn forget(&self, folder: &[u8]) {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).remove(folder);
    }
}

impl Found {
    fn within(budget: &Arc<AtomicUsize>) -> Found {
        Found { by_stem: HashMap::new(), count: 0, budget: Arc::clone(budget) }
    }

    /// The part files of the file, folder or link `name`, from any source.
    pub fn of(&self, name: &Name) -> &[Leftover] {
        self.by_stem.get(&part::stem(name)).map_or(&[], Vec::as_slice)
    }

    /// The part files of `name` that came from one source.
    pub fn of_pair(&self, name: &Name, pair: PairId) -> impl Iterator<Item = &Leftover> {
        self.of(name).iter().filter(move |leftover| leftover.id.pair == pair)
    }

    /// The same, whatever name they are called after.
    pub fn of_pair_by_any_name(&self, pair: PairId) -> impl Iterator<Item = &Leftover> {
        self.by_stem.values().flatten().filter(move |leftover| leftover.id.pair == pair)
    }

    async fn list(&mut self, side: &Side, folder: &Place) -> Result<(), CopyError> {
        let mut looked_at = 0;
        match side {
            Side::Local => {
                let mut listing = side.list(folder).await?;
                while let Some(entries) = listing.next().await? {
                    looked_at += entries.len();
                    let entries = entries.into_iter().flatten();
                    let is_full =
                        entries.fold(false, |_, (name, told)| !self.keep(folder, &name, told, NameCount::SeenWhenOpen));
                    if is_full || looked_at > LOOKED_AT {
                        break;
                    }
                }
            }
            Side::Remote(remote) => {
                let mut listing = remote.list(folder).await?;
                while let Some(entries) = remote.told(Stage::List, folder, listing.next().await)? {
                    looked_at += entries.len();
                    for entry in entries {
                        if let Ok(name) = Name::vet(&entry.name) {
                            let names = names_of(&entry.longname).map_or(NameCount::Untold, NameCount::Told);
                            self.keep(folder, &name, entry.attributes, names);
                        }
                    }
                    if looked_at > LOOKED_AT {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Remembers `name` if it is a part's; `false` when there is no room any more.
    fn keep(&mut self, folder: &Place, name: &Name, attributes: Attributes, names: NameCount) -> bool {
        let Some((stem, id)) = part::read(name) else { return true };
        if self.budget.fetch_add(1, Ordering::Relaxed) >= KEPT {
            self.budget.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        self.count += 1;
        let leftover = Leftover { place: folder.join(name), id, attributes, names };
        self.by_stem.entry(stem.to_vec()).or_default().push(leftover);
        true
    }
}

impl Drop for Found {
    fn drop(&mut self) {
        self.budget.fetch_sub(self.count, Ordering::Relaxed);
    }
}

/// The link count in a line of `ls -l`, as servers send it for people: `-rw------- 1 owner …`.
fn names_of(long: &[u8]) -> Option<u64> {
    let mut words = long.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let mode = words.next()?;
    let is_mode = mode.len() >= 10 && mode[1..10].iter().all(|byte| b"rwxsStT-".contains(byte));
    std::str::from_utf8(words.next().filter(|_| is_mode)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::part::{RunId, VersionId};

    fn id(run: u64) -> Id {
        Id { pair: PairId::of("h", b"/a", b"/b"), version: VersionId::of(&[b"v"]), run: RunId(run) }
    }

    #[tokio::test]
    async fn parts_are_found_by_the_name_of_their_file() {
        let dir = tempfile::tempdir().unwrap();
        let name = |text: &str| Name::vet(text.as_bytes()).unwrap();
        let put = |name: &Name| std::fs::write(dir.path().join(String::from_utf8_lossy(name.as_bytes()).as_ref()), "x");
        put(&part::part(&name("f"), &id(1))).unwrap();
        put(&part::part(&name("f"), &id(2))).unwrap();
        put(&part::part(&name("g"), &id(2))).unwrap();
        put(&name("f")).unwrap();
        let leftovers = Leftovers::default();
        let folder = crate::copy::ends::local::hold(dir.path().as_os_str().as_encoded_bytes()).unwrap();
        let found = leftovers.of(&Side::Local, &folder).await;
        assert_eq!((found.of(&name("f")).len(), found.of(&name("g")).len(), found.of(&name("h")).len()), (2, 1, 0));
        assert_eq!(found.of_pair(&name("f"), id(1).pair).count(), 2);
        assert_eq!(found.of_pair(&name("f"), PairId::of("h", b"/c", b"/b")).count(), 0);
        // listed once
        put(&part::part(&name("h"), &id(3))).unwrap();
        assert!(leftovers.of(&Side::Local, &folder).await.of(&name("h")).is_empty());
        let nowhere = Place::typed(b"/nowhere/at/all");
        assert!(leftovers.of(&Side::Local, &nowhere).await.of(&name("f")).is_empty());
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let (folder, budget) = (Place::typed(b"/srv"), Arc::new(AtomicUsize::new(0)));
        let mut found = Found::within(&budget);
        let name = |run| part::part(&Name::vet(b"f").unwrap(), &id(run));
        let kept = (0..KEPT as u64 + 10)
            .filter(|run| found.keep(&folder, &name(*run), Attributes::default(), NameCount::Untold))
            .count();
        assert_eq!((kept, budget.load(Ordering::Relaxed)), (KEPT, KEPT));
        drop(found);
        assert_eq!(budget.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn names_are_counted_in_the_long_form_of_a_listing() {
        assert_eq!(names_of(b"-rw-------    1 user  group   1234 Jan  1 00:00 f"), Some(1));
        assert_eq!(names_of(b"-rw-------+ 12 0 0 1 Jan 1 2020 f"), Some(12));
        assert_eq!(names_of(b"-rw------- ? user group 5 Jan 1 2020 f"), None);
        assert_eq!(names_of(b"01-01-20 1 f"), None);
        assert_eq!(names_of(b""), None);
    }
}
