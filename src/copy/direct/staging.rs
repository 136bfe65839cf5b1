//! Where do small files arrive before they have their names? In [`Staging`], a private folder of the destination beside the
//! first of them, called as a part is; a run that was killed leaves it to the next one.

use std::sync::Arc;

use super::super::error::{Cause, CopyError};
use super::super::item::Item;
use super::super::lanes::Lanes;
use super::super::name::Name;
use super::super::part::{self, Id};
use super::super::place::Place;
use super::super::side::{Links, Side};
use super::super::together;
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};

/// A folder of the destination that small files arrive in.
pub struct Staging {
    /// Where it is.
    pub place: Place,
    lanes: Arc<Lanes>,
}

impl Staging {
    /// Beside the first file's top folder; `None` when it cannot be made there.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn make(item: &Item) -> Result<Option<Staging>, CopyError> {
        let side = item.lanes.idlest().destination.clone();
        let top = item.target.top();
        if top.name().is_none() {
            return Ok(None);
        }
        // one with a line's end in it could not be told to every tool
        let name = top.name().filter(|name| !name.iter().any(u8::is_ascii_control)).unwrap_or(b"hop");
        let Ok(name) = Name::vet(name) else { return Ok(None) };
        let id = Id::of(item.lanes.source_alias(), b"", &Attributes::default(), &top.path());
        let place = top.sibling(&part::part(&name, &id));
        let made = match side.mkdir(&place, 0o700).await {
            Err(error) if error.may_exist() => Staging::take_over(&side, &place).await,
            made => made,
        };
        match made {
            Ok(()) => Ok(Some(Staging { place, lanes: Arc::clone(&item.lanes) })),
            Err(error) if error.ends_the_run() => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// One that an earlier run left: a folder of ours, or setting its mode fails.
    async fn take_over(side: &Side, place: &Place) -> Result<(), CopyError> {
        match side.stat(place, Links::Keep).await?.kind() {
            FileKind::Dir => side.set_folder(place, Attributes::with_permissions(0o700)).await,
            _ => Err(side.error(Stage::Transfer, place, Cause::Unfit("something that is no folder is in the way"))),
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
        // what was in it has its name, as a rule
        if side.remove_folder(&self.place).await.is_ok() {
            return Ok(());
        }
        // a session that was lost may have taken its answer with it
        if side.look(&self.place, Links::Keep).await?.is_none() {
            return Ok(());
        }
        let mut listing = side.list(&self.place).await?;
        while let Some(entries) = listing.next().await? {
            let names = entries.into_iter().flatten().map(|(name, _)| self.place.join(&name));
            let removals = names.map(|file| {
                let side = &side;
                async move { side.remove(&file).await }
            });
            together::all(removals).await.into_iter().collect::<Result<(), _>>()?;
        }
        side.remove_folder(&self.place).await
    }
}
