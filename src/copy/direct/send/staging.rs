//! Where do small files arrive before they have their names? In [`Staging`], a private folder of the destination beside
//! the first of them, named as a part file is and made by this run. A run removes those that killed runs have left.

use std::sync::Arc;

use crate::copy::ends::identity::FileIdentity;
use crate::copy::ends::join_in_order;
use crate::copy::ends::lanes::Lanes;
use crate::copy::ends::side::Side;
use crate::copy::error::CopyError;
use crate::copy::name::Name;
use crate::copy::part::{self, Id, PairId};
use crate::copy::place::{Links, Place};
use crate::copy::task::item::Item;
use crate::copy::task::leftovers::{Leftover, Leftovers};
use crate::copy::task::run_context::RunContext;
use crate::copy::task::this_run::{ThisRun, Young};
use crate::sftp::{Attributes, FileKind};

/// The folder of the destination that small files arrive in.
pub struct Staging {
    /// Its path at the destination.
    pub place: Place,
    lanes: Arc<Lanes>,
    /// Folders of runs that have ended.
    dead: Vec<Place>,
}

impl Staging {
    /// Makes the folder beside the first file's top folder; `None` when it cannot be made there.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn make(item: &Item, context: &RunContext) -> Result<Option<Staging>, CopyError> {
        let side = item.lanes.idlest().destination.clone();
        let top = item.target.top();
        let Some((name, pair)) = called(&item.lanes, &top) else { return Ok(None) };
        let version = side.version_of(&FileIdentity::from(&Attributes::default()));
        let place = top.sibling(&part::part(&name, &Id { pair, version, run: context.run.id(0).await }));
        let folder = top.parent();
        let (made, found) = tokio::join!(side.mkdir(&place, 0o700), context.leftovers.of(&side, &folder));
        match made {
            Ok(()) => {
                let dead = dead(&side, &context.run, &top, found.of_pair(&name, pair)).await?;
                Ok(Some(Staging { place, lanes: Arc::clone(&item.lanes), dead }))
            }
            Err(error) if error.ends_the_run() => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Removes the folder and what is in it.
    ///
    /// # Errors
    /// When something in it cannot be removed, or no session can be had any more.
    pub async fn remove(&self) -> Result<(), CopyError> {
        loop {
            match self.try_to_remove().await {
                Err(error) if error.is_lost() => self.lanes.restore(error).await?,
                removed => return removed,
            }
        }
    }

    /// Says, for people, that the folder is still there.
    pub fn left(&self) -> String {
        format!("{} could not be removed; the next run does it", String::from_utf8_lossy(&self.place.path()))
    }

    async fn try_to_remove(&self) -> Result<(), CopyError> {
        let side = self.lanes.idlest().destination.clone();
        remove(&side, &self.place).await?;
        for dead in &self.dead {
            match remove(&side, dead).await {
                Err(error) if error.ends_the_run() => return Err(error),
                // another run may be at it
                _ => {}
            }
        }
        Ok(())
    }
}

/// Removes the folders that ended runs have left beside `top`, for a run that need not send anything there.
///
/// # Errors
/// When the session is lost.
pub async fn clear(lanes: &Lanes, top: &Place, leftovers: &Leftovers, run: &ThisRun) -> Result<(), CopyError> {
    let side = lanes.idlest().destination.clone();
    let Some((name, pair)) = called(lanes, top) else { return Ok(()) };
    let found = leftovers.of(&side, &top.parent()).await;
    let cleared = async {
        for place in dead(&side, run, top, found.of_pair(&name, pair)).await? {
            remove(&side, &place).await?;
        }
        Ok::<_, CopyError>(())
    };
    match cleared.await {
        Err(error) if error.ends_the_run() => Err(error),
        // it is a part, which another run removes
        _ => Ok(()),
    }
}

/// The name the folder is called after, and the pair of ends it is for.
fn called(lanes: &Lanes, top: &Place) -> Option<(Name, PairId)> {
    // one with a line's end in it could not be told to every tool
    let name = Some(top.name()?).filter(|name| !name.iter().any(u8::is_ascii_control)).unwrap_or(b"hop");
    Some((Name::vet(name).ok()?, PairId::of(lanes.source_alias(), b"", &top.path())))
}

/// The folders of runs that have ended.
async fn dead(
    side: &Side,
    run: &ThisRun,
    top: &Place,
    found: impl Iterator<Item = &Leftover>,
) -> Result<Vec<Place>, CopyError> {
    let now = side.look(&top.parent(), Links::Follow).await?.and_then(|folder| folder.mtime());
    let mut dead = Vec::new();
    for left in found.filter(|left| left.attributes.kind() == FileKind::Dir) {
        if run.outlived(side, left, now, Young::LeaveAlone).await? {
            dead.push(left.place.clone());
        }
    }
    Ok(dead)
}

/// Removes a folder of files.
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
        let names = entries.into_iter().flatten().map(|(name, _)| place.join(&name));
        let removals = names.map(|file| async move { side.remove(&file).await });
        join_in_order::all(removals).await.into_iter().collect::<Result<(), _>>()?;
    }
    side.remove_folder(place).await
}
