//! Which runs have begun to make a folder? [`Tree`] is a folder that a source becomes, with the markers beside it that
//! surely belong to this user. It also removes those of ended runs. The contents of markers are handled elsewhere.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::timeout;

use crate::copy::ends::side::Side;
use crate::copy::error::{Cause, CopyError};
use crate::copy::land::takeover::is_ours;
use crate::copy::name::Name;
use crate::copy::part::{self, Id, PairId, RunId, VersionId};
use crate::copy::place::{self, Links, Place};
use crate::copy::task::leftovers::{Leftover, Leftovers};
use crate::copy::task::this_run::{ThisRun, Young};
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};

/// A marker's mode.
pub const PRIVATE: u32 = 0o600;

/// Time that the end of a sync waits for the listing of the folder that its target is in.
const PATIENCE: Duration = Duration::from_secs(5);

/// How to find out who owns this user's files at an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// By the owner of the folder that the login begins in.
    LookOnly,
    /// By a file that is made and removed at once.
    MakeFile,
}

/// A folder that becomes a source's copy.
pub struct Tree {
    /// The folder.
    pub root: Place,
    /// Markers of runs that have begun to make it, as far as they were looked for.
    pub earlier: Vec<Leftover>,
    /// This run, once it has a marker: a listing under way may show the marker.
    pub own: OnceLock<RunId>,
    name: Name,
    pair: PairId,
    /// What was found beside the folder.
    pub leftovers: Arc<Leftovers>,
}

impl Tree {
    /// The copy at `root` of the folder `source` on the host with this `alias`; `None` where `root` has no name.
    pub fn of(alias: &str, source: &Place, root: &Place, leftovers: &Arc<Leftovers>) -> Option<Tree> {
        let name = Name::vet(root.name()?).ok()?;
        let pair = PairId::of(alias, &folder_path(&source.path()), &root.path());
        let (root, leftovers) = (root.clone(), Arc::clone(leftovers));
        Some(Tree { root, earlier: Vec::new(), own: OnceLock::new(), name, pair, leftovers })
    }

    /// The place of a run's marker.
    pub fn marker(&self, run: RunId) -> Place {
        self.root.sibling(&part::part(&self.name, &Id { pair: self.pair, version: version(), run }))
    }

    /// This tree, if the folder exists and a run with the same source has begun to make it.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn if_begun(mut self, side: &Side, trial: Trial) -> Result<Option<Tree>, CopyError> {
        let (markers, there) = tokio::join!(self.markers(side, trial), side.look(&self.root, Links::Keep));
        self.earlier = markers?;
        if side.is_lost() {
            // what was listed may lack something
            side.stat(&self.root, Links::Keep).await?;
        }
        match there {
            Err(error) if error.ends_the_run() => Err(error),
            Ok(Some(there)) if there.kind() == FileKind::Dir && !self.earlier.is_empty() => Ok(Some(self)),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// The markers of this source and folder that surely belong to this user, the longest first.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn markers(&self, side: &Side, trial: Trial) -> Result<Vec<Leftover>, CopyError> {
        let folder = self.root.parent();
        let found = self.leftovers.of(side, &folder).await;
        let is_another = |left: &&Leftover| left.id.version == version() && self.own.get() != Some(&left.id.run);
        let of_tree = found.of_pair(&self.name, self.pair).filter(is_another);
        let mut markers: Vec<Leftover> = of_tree.cloned().collect();
        if markers.is_empty() {
            return Ok(markers);
        }
        let (folder, own) = match tokio::try_join!(side.stat(&folder, Links::Follow), self.own(side, trial)) {
            Err(error) if error.ends_the_run() => return Err(error),
            Err(_) => return Ok(Vec::new()),
            Ok(looked) => looked,
        };
        markers.retain(|left| is_ours(left, &own, &folder));
        markers.sort_by_key(|left| std::cmp::Reverse(left.attributes.size));
        Ok(markers)
    }

