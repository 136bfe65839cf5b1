//! What is looked at twice? [`Care`]: whether both ends are compared before a file gets its name, whether it is flushed to
//! the disk first, and which files are not copied at all because they are there already.

use aws_lc_rs::digest::{SHA256, digest};

use super::error::{Cause, CopyError};
use super::item::Item;
use super::side::{Links, Side};
use super::sums::Sum;
use super::witness::Witness;
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};

/// How careful a copy is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Care {
    /// SHA-256 of both ends, compared before the file gets its name.
    pub verify: bool,
    /// Each file is flushed to the destination's disk before it gets its name.
    pub fsync: bool,
    /// Which files are left out.
    pub update: Update,
}

/// Which files are there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Update {
    /// None: all are copied.
    #[default]
    Everything,
    /// Those of equal size and time of modification; with [`Care::verify`], of equal content, too.
    SizeAndTime,
    /// Those of equal size and content.
    Content,
}

impl Care {
    /// Whether the target has what the source has, as far as this looks.
    ///
    /// # Errors
    /// When an end cannot be asked; a target that cannot be read is merely not the same.
    pub async fn is_there(&self, item: &Item, links: Links) -> Result<bool, CopyError> {
        if self.update == Update::Everything {
            return Ok(false);
        }
        let lane = item.lanes.idlest();
        let Some(there) = lane.destination.look(&item.target, Links::Keep).await? else { return Ok(false) };
        let same_size = there.kind() == FileKind::File && there.size.is_some() && there.size == item.attributes.size;
        let same_time = self.update == Update::Content || is_same_time(&item.attributes, &there);
        if !same_size || !same_time {
            return Ok(false);
        }
        let looks_at_content = self.verify || self.update == Update::Content;
        Ok(!looks_at_content || has_same_content(item, links, (&lane.source, &lane.destination)).await?)
    }
}

/// True when both times are known and equal. The ends of SFTP's range stand for every time beyond them.
fn is_same_time(one: &Attributes, other: &Attributes) -> bool {
    let known = |attributes: &Attributes| attributes.mtime().filter(|time| *time != 0 && *time != u32::MAX);
    known(one).zip(known(other)).is_some_and(|(one, other)| one == other)
}

async fn has_same_content(item: &Item, links: Links, (source, destination): (&Side, &Side)) -> Result<bool, CopyError> {
    let size = item.attributes.size.unwrap_or(0);
    let opened = tokio::try_join!(source.open(&item.source, links), destination.open(&item.target, Links::Keep));
    let (one, other) = match opened {
        Ok(files) => files,
        Err(error) if error.ends_the_run() => return Err(error),
        Err(_) => return Ok(false),
    };
    let (one, other) = tokio::try_join!(
        Witness::of(item.lanes.source(), source, &one),
        Witness::of(item.lanes.destination(), destination, &other)
    )?;
    let (one, other) = tokio::try_join!(one.sum(0..size), other.sum(0..size))?;
    Ok(one == other)
}

/// The sum of what was read of a small file.
pub fn sum_of(data: &[bytes::Bytes]) -> Sum {
    let mut sum = [0; 32];
    match data {
        [one] => sum.copy_from_slice(digest(&SHA256, one).as_ref()),
        many => sum.copy_from_slice(digest(&SHA256, &many.concat()).as_ref()),
    }
    sum
}

/// Holds what was read at the source against what the closed part at `place` has.
///
/// # Errors
/// [`Cause::Differs`] when they are not the same.
pub async fn compare(
    item: &Item,
    (side, part): (&Side, &super::place::Place),
    (source, size): (Sum, u64),
) -> Result<Sum, CopyError> {
    let file = side.open(part, Links::Keep).await?;
    let sum = Witness::of(item.lanes.destination(), side, &file).await?.sum(0..size).await?;
    match sum == source {
        true => Ok(sum),
        false => Err(side.error(Stage::Verify, &item.target, Cause::Differs)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_beyond_the_range_are_not_known() {
        let at = |mtime| Attributes { times: Some((0, mtime)), ..Attributes::default() };
        assert!(is_same_time(&at(1_000_000_000), &at(1_000_000_000)));
        assert!(!is_same_time(&at(1_000_000_000), &at(1_000_000_001)));
        // 1901 and 1969 both read as 0, 2107 and 2200 as the last second
        assert!(!is_same_time(&at(0), &at(0)) && !is_same_time(&at(u32::MAX), &at(u32::MAX)));
        assert!(!is_same_time(&Attributes::default(), &Attributes::default()));
    }
}
