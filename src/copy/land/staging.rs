//! Where do small files arrive before they have their names? In [`Staging`], a private folder of the destination beside
//! the first of them, named as a part file is and made by this run. A run removes those that killed runs have left.

use std::collections::HashMap;
use std::sync::Arc;

use super::adopt::PROBE;
use super::takeover::is_our_folder;
use crate::copy::ends::identity::FileIdentity;
use crate::copy::ends::join_in_order;
use crate::copy::ends::lanes::{Lane, Lanes};
use crate::copy::ends::side::Side;
use crate::copy::error::{Cause, CopyError};
use crate::copy::name::Name;
use crate::copy::part::{self, Id, PairId, RunId, VersionId};
use crate::copy::place::{self, Links, Place};
use crate::copy::task::item::Item;
use crate::copy::task::leftovers::{Leftover, Leftovers};
use crate::copy::task::run_context::RunContext;
use crate::copy::task::this_run::{ThisRun, Young};
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};

/// The mode of that folder.
const PRIVATE: u32 = 0o700;

/// A folder of the destination that small files arrive in.
pub struct Staging {
    /// Its path at the destination.
    pub place: Place,
    lanes: Arc<Lanes>,
}

impl Staging {
    /// Makes the folder beside the first file's top folder; `None` when it cannot be made there.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn make(item: &Item, context: &RunContext) -> Result<Option<Staging>, CopyError> {
        let side = item.lanes.idlest().destination.clone();
        let top = item.target.top();
        let (Some(name), folder) = (named_after(&top), top.parent()) else { return Ok(None) };
        let pair = pair_of(&item.lanes, &folder);
        let place = folder.join(&part::part(&name, &id(&side, pair, context.run.id(0).await)));
        // for the end
        context.leftovers.begin(&side, &folder);
        match side.mkdir(&place, PRIVATE).await {
            Ok(()) => Ok(Some(Staging { place, lanes: Arc::clone(&item.lanes) })),
            Err(error) if error.ends_the_run() => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Removes the folder and what is in it.
    ///
    /// # Errors
    /// When something in it cannot be removed, or no session can be had any more.
    pub async fn remove(&self) -> Result<(), CopyError> {
        self.lanes.retry(|lane| async move { remove(&lane.destination, &self.place).await }).await
    }

    /// Says, for people, that the folder is still there.
    pub fn left(&self) -> String {
        format!("{} could not be removed; the next run does it", String::from_utf8_lossy(&self.place.path()))
    }
}

/// Removes the folders that ended runs have left of copies to where `target` goes. Where `target` is the typed folder
/// itself, a run that had to make that folder has left its own beside it.
///
/// # Errors
/// When the session is lost.
pub async fn clear(lanes: &Lanes, target: &Place, leftovers: &Leftovers, run: &ThisRun) -> Result<(), CopyError> {
    let lane = lanes.idlest();
    if let Side::Local = lane.destination {
        return Ok(());
    }
    let folder = target.top().parent();
    let path = folder.path();
    let beside = async {
        match target.name() {
            None if Name::vet(place::last(&path)).is_ok() => {
                clear_in(lanes, &Place::typed(place::folder_of(&path)), leftovers, run).await
            }
            _ => Ok(()),
        }
    };
    let (inside, beside) = tokio::join!(clear_in(lanes, &folder, leftovers, run), beside);
    inside.and(beside)
}

async fn clear_in(lanes: &Lanes, folder: &Place, leftovers: &Leftovers, run: &ThisRun) -> Result<(), CopyError> {
    let (side, pair) = (lanes.idlest().destination.clone(), pair_of(lanes, folder));
    let found = leftovers.of(&side, folder).await;
    let folders = found.of_pair_by_any_name(pair).filter(|left| left.attributes.kind() == FileKind::Dir);
    let folders: Vec<&Leftover> = folders.collect();
    let cleared = async {
        let Some(first) = folders.first() else { return Ok(()) };
        let own = own(&side, first).await?;
        let there = side.stat(folder, Links::Follow).await?;
        for left in folders.iter().filter(|left| is_our_folder(left, &own, &there)) {
            if run.outlived(&side, left, there.mtime(), Young::LeaveAlone).await? {
                unless_lost(remove(&side, &left.place).await)?;
            }
        }
        Ok::<_, CopyError>(())
    };
    unless_lost(cleared.await)
}

/// What is left is a part, which another run removes.
fn unless_lost(cleared: Result<(), CopyError>) -> Result<(), CopyError> {
    cleared.or_else(|error| if error.ends_the_run() { Err(error) } else { Ok(()) })
}

/// The attributes of a folder that this user makes beside one that was `left`.
async fn own(side: &Side, left: &Leftover) -> Result<Attributes, CopyError> {
    let run = RunId::draw().map_err(|error| side.error(Stage::Land, &left.place, Cause::Io(error)))?;
    let name = Name::vet(b"hop").expect("a word is a name");
    let place = left.place.sibling(&part::part(&name, &Id { run, ..left.id }));
    side.mkdir(&place, PRIVATE).await?;
    let (told, removed) = tokio::join!(biased; side.stat(&place, Links::Keep), side.remove_folder(&place));
    removed?;
    told
}

/// The name that the folder is called after.
fn named_after(top: &Place) -> Option<Name> {
    // one with a line's end in it could not be told to every tool
    let name = Some(top.name()?).filter(|name| !name.iter().any(u8::is_ascii_control)).unwrap_or(b"hop");
    Name::vet(name).ok()
}

/// From the source host to a folder, whatever goes there.
fn pair_of(lanes: &Lanes, folder: &Place) -> PairId {
    PairId::of(lanes.source_alias(), b"", &folder.path())
}

fn id(side: &Side, pair: PairId, run: RunId) -> Id {
    let version: VersionId = side.version_of(&FileIdentity::from(&Attributes::default()));
    Id { pair, version, run }
}

/// Whether a run puts something of this name in such a folder: the number of a file or of a folder of files, or what shows
/// the umask.
fn is_staged(name: &Name) -> bool {
    name.as_bytes().iter().all(u8::is_ascii_digit) || name.as_bytes() == PROBE
}

/// The file name for a link or staged file with this number.
pub fn numbered(number: u64) -> Name {
    Name::vet(number.to_string().as_bytes()).expect("digits are a name")
}

/// The attributes of the files in the staging folder, by number.
pub async fn listed(lane: &Lane, staging: &Place) -> Result<HashMap<u64, Attributes>, CopyError> {
    let found = contents(&lane.destination, staging).await?;
    let number = |name: &Name| std::str::from_utf8(name.as_bytes()).ok()?.parse().ok();
    Ok(found.into_iter().filter_map(|(name, attributes)| Some((number(&name)?, attributes))).collect())
}

/// The attributes of what is in a folder where small files arrive, by name.
///
/// # Errors
/// When it cannot be listed.
pub async fn contents(side: &Side, folder: &Place) -> Result<HashMap<Name, Attributes>, CopyError> {
    let (mut found, mut listing) = (HashMap::new(), side.list(folder).await?);
    while let Some(entries) = listing.next().await? {
        found.extend(entries.into_iter().flatten());
    }
    Ok(found)
}

/// Removes a folder of small files, and of what else a run makes in it.
async fn remove(side: &Side, place: &Place) -> Result<(), CopyError> {
    // what was in it has its name, as a rule
    if side.remove_folder(place).await.is_ok() {
        return Ok(());
    }
    // a session that was lost may have taken its answer with it
    if side.look(place, Links::Keep).await?.is_none() {
        return Ok(());
    }
    let mut listing = side.list(place).await?;
    while let Some(entries) = listing.next().await? {
        let staged = entries.into_iter().flatten().filter(|(name, _)| is_staged(name));
        let removals = staged.map(|(name, there)| {
            let place = place.join(&name);
            async move {
                match there.kind() {
                    FileKind::Dir => remove_batch(side, &place).await,
                    _ => side.remove(&place).await,
                }
            }
        });
        join_in_order::all(removals).await.into_iter().collect::<Result<(), _>>()?;
    }
    side.remove_folder(place).await
}

/// Removes a folder in which the files of one folder have arrived, with those that have not left it.
async fn remove_batch(side: &Side, place: &Place) -> Result<(), CopyError> {
    if side.remove_folder(place).await.is_ok() {
        return Ok(());
    }
    let mut listing = side.list(place).await?;
    while let Some(entries) = listing.next().await? {
        let removals =
            entries.into_iter().flatten().map(|(name, _)| async move { side.remove(&place.join(&name)).await });
        join_in_order::all(removals).await.into_iter().collect::<Result<(), _>>()?;
    }
    side.remove_folder(place).await
}
