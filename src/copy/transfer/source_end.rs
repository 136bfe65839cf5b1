//! Where does a source end? A READ says so, not the size that was announced: files that the system makes up announce 0 or
//! 4096 bytes, and gateways and network file systems tell sizes that are out of date. [`judge`] decides what it means that
//! reading did not end where it was announced; [`Tolerance`](crate::copy::tolerance::Tolerance) is what the user allows. It moves no data: who reads on is
//! `small.rs` and `large.rs`.

use std::cmp::Ordering;

use crate::copy::ends::file::{OpenFile, Whole};
use crate::copy::ends::identity::{FileIdentity, same_version};
use crate::copy::ends::side::Side;
use crate::copy::error::{Cause, CopyError};
use crate::copy::task::file_transfer::FileTransfer;
use crate::progress::Stage;

/// Where reading ended, seen from the announced size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// There.
    Announced,
    /// At this byte, before it.
    Early(u64),
    /// Not there: data goes on.
    Beyond,
}

/// Where a source ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrueEnd {
    /// At this byte.
    At(u64),
    /// Somewhere further on.
    Further,
}

impl Reached {
    /// What came of reading a `whole` small file that announced `size` bytes; `None` when it ended twice.
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

/// A source that is open.
#[derive(Clone, Copy)]
pub struct OpenSource<'a> {
    /// Where.
    pub side: &'a Side,
    /// The file.
    pub file: &'a OpenFile,
    /// What it was at the beginning.
    pub began: FileIdentity,
}

/// What it means that `source` has `reached` its end elsewhere. It is looked at by its handle and by its path: one that is
/// at rest has announced a wrong size, and ends where it ends.
///
/// # Errors
/// [`Cause::SourceChanged`] when it has changed, and is not one that may grow.
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

/// That a file has gone on up to the limit.
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
