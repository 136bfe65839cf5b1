//! May a run go on from a part file that another run left, and which part files does it remove? Only those of the same
//! source and target whose runs have ended: one of the same version is used, if it surely belongs to this user; the
//! others are removed once the file has its name. Part files of another pair are left alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::copy::ends::side::Side;
use crate::copy::name::Name;
use crate::copy::part::{Id, PairId};
use crate::copy::place::{Links, Place};
use crate::copy::task::folder::Ground;
use crate::copy::task::item::Item;
use crate::copy::task::leftovers::{Found, Leftover, NameCount, Uncleared};
use crate::copy::task::run_context::RunContext;
use crate::copy::task::this_run::Young;
use crate::sftp::{Attributes, FileKind};

/// Most part files of one version that are looked at closely.
const MOST: usize = 4;

/// Least time that the end of a small file waits for the listing of its folder; it waits as long as the file itself
/// took, if that is longer.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// Write permission for the group and others; for others; and the sticky bit, with which only owners may rename
/// (chmod(1)).
const SHARED: u32 = 0o022;
const PUBLIC: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// The source and target of `item`.
pub fn pair_of(item: &Item) -> PairId {
    PairId::of(item.lanes.source_alias(), &item.source.path(), &item.target.path())
}

/// Part files that may be used, the longest first. One that is longer than the source, which has `size` bytes, is of
/// another version, whatever its name says; an empty one may belong to a run that has just begun, and is worth nothing.
pub fn candidates<'a>(found: &'a Found, name: &Name, id: Id, size: u64) -> Vec<&'a Leftover> {
    let length = |left: &Leftover| left.attributes.size.unwrap_or(0);
    let fits =
        |left: &&Leftover| left.id.version == id.version && left.id.run != id.run && (1..=size).contains(&length(left));
    let mut fitting: Vec<&Leftover> = found.of_pair(name, id.pair).filter(fits).collect();
    fitting.sort_by_key(|left| std::cmp::Reverse(length(left)));
    fitting.truncate(MOST);
    fitting
}

/// Whether a part file belongs to this user, as far as the end tells. `own` are the attributes of a file just made in
/// the same `folder`. What the end does not tell counts against it where others may write.
pub fn is_ours(left: &Leftover, own: &Attributes, folder: &Attributes) -> bool {
    let (found, is_shared) = (&left.attributes, is_shared(folder));
    match found.kind() {
        FileKind::File | FileKind::Unknown if !is_shared => has_owner(found, own) != Some(false),
        FileKind::File => {
            let is_private = found.permissions.is_some_and(|mode| mode & 0o7777 == 0o600);
            is_private
                && !may_be_moved(folder)
                && matches!(left.names, NameCount::Told(1) | NameCount::SeenWhenOpen)
                && has_owner(found, own) == Some(true)
        }
        _ => false,
    }
}

/// Whether a part file surely belongs to somebody else.
pub fn is_anothers(left: &Leftover, own: &Attributes) -> bool {
    has_owner(&left.attributes, own) == Some(false)
}

/// Whether a folder that small files arrive in is this user's; `own` are the attributes of one just made.
pub fn is_our_folder(left: &Leftover, own: &Attributes, folder: &Attributes) -> bool {
    let found = &left.attributes;
    match found.kind() {
        FileKind::Dir if !is_shared(folder) => has_owner(found, own) != Some(false),
        FileKind::Dir => {
            // set-group-ID comes from the folder it is in
            let is_private = found.permissions.is_some_and(|mode| mode & 0o777 == 0o700);
            is_private && !may_be_moved(folder) && has_owner(found, own) == Some(true)
        }
        _ => false,
    }
}

/// Whether it belongs to the same user as `own`, where both tell.
fn has_owner(found: &Attributes, own: &Attributes) -> Option<bool> {
    found.owner.zip(own.owner).map(|(one, other)| one.0 == other.0)
}

/// Whether others may write in a folder, for all that is known.
fn is_shared(folder: &Attributes) -> bool {
    folder.permissions.unwrap_or(SHARED) & SHARED != 0
}

/// Whether everybody may rename in it what is not theirs.
fn may_be_moved(folder: &Attributes) -> bool {
    folder.permissions.is_some_and(|mode| mode & PUBLIC != 0 && mode & STICKY == 0)
}

/// Removes what ended runs left of `item`, which has its name now.
pub async fn clear(side: &Side, item: &Item, context: &RunContext) {
    if item.ground().await == Ground::Fresh {
        return;
    }
    clear_parts(side, &item.target, pair_of(item), context).await;
}

