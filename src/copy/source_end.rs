//! Where does a source end? A READ says so, not the size that was announced: files that the system makes up announce 0 or
//! 4096 bytes, and gateways and network file systems tell sizes that are out of date. [`judge`] decides what it means that
//! reading did not end where it was announced; [`Tolerance`] is what the user allows. It moves no data: who reads on is
//! `small.rs` and `pump.rs`.

use std::cmp::Ordering;

use super::Options;
use super::error::{Cause, CopyError};
use super::file::{OpenFile, Whole};
use super::freight::Freight;
use super::side::{Identity, Side, same_version};
use crate::progress::Stage;

/// Bytes that a file at rest may have beyond those it announces, unless the user allows more.
const SURPLUS: u64 = 1 << 30;

/// Offsets in files are signed in most systems.
const LONGEST: u64 = i64::MAX as u64;

/// What a source may do.
#[derive(Debug, Clone, Copy)]
pub struct Tolerance {
    /// It may grow while it is read; the bytes it announced are taken.
    pub growing: bool,
    /// Bytes beyond the announced ones that are read of a file at rest.
    surplus: u64,
}

impl Tolerance {
    /// What `options` allow. A run that ends by itself, or that was told of files that grow, reads on without a bound.
    pub fn of(options: &Options) -> Tolerance {
        let is_bounded = !options.growing && options.deadline.is_none();
        let surplus = if is_bounded { options.surplus.unwrap_or(SURPLUS) } else { LONGEST };
        Tolerance { growing: options.growing, surplus }
    }

    /// The last byte offset that is read of a file that announces `size`.
    pub fn limit(self, size: u64) -> u64 {
        size.saturating_add(self.surplus).min(LONGEST)
    }
}

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
    pub began: Identity,
}

/// What it means that `source` has `reached` its end elsewhere. It is looked at by its handle and by its path: one that is
/// at rest has announced a wrong size, and ends where it ends.
///
/// # Errors
/// [`Cause::SourceChanged`] when it has changed, and is not one that may grow.
pub async fn judge(freight: Freight<'_>, source: OpenSource<'_>, reached: Reached) -> Result<TrueEnd, CopyError> {
    let OpenSource { side, file, began } = source;
    let (opened, named) = tokio::join!(biased; file.identity(), side.look(file.place(), freight.links));
    let (opened, named) = (opened?.1, named.map_err(|error| error.of_source(freight.links))?);
    let is_at_rest = opened == began && named.is_some_and(|named| same_version(&named, freight.version));
    let size = freight.size();
    match reached {
        Reached::Announced if is_at_rest => Ok(TrueEnd::At(size)),
        Reached::Early(end) if is_at_rest => Ok(TrueEnd::At(end)),
        Reached::Beyond if is_at_rest => Ok(TrueEnd::Further),
        Reached::Announced | Reached::Beyond if freight.means.tolerance.growing && opened.size >= size => {
            Ok(TrueEnd::At(size))
        }
        Reached::Announced | Reached::Early(_) | Reached::Beyond => Err(file.changed()),
    }
}

/// That a file has gone on up to the limit.
pub fn endless(freight: Freight<'_>, side: &Side) -> CopyError {
    let (announced, surplus) = (freight.size(), freight.means.tolerance.surplus);
    side.error(Stage::Transfer, &freight.item.source, Cause::Endless { announced, surplus })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn where_reading_ended_is_seen_from_the_announced_size() {
        let reached = |size: u64, length: usize, goes_on: bool| {
            let began = Identity { size, modified: (0, 0), changed: None, inode: None };
            Reached::of(&Whole { pieces: vec![vec![7; length].into()], goes_on, began, is_same: true }, size)
        };
        assert_eq!(reached(5, 5, false), Some(Reached::Announced));
        assert_eq!(reached(5, 5, true), Some(Reached::Beyond));
        assert_eq!(reached(5, 3, false), Some(Reached::Early(3)));
        assert_eq!(reached(0, 9, false), Some(Reached::Beyond));
        assert_eq!(reached(5, 3, true), None);
    }

    #[test]
    fn a_run_that_may_take_long_is_bounded() {
        let limit = |options: Options| Tolerance::of(&options).limit(10);
        assert_eq!(limit(Options::default()), 10 + SURPLUS);
        assert_eq!(limit(Options { surplus: Some(7), ..Options::default() }), 17);
        assert_eq!(limit(Options { growing: true, ..Options::default() }), LONGEST);
        assert_eq!(limit(Options { deadline: Some(Duration::from_secs(1)), ..Options::default() }), LONGEST);
    }
}
