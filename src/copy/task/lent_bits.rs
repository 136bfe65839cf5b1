//! What if a folder of this user's own cannot be written in? [`lend`] adds what its owner needs for it, and nothing for
//! anybody else; whoever does so gives the folder its attributes back later. Only an owner may do this (chmod(2)), so it
//! does nothing to the folders of others.

use crate::copy::ends::side::Side;
use crate::copy::error::CopyError;
use crate::copy::place::{Links, Place};
use crate::sftp::{Attributes, FileKind};

/// Permission bits that the owner needs to fill a folder.
pub const OWNER: u32 = 0o700;

/// All bits that a folder can be given, set-id and sticky bits included.
const ALL: u32 = 0o7777;

/// Gives the owner of `folder` all permissions in it. Returns the mode and times it had before; `None` when its owner has
/// them already, or it cannot be changed.
///
/// # Errors
/// When the session is lost.
pub async fn lend(side: &Side, folder: &Place) -> Result<Option<Attributes>, CopyError> {
    match try_to_lend(side, folder).await {
        Err(error) if error.ends_the_run() => Err(error),
        // what cannot be written in it is told file by file
        lent => Ok(lent.unwrap_or(None)),
    }
}

async fn try_to_lend(side: &Side, folder: &Place) -> Result<Option<Attributes>, CopyError> {
    // the typed folder itself may be a link
    let links = if folder.name().is_some() { Links::Keep } else { Links::Follow };
    let there = side.stat(folder, links).await?;
    let mode = there.permissions.filter(|mode| there.kind() == FileKind::Dir && mode & OWNER != OWNER);
    let Some(mode) = mode.map(|mode| mode & ALL) else { return Ok(None) };
    side.set_folder(folder, Attributes::with_permissions(mode | OWNER)).await?;
    Ok(Some(Attributes { times: there.times, ..Attributes::with_permissions(mode) }))
}
