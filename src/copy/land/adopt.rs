//! How does something get its name that was not written through a [`Landing`](super::landing::Landing)? A file that
//! arrived another way is adopted; a symbolic link is made under a part file's name first.

use super::landing::{final_attributes, stands_there};
use super::replace::replace;
use super::takeover::pair_of;
use crate::copy::ends::identity::FileIdentity;
use crate::copy::ends::side::Side;
use crate::copy::error::CopyError;
use crate::copy::name::Name;
use crate::copy::options::{MODE_AND_SET_ID, MODE_MASK, MODE_UNTOLD};
use crate::copy::part::{self, Id};
use crate::copy::place::Place;
use crate::copy::task::file_transfer::FileTransfer;
use crate::copy::task::folder::Ground;
use crate::copy::task::item::Item;
use crate::copy::task::run_context::RunContext;
use crate::sftp::Attributes;

/// The name of the file that a run makes beside files to be adopted, to learn the umask.
pub const PROBE: &[u8] = b"umask";

/// Gives a complete file, which is at `staged` with the attributes `arrived`, its mode, times and name.
///
/// # Errors
/// When something other than a file has the name, or attributes or the name cannot be set.
pub async fn adopt(
    side: &Side,
    transfer: FileTransfer<'_>,
    staged: &Place,
    arrived: &Attributes,
) -> Result<(), CopyError> {
    let FileTransfer { context, item, version, started, .. } = transfer;
    let (target, ground) = (&item.target, item.ground().await);
    let mode = version.permissions.unwrap_or(MODE_UNTOLD) & MODE_MASK;
    let umask = &item.lanes.destination().umask;
    if umask.new_mode(side, mode, context.keep).is_none() {
        // the folder is this run's own, and goes
        umask.learn_by_probe(side, &staged.sibling(&probe())).await?;
    }
    let new = umask.new_mode(side, mode, context.keep).unwrap_or(mode & !umask.guess());
    let wanted = final_attributes(stands_there(side, target, ground).await?, new, version, context.keep);
    let has_mode = arrived.permissions.map(|mode| mode & MODE_AND_SET_ID) == wanted.permissions;
    if !(has_mode && (wanted.times.is_none() || arrived.mtime() == wanted.mtime())) {
        side.set_folder(staged, wanted).await?;
    }
    started.seen_as(Some(*arrived));
    replace(side, staged, target, ground).await
}

/// Makes the symbolic link `item` with the target `says`, replacing a file or link of its name.
///
/// # Errors
/// When the link cannot be made or renamed.
pub async fn link(side: &Side, item: &Item, context: &RunContext, says: Vec<u8>) -> Result<(), CopyError> {
    let target = &item.target;
    let version = side.version_of(&FileIdentity::from(&item.attributes));
    let id = Id { pair: pair_of(item), version, run: context.run.id(0).await };
    let part = target.sibling(&part::part(&side.own_name(target)?, &id));
    stands_there(side, target, item.ground().await).await?;
    match side.symlink(&part, says.clone()).await {
        Err(error) if error.may_exist() => {
            side.remove(&part).await?;
            side.symlink(&part, says).await?;
        }
        answer => answer?,
    }
    replace(side, &part, target, Ground::Old).await
}

fn probe() -> Name {
    Name::vet(PROBE).expect("a word is a name")
}
