//! Where do small files arrive before they have their names? In [`Staging`], a private folder of the destination beside the
//! first of them, called as a part is and made by this run; what a run that was killed has left goes with the next one's.

use std::sync::Arc;

use super::super::error::CopyError;
use super::super::item::Item;
use super::super::lanes::Lanes;
use super::super::leftovers::Leftover;
use super::super::name::Name;
use super::super::part::{self, Id, PairId};
use super::super::place::Place;
use super::super::run::Means;
use super::super::side::{Identity, Links, Side};
use super::super::this_run::Young;
use super::super::together;
use crate::sftp::{Attributes, FileKind};

/// A folder of the destination that small files arrive in.
pub struct Staging {
    /// Where it is.
    pub place: Place,
    lanes: Arc<Lanes>,
    /// Those of runs that have ended.
    dead: Vec<Place>,
}

impl Staging {
    /// Beside the first file's top folder; `None` when it cannot be made there.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn make(item: &Item, means: &Means) -> Result<Option<Staging>, CopyError> {
        let side = item.lanes.idlest().destination.clone();
        let top = item.target.top();
        if top.name().is_none() {
            return Ok(None);
        }
        // one with a line's end in it could not be told to every tool
        let name = top.name().filter(|name| !name.iter().any(u8::is_ascii_control)).unwrap_or(b"hop");
        let Ok(name) = Name::vet(name) else { return Ok(None) };
        let pair = PairId::of(item.lanes.source_alias(), b"", &top.path());
        let version = side.version_of(&Identity::from(&Attributes::default()));
        let place = top.sibling(&part::part(&name, &Id { pair, version, run: means.run.id(0).await }));
        let folder = top.parent();
        let (made, found) = tokio::join!(side.mkdir(&place, 0o700), means.leftovers.of(&side, &folder));
        match made {
            Ok(()) => {
                let dead = dead(&side, means, &top, found.of_pair(&name, pair)).await?;
                Ok(Some(Staging { place, lanes: Arc::clone(&item.lanes), dead }))
            }
            Err(error) if error.ends_the_run() => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Removes it and what is in it.
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

    /// That it is there, for people.
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

/// Folders of runs that have ended.
async fn dead(
    side: &Side,
    means: &Means,
    top: &Place,
    found: impl Iterator<Item = &Leftover>,
) -> Result<Vec<Place>, CopyError> {
    let now = side.look(&top.parent(), Links::Follow).await?.and_then(|folder| folder.mtime());
    let mut dead = Vec::new();
    for left in found.filter(|left| left.attributes.kind() == FileKind::Dir) {
        if means.run.outlived(side, left, now, Young::LeaveAlone).await? {
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
        together::all(removals).await.into_iter().collect::<Result<(), _>>()?;
    }
    side.remove_folder(place).await
}
