//! How does a part file take its file's name? In one step, where the end can replace a file; elsewhere the old file
//! waits under another name until the new one has its name.

use crate::copy::ends::side::Side;
use crate::copy::error::CopyError;
use crate::copy::part;
use crate::copy::place::{Links, Place};
use crate::copy::task::folder::Ground;
use crate::sftp::FileKind;

/// Renames `part` to `target`, replacing a file or link of that name.
///
/// # Errors
/// When it cannot be renamed; the old file then still has its name, or has it again.
pub async fn replace(side: &Side, part: &Place, target: &Place, ground: Ground) -> Result<(), CopyError> {
    match side.rename(part, target).await {
        Ok(()) => Ok(()),
        // asked now: a server may announce what it turns out not to have
        Err(error) if side.renames_over() || ground == Ground::Fresh => Err(error),
        Err(error) => match side.look(target, Links::Keep).await? {
            Some(there) if there.kind() != FileKind::Dir => replace_in_two_steps(side, part, target).await,
            _ => Err(error),
        },
    }
}

/// Replaces a file without posix-rename.
async fn replace_in_two_steps(side: &Side, part: &Place, target: &Place) -> Result<(), CopyError> {
    let backup = target.sibling(&part::backup(&side.own_name(target)?));
    // one of a run that was cut off; the target stands, so it is out of date
    match side.remove(&backup).await {
        Err(error) if !error.is_missing() => return Err(error),
        _ => {}
    }
    side.rename(target, &backup).await?;
    if let Err(error) = side.rename(part, target).await {
        // when this fails too, the old content still is under the backup's name, and the error stands
        let _ = side.rename(&backup, target).await;
        return Err(error);
    }
    side.remove(&backup).await
}
