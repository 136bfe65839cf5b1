//! What if a file is there, and only its mode or times are not the source's? [`repair`] sets them; the file is not sent
//! again.

use crate::copy::ends::side::Side;
use crate::copy::error::{Cause, CopyError};
use crate::copy::options::MODE_MASK;
use crate::copy::place::Links;
use crate::copy::task::item::Item;
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};

/// What came of a file whose content is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repaired {
    /// It lacked nothing.
    NotNeeded,
    /// It has what it lacked.
    Done,
    /// It cannot be opened, so nothing can be set safely: the file has to be sent.
    OutOfReach,
}

/// Gives the unchanged file of `item`, which was `seen` at the destination, those of the source's mode and times that it
/// lacks.
///
/// # Errors
/// When they cannot be set, or something else has the file's name now.
pub async fn repair(side: &Side, item: &Item, seen: &Attributes, window: u32) -> Result<Repaired, CopyError> {
    if !is_needed(item, seen, window) {
        return Ok(Repaired::NotNeeded);
    }
    let wanted = lacking(&item.attributes, seen, window);
    // by a handle: another user may put a link in its place meanwhile
    let file = match side.open(&item.target, Links::Keep).await {
        Err(error) if error.ends_the_run() => return Err(error),
        Err(_) => return Ok(Repaired::OutOfReach),
        Ok(file) => file,
    };
    let opened = file.identity().await?.0;
    let is_it = (opened.size, opened.owner, opened.permissions, opened.mtime())
        == (seen.size, seen.owner, seen.permissions, seen.mtime());
    let set = match is_it {
        true => file.set(wanted).await,
        false => Err(side.error(Stage::Land, &item.target, Cause::Unfit("something else has that name now"))),
    };
    // nothing was written that closing could lose
    file.let_go().await;
    set.map(|()| Repaired::Done)
}

/// Whether the unchanged file of `item`, which was `seen` at the destination, lacks the source's mode or times.
pub fn is_needed(item: &Item, seen: &Attributes, window: u32) -> bool {
    seen.kind() == FileKind::File && lacking(&item.attributes, seen, window) != Attributes::default()
}

/// What `there` lacks of the mode and times `here`; times up to `window` seconds apart are equal.
fn lacking(here: &Attributes, there: &Attributes, window: u32) -> Attributes {
    let mode = |attributes: &Attributes| attributes.permissions.map(|mode| mode & MODE_MASK);
    let permissions = mode(here).filter(|_| mode(here) != mode(there));
    let apart = here.mtime().zip(there.mtime()).map(|(here, there)| here.abs_diff(there));
    let times = here.times.filter(|_| apart.is_none_or(|apart| apart > window));
    Attributes { permissions, times, ..Attributes::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_set() {
        let file = |mode: u32, mtime| Attributes { times: Some((7, mtime)), ..Attributes::with_permissions(mode) };
        let here = file(0o104_755, 5);
        assert_eq!(lacking(&here, &file(0o100_755, 5), 0), Attributes::default());
        assert_eq!(lacking(&here, &file(0o100_644, 5), 0), Attributes::with_permissions(0o755));
        assert_eq!(lacking(&here, &file(0o100_755, 6), 0), Attributes { times: here.times, ..Attributes::default() });
        assert_eq!(lacking(&here, &file(0o100_755, 6), 1), Attributes::default());
        assert_eq!(lacking(&Attributes::default(), &here, 0), Attributes::default());
    }
}