async fn clear_parts(side: &Side, target: &Place, pair: PairId, context: &RunContext) {
    let (Ok(name), folder) = (side.own_name(target), target.parent()) else { return };
    let found = context.leftovers.of(side, &folder).await;
    let mut now = None;
    for left in found.of_pair(&name, pair).filter(|left| left.attributes.kind() != FileKind::Dir) {
        if now.is_none() {
            // landing has changed the folder just now
            now = side.stat(&folder, Links::Follow).await.ok().and_then(|folder| folder.mtime());
        }
        if let Ok(true) = context.run.outlived(side, left, now, Young::LeaveAlone).await {
            // one that stays is left for the next run
            let _ = side.remove(&left.place).await;
        }
    }
}

/// The same for a file that took little time: does not wait for a listing under way, but leaves the file for the end of the
/// run, unless an earlier run is sure to have left something.
pub async fn clear_soon(side: &Side, item: &Item, context: &RunContext, began: Instant) {
    let patience = if context.goes_on { Duration::MAX } else { began.elapsed().max(LEAST_WAIT) };
    if timeout(patience, clear(side, item, context)).await.is_err() {
        let (lanes, target) = (Arc::clone(&item.lanes), item.target.clone());
        context.leftovers.postpone(Uncleared { lanes, target, pair: pair_of(item) });
    }
}

/// The same at the end of a run that `began` then, for the files that were left for it. It waits no longer than the run took.
pub async fn clear_postponed(context: &RunContext, began: Instant) {
    let cleared = async {
        for Uncleared { lanes, target, pair } in context.leftovers.postponed() {
            clear_parts(&lanes.idlest().destination, &target, pair, context).await;
        }
    };
    // what is left then, the next run removes
    let _ = timeout(began.elapsed().max(LEAST_WAIT), cleared).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::part::{RunId, VersionId};
    use crate::copy::place::Place;

    const OWN: Attributes =
        Attributes { size: Some(0), owner: Some((7, 7)), permissions: Some(0o100_600), times: Some((0, 5)) };

    fn left(attributes: Attributes, names: NameCount) -> Leftover {
        let id = Id { pair: PairId::of("h", b"/a", b"/b"), version: VersionId::of(&[b"v"]), run: RunId(1) };
        Leftover { place: Place::typed(b"/srv"), id, attributes, names }
    }

    #[test]
    fn only_what_is_surely_ours_is_gone_on_from() {
        let folder = |mode: u32| Attributes::with_permissions(0o040_000 | mode);
        let ours = |found, names, mode| is_ours(&left(found, names), &OWN, &folder(mode));
        assert!(
            ours(OWN, NameCount::Told(1), 0o755)
                && ours(OWN, NameCount::Told(1), 0o775)
                && ours(OWN, NameCount::Told(1), 0o1777)
        );
        assert!(ours(OWN, NameCount::SeenWhenOpen, 0o1777));
        assert!(ours(Attributes { owner: None, permissions: None, ..OWN }, NameCount::Untold, 0o700));
        let others = [
            (Attributes { owner: Some((8, 7)), ..OWN }, NameCount::Told(1), 0o1777),
            (Attributes { owner: Some((8, 7)), ..OWN }, NameCount::Told(1), 0o755),
            (Attributes { owner: None, ..OWN }, NameCount::Told(1), 0o1777),
            (Attributes { permissions: Some(0o100_644), ..OWN }, NameCount::Told(1), 0o1777),
            (Attributes { permissions: Some(0o100_600 | 0o4000), ..OWN }, NameCount::Told(1), 0o1777),
            (Attributes { permissions: Some(0o120_600), ..OWN }, NameCount::Told(1), 0o755),
            (Attributes { permissions: None, ..OWN }, NameCount::Told(1), 0o1777),
            (OWN, NameCount::Told(2), 0o1777),
            (OWN, NameCount::Untold, 0o1777),
            (OWN, NameCount::Told(1), 0o777),
        ];
        for (found, names, mode) in others {
            assert!(!ours(found, names, mode), "{found:?} {names:?} {mode:o}");
        }
        assert!(!is_ours(&left(OWN, NameCount::Told(2)), &OWN, &Attributes::default()), "a folder that tells no mode");
    }

    #[test]
    fn a_folder_of_small_files_is_ours_by_its_owner_and_mode() {
        let own = Attributes { permissions: Some(0o040_700), ..OWN };
        let ours = |found: Attributes, mode: u32| {
            is_our_folder(&left(found, NameCount::Untold), &own, &Attributes::with_permissions(0o040_000 | mode))
        };
        let set_group_id = Attributes { permissions: Some(0o042_700), ..own };
        assert!([0o755, 0o775, 0o1777].iter().all(|mode| ours(own, *mode) && ours(set_group_id, *mode)));
        assert!(ours(Attributes { owner: None, ..own }, 0o755) && !ours(Attributes { owner: None, ..own }, 0o1777));
        let open = Attributes { permissions: Some(0o040_777), ..own };
        let link = Attributes { permissions: Some(0o120_777), ..own };
        let theirs = Attributes { owner: Some((8, 7)), ..own };
        assert!(!ours(open, 0o1777) && !ours(own, 0o777) && !ours(link, 0o755) && !ours(theirs, 0o755));
    }
}