    /// The attributes of a file that this run makes beside the folder, which tell its owner, as far as the end tells.
    async fn own(&self, side: &Side, trial: Trial) -> Result<Attributes, CopyError> {
        match (side, trial) {
            (Side::Local, _) => {
                let owner = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
                Ok(Attributes { owner: Some(owner), ..Attributes::default() })
            }
            (Side::Remote(_), Trial::LookOnly) => side.stat(&Place::typed(b"."), Links::Follow).await,
            (Side::Remote(_), Trial::MakeFile) => {
                let run = RunId::draw().map_err(|error| side.error(Stage::List, &self.root, Cause::Io(error)))?;
                let place = self.marker(run);
                let file = side.create(&place, PRIVATE).await?;
                let (told, removed) = tokio::join!(biased; file.identity(), side.remove(&place));
                removed?;
                Ok(told?.0)
            }
        }
    }

    /// Removes the markers of ended runs, for the folder is complete, as far as they are found within `patience`.
    /// Failing is no error: the next run with the same command does it.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn clear(&self, side: &Side, run: &ThisRun, patience: Duration) -> Result<(), CopyError> {
        let markers = match self.earlier.is_empty() {
            true => timeout(patience, self.markers(side, Trial::MakeFile)).await.unwrap_or(Ok(Vec::new()))?,
            false => self.earlier.clone(),
        };
        let mut now = None;
        for left in &markers {
            if now.is_none() {
                // a marker has gone, or a file was made beside it, just now
                now = side.look(&self.root.parent(), Links::Follow).await?.and_then(|folder| folder.mtime());
            }
            // one whose run is at work elsewhere is missed by nobody: the folder is complete
            if run.outlived(side, left, now, Young::Watch).await? {
                match side.remove(&left.place).await {
                    Err(error) if error.ends_the_run() => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// Removes the markers that ended runs of `cp -r` left of a folder that is now the same as `source`.
///
/// # Errors
/// When the session is lost.
pub async fn clear(side: &Side, alias: &str, source: &Place, root: &Place, run: &ThisRun) -> Result<(), CopyError> {
    let root = match root.name() {
        Some(_) => root.clone(),
        None => {
            let path = root.path();
            let Ok(name) = Name::vet(place::last(&path)) else { return Ok(()) };
            match side.hold(place::folder_of(&path)).await {
                Err(error) if error.ends_the_run() => return Err(error),
                Err(_) => return Ok(()),
                Ok(folder) => folder.join(&name),
            }
        }
    };
    match Tree::of(alias, source, &root, &Arc::default()) {
        Some(tree) => tree.clear(side, run, PATIENCE).await,
        None => Ok(()),
    }
}

/// What all markers have in place of a version: they are read for every version of the source.
fn version() -> VersionId {
    VersionId::of(&[b"tree"])
}

/// A folder's path, however it was typed, with a slash at its end, so that it is no file's path.
fn folder_path(typed: &[u8]) -> Vec<u8> {
    let mut path = typed;
    while let Some(shorter) = path.strip_suffix(b"/").or_else(|| path.strip_suffix(b"/.")) {
        path = shorter;
    }
    [path, b"/"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_however_its_slash_was_typed() {
        for typed in ["site", "site/", "site//", "site/.", "site/./"] {
            assert_eq!(folder_path(typed.as_bytes()), b"site/", "{typed}");
        }
        assert_eq!(
            (folder_path(b"/"), folder_path(b"."), folder_path(b"a.")),
            (b"/".into(), b"./".into(), b"a./".into())
        );
    }

    #[test]
    fn a_marker_is_beside_its_folder_and_no_file_has_such_a_part() {
        let root = Place::typed(b"/srv").join(&Name::vet(b"new").unwrap());
        let tree = Tree::of("", &Place::typed(b"site"), &root, &Arc::default()).unwrap();
        let marker = tree.marker(RunId(7));
        let name = Name::vet(marker.name().unwrap()).unwrap();
        let (stem, id) = part::read(&name).unwrap();
        assert!(marker.path().starts_with(b"/srv/.new.hop-") && stem == b"new" && id.run == RunId(7));
        assert_ne!(id.pair, PairId::of("", b"site", b"/srv/new"), "that of a file");
        assert!(Tree::of("", &Place::typed(b"site"), &Place::typed(b"/srv"), &Arc::default()).is_none());
    }
}
