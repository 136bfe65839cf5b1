//! Which runs have begun to make a folder? [`Tree`], a folder that a source becomes, and the markers beside it that are surely
//! this user's. Also removes those of runs that have ended. What is in them is another file's matter.

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

/// For so long the end of a sync waits for the listing of the folder that its target is in.
const PATIENCE: Duration = Duration::from_secs(5);

/// How it is found out whose files are this user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// By the folder that the login begins in.
    LookOnly,
    /// By a file that is made, and goes at once.
    MakeFile,
}

/// A folder that is to be a source's copy.
pub struct Tree {
    /// The folder.
    pub root: Place,
    /// Markers of runs that have begun to make it; as far as they were looked for.
    pub earlier: Vec<Leftover>,
    /// This run, once it has a marker: a listing under way may show it.
    pub own: OnceLock<RunId>,
    name: Name,
    pair: PairId,
    /// What was found beside the folder.
    pub leftovers: Arc<Leftovers>,
}

impl Tree {
    /// The copy at `root` of the folder `source` of the host that is called `alias`; `None` where `root` has no name.
    pub fn of(alias: &str, source: &Place, root: &Place, leftovers: &Arc<Leftovers>) -> Option<Tree> {
        let name = Name::vet(root.name()?).ok()?;
        let pair = PairId::of(alias, &folder_path(&source.path()), &root.path());
        let (root, leftovers) = (root.clone(), Arc::clone(leftovers));
        Some(Tree { root, earlier: Vec::new(), own: OnceLock::new(), name, pair, leftovers })
    }

    /// Where a run has its marker.
    pub fn marker(&self, run: RunId) -> Place {
        self.root.sibling(&part::part(&self.name, &Id { pair: self.pair, version: version(), run }))
    }

    /// Itself, if the folder stands and a run of the same source has begun to make it.
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

    /// The markers of this source and folder that are surely this user's, the longest first.
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

    /// Whose a file is that this run makes beside the folder, as far as it can be told.
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

    /// The folder is complete: removes what runs that have ended say of it, as far as they are found within `patience`.
    /// Nothing that fails is a failure: the next run with the same command does it.
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

/// Removes the markers that ended runs of `cp -r` left of a folder which is what `source` is by now, whatever it was.
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

/// What all markers have in the place of a version: what they say is read under every version of the source.
fn version() -> VersionId {
    VersionId::of(&[b"tree"])
}

/// A folder's path, however it was typed, with a slash at its end: so it is no file's.
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
