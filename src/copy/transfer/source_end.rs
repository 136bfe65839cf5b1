//! Where does a source end? A READ decides, not the announced size: files that the system makes up announce 0 or 4096
//! bytes, and gateways and network file systems may report sizes that are out of date. [`judge`] decides what it means
//! that reading did not end at the announced size; [`Tolerance`](crate::copy::tolerance::Tolerance) is what the user
//! allows. No data is moved here; `small.rs` and `large.rs` read on.

use std::cmp::Ordering;

use crate::copy::ends::file::{OpenFile, Whole};
use crate::copy::ends::identity::{FileIdentity, same_version};
use crate::copy::ends::side::Side;
use crate::copy::error::{Cause, CopyError};
use crate::copy::task::file_transfer::FileTransfer;
use crate::progress::Stage;

/// Where reading ended, compared with the announced size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// At the announced size.
    Announced,
    /// At this offset, before the announced size.
    Early(u64),
    /// Not at the announced size: data goes on.
    Beyond,
}

/// Where a source ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrueEnd {
    /// At this offset.
    At(u64),
    /// Somewhere behind the announced size.
    Further,
}

impl Reached {
    /// Where reading a `whole` small file ended that announced `size` bytes; `None` when it ended at two different
    /// places.
    pub fn of(whole: &Whole, size: u64) -> Option<Reached> {
        let length = whole.length();
        match length.cmp(&size) {
            Ordering::Less if whole.goes_on => None,
            Ordering::Less => Some(Reached::Early(length)),
            Ordering::Equal if !whole.goes_on => Some(Reached::Announced),
            Ordering::Equal | Ordering::Greater => Some(Reached::Beyond),
        }
    }
}

/// An open source.
#[derive(Clone, Copy)]
pub struct OpenSource<'a> {
    /// The end it is on.
    pub side: &'a Side,
    /// The file.
    pub file: &'a OpenFile,
    /// Its identity when it was opened.
    pub began: FileIdentity,
}

/// Decides what it means that reading `source` has `reached` its end elsewhere. The source is looked at by its handle
/// and by its path: if it has not changed, it announced a wrong size and ends where reading ended.
///
/// # Errors
/// [`Cause::SourceChanged`] when the source has changed and may not grow.
pub async fn judge(transfer: FileTransfer<'_>, source: OpenSource<'_>, reached: Reached) -> Result<TrueEnd, CopyError> {
    let OpenSource { side, file, began } = source;
    let (opened, named) = tokio::join!(biased; file.identity(), side.look(file.place(), transfer.links));
    let (opened, named) = (opened?.1, named.map_err(|error| error.of_source(transfer.links))?);
    let is_at_rest = opened == began && named.is_some_and(|named| same_version(&named, transfer.version));
    let size = transfer.size();
    match reached {
        Reached::Announced if is_at_rest => Ok(TrueEnd::At(size)),
        Reached::Early(end) if is_at_rest => Ok(TrueEnd::At(end)),
        Reached::Beyond if is_at_rest => Ok(TrueEnd::Further),
        Reached::Announced | Reached::Beyond if transfer.context.tolerance.growing && opened.size >= size => {
            Ok(TrueEnd::At(size))
        }
        Reached::Announced | Reached::Early(_) | Reached::Beyond => Err(file.changed()),
    }
}

/// The error for a file that goes on beyond the limit.
pub fn endless(transfer: FileTransfer<'_>, side: &Side) -> CopyError {
    let (announced, surplus) = (transfer.size(), transfer.context.tolerance.surplus);
    side.error(Stage::Transfer, &transfer.item.source, Cause::Endless { announced, surplus })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_reading_ended_is_seen_from_the_announced_size() {
        let reached = |size: u64, length: usize, goes_on: bool| {
            let began = FileIdentity { size, modified: (0, 0), changed: None, inode: None };
            Reached::of(&Whole { pieces: vec![vec![7; length].into()], goes_on, began, is_same: true }, size)
        };
        assert_eq!(reached(5, 5, false), Some(Reached::Announced));
        assert_eq!(reached(5, 5, true), Some(Reached::Beyond));
        assert_eq!(reached(5, 3, false), Some(Reached::Early(3)));
        assert_eq!(reached(0, 9, false), Some(Reached::Beyond));
        assert_eq!(reached(5, 3, true), None);
    }
}
