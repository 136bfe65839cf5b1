//! Does a file have to go at all? [`UnchangedCheck`] finds it out. Contents are compared where that is asked for, and where times say
//! nothing: such a file is never left out while it differs, and never sent while it does not.

use crate::copy::ends::file_checksum::{FileChecksum, told_of_whole};
use crate::copy::ends::lanes::Lane;
use crate::copy::ends::pool::Pool;
use crate::copy::ends::remote_sha256::Sum;
use crate::copy::ends::side::Side;
use crate::copy::error::CopyError;
use crate::copy::options::Unchanged;
use crate::copy::place::{Links, Place};
use crate::copy::task::item::{Item, What};
use crate::copy::task::run_context::RunContext;
use crate::copy::task::standing::Standing;
use crate::sftp::{Attributes, FileKind};

/// What is read at once at each end, where there is no shell to ask.
const BLOCK: usize = 256 * 1024;

/// Most bytes of a file whose SHA-256 a host is asked for together with others.
const SMALL: u64 = 1 << 20;

/// Steps in seconds in which some file systems keep times (FAT).
const STEP: u32 = 2;

/// Times that stand for many others: what cannot be told, or not be kept, is told or kept as one of these. 1901 and 1969 both
/// read as 0, and 2107 and 2200 as the last second of 32 bits; file systems end in 2038.
const STAND_FOR_OTHERS: [u32; 3] = [0, i32::MAX as u32, u32::MAX];

/// What two times say of two files of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimesSay {
    TheyAreOne,
    TheyDiffer,
    Nothing,
}

/// How it is found out.
pub struct UnchangedCheck {
    /// Which files count as unchanged.
    pub unchanged: Unchanged,
    /// Seconds that equal times may be apart.
    pub modify_window: u32,
}

impl UnchangedCheck {
    /// The attributes of the target, if it has what the source has, as far as this looks. What cannot be seen is not the
    /// same. Contents are read in the memory that `context` has for them.
    pub async fn finds(&self, item: &Item, standing: &Standing, context: Option<&RunContext>) -> Option<Attributes> {
        if self.unchanged == Unchanged::Never {
            return None;
        }
        let there = standing.at(item).await.ok()??;
        let lane = item.lanes.idlest();
        self.is_unchanged(item, &lane, &there, context).await.is_ok_and(|is| is).then_some(there)
    }

    async fn is_unchanged(
        &self,
        item: &Item,
        lane: &Lane,
        there: &Attributes,
        context: Option<&RunContext>,
    ) -> Result<bool, CopyError> {
        let links = match &item.what {
            What::Folder(_) => return Ok(there.kind() == FileKind::Dir),
            What::Link if there.kind() == FileKind::Symlink => {
                let says = lane.source.read_link(&item.source).await?;
                return Ok(says == lane.destination.read_link(&item.target).await?);
            }
            What::Link => return Ok(false),
            What::File(links) => *links,
        };
        if !is_same_file(&item.attributes, there) {
            return Ok(false);
        }
        let times = times_say(&item.attributes, there, self.modify_window);
        match (self.unchanged, times) {
            (Unchanged::Never, _) => return Ok(false),
            (Unchanged::SizeAndTime | Unchanged::TimeAndContent, TimesSay::TheyDiffer) => return Ok(false),
            (Unchanged::SizeAndTime, TimesSay::TheyAreOne) => return Ok(true),
            (Unchanged::SizeAndTime, TimesSay::Nothing) | (Unchanged::Content | Unchanged::TimeAndContent, _) => {}
        }
        let _room = match context {
            Some(context) => context.memory(2 * BLOCK.min(item.size().unwrap_or(0) as usize)).await,
            None => None,
        };
        has_same_content(item, links, &lane.source, &lane.destination).await
    }
}

fn is_same_file(here: &Attributes, there: &Attributes) -> bool {
    there.kind() == FileKind::File && there.size.is_some() && here.size == there.size
}

/// A time that nobody tells says nothing, nor does one that stands for others, or two that may be one in other steps.
fn times_say(here: &Attributes, there: &Attributes, window: u32) -> TimesSay {
    let known = |attributes: &Attributes| attributes.mtime().filter(|time| !STAND_FOR_OTHERS.contains(time));
    match known(here).zip(known(there)).map(|(here, there)| here.abs_diff(there)) {
        None => TimesSay::Nothing,
        Some(apart) if apart <= window => TimesSay::TheyAreOne,
        Some(apart) if apart <= STEP => TimesSay::Nothing,
        Some(_) => TimesSay::TheyDiffer,
    }
}

async fn has_same_content(item: &Item, links: Links, source: &Side, destination: &Side) -> Result<bool, CopyError> {
    let size = item.attributes.size.unwrap_or(0);
    let (here, there): (Sum, Sum) = tokio::try_join!(
        sum_at(item.lanes.source(), source, &item.source, links, size),
        sum_at(item.lanes.destination(), destination, &item.target, Links::Keep, size)
    )?;
    Ok(here == there)
}

/// The SHA-256 of a file of `size` bytes, or of one byte more where it has more.
async fn sum_at(pool: &Pool, side: &Side, place: &Place, links: Links, size: u64) -> Result<Sum, CopyError> {
    if size <= SMALL
        && let Some(sum) = told_of_whole(pool, side, place).await?
    {
        return Ok(sum);
    }
    let opened = side.open(place, links).await?;
    FileChecksum::of(pool, side, &opened).await?.sum(0..size.saturating_add(1)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_attributes_tell() {
        let file = |size, mtime| Attributes {
            size: Some(size),
            times: Some((0, mtime)),
            permissions: Some(0o100_644),
            ..Attributes::default()
        };
        let here = file(5, 1000);
        assert!(is_same_file(&here, &file(5, 7)) && !is_same_file(&here, &file(6, 1000)));
        assert!(!is_same_file(&here, &Attributes { permissions: Some(0o040_755), ..here }));
    }

    #[test]
    fn what_times_say() {
        let at = |mtime| Attributes { times: Some((0, mtime)), ..Attributes::default() };
        let say = |here, there, window| times_say(&at(here), &at(there), window);
        assert_eq!([0, 5].map(|window| say(1000, 1000, window)), [TimesSay::TheyAreOne; 2]);
        assert_eq!([998, 999, 1001, 1002].map(|there| say(1000, there, 0)), [TimesSay::Nothing; 4]);
        assert_eq!([997, 1003, 4000].map(|there| say(1000, there, 0)), [TimesSay::TheyDiffer; 3]);
        assert_eq!([995, 999, 1005].map(|there| say(1000, there, 5)), [TimesSay::TheyAreOne; 3]);
        assert_eq!([994, 1006].map(|there| say(1000, there, 5)), [TimesSay::TheyDiffer; 2]);
        for nothing in [Attributes::default(), at(0), at(i32::MAX as u32), at(u32::MAX)] {
            assert_eq!(times_say(&nothing, &nothing, 5), TimesSay::Nothing);
            assert_eq!(times_say(&at(1000), &nothing, 5), TimesSay::Nothing);
        }
    }
}
