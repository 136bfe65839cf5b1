//! Does a file have to go at all? [`Unchanged`] says which are left where they are, and finds it out.

use crate::copy::ends::file_checksum::FileChecksum;
use crate::copy::ends::lanes::Lane;
use crate::copy::ends::remote_sha256::Sum;
use crate::copy::ends::side::Side;
use crate::copy::error::CopyError;
use crate::copy::options::Unchanged;
use crate::copy::place::Links;
use crate::copy::task::item::{Item, What};
use crate::sftp::{Attributes, FileKind};

/// What is read at once at each end, where there is no shell to ask.
const BLOCK: usize = 256 * 1024;

impl Unchanged {
    /// Bytes that one look may take.
    pub fn room(self) -> usize {
        if self.looks_at_content() { 2 * BLOCK } else { 0 }
    }

    /// Whether the target has what the source has, as far as this looks. What cannot be seen is not the same.
    pub async fn holds(self, item: &Item) -> bool {
        self.finds(item).await.is_some()
    }

    /// The attributes of the target, if it has what the source has.
    pub async fn finds(self, item: &Item) -> Option<Attributes> {
        if self == Unchanged::Never {
            return None;
        }
        let lane = item.lanes.idlest();
        let there = lane.destination.look(&item.target, Links::Keep).await.ok()??;
        self.is_unchanged(item, &lane, &there).await.is_ok_and(|is| is).then_some(there)
    }

    fn looks_at_time(self) -> bool {
        matches!(self, Unchanged::SizeAndTime | Unchanged::TimeAndContent)
    }

    fn looks_at_content(self) -> bool {
        matches!(self, Unchanged::Content | Unchanged::TimeAndContent)
    }

    async fn is_unchanged(self, item: &Item, lane: &Lane, there: &Attributes) -> Result<bool, CopyError> {
        match &item.what {
            What::Folder(_) => Ok(there.kind() == FileKind::Dir),
            What::Link if there.kind() == FileKind::Symlink => {
                let says = lane.source.read_link(&item.source).await?;
                Ok(says == lane.destination.read_link(&item.target).await?)
            }
            What::Link => Ok(false),
            What::File(_) if !is_same_file(&item.attributes, there) => Ok(false),
            What::File(_) if self.looks_at_time() && !is_same_time(&item.attributes, there) => Ok(false),
            What::File(_) if !self.looks_at_content() => Ok(true),
            What::File(links) => has_same_content(item, *links, &lane.source, &lane.destination).await,
        }
    }
}

fn is_same_file(here: &Attributes, there: &Attributes) -> bool {
    there.kind() == FileKind::File && there.size.is_some() && here.size == there.size
}

/// A time that nobody tells proves nothing, nor does one at the ends of what SFTP can say: 1901 and 1969 both read as 0,
/// 2107 and 2200 as the last second.
fn is_same_time(here: &Attributes, there: &Attributes) -> bool {
    let known = |attributes: &Attributes| attributes.mtime().filter(|time| *time != 0 && *time != u32::MAX);
    known(here).zip(known(there)).is_some_and(|(here, there)| here == there)
}

async fn has_same_content(item: &Item, links: Links, source: &Side, destination: &Side) -> Result<bool, CopyError> {
    // one byte more shows an end that has more than it says
    let range = 0..item.attributes.size.unwrap_or(0).saturating_add(1);
    let (here, there) =
        tokio::try_join!(source.open_source(&item.source, links), destination.open(&item.target, Links::Keep))?;
    let (here, there) = tokio::try_join!(
        FileChecksum::of(item.lanes.source(), source, &here),
        FileChecksum::of(item.lanes.destination(), destination, &there)
    )?;
    let (here, there): (Sum, Sum) = tokio::try_join!(here.sum(range.clone()), there.sum(range))?;
    Ok(here == there)
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
        assert!(is_same_time(&here, &file(9, 1000)) && !is_same_time(&here, &file(5, 999)));
        for nothing in [Attributes { times: None, ..here }, file(5, 0), file(5, u32::MAX)] {
            assert!(!is_same_time(&nothing, &nothing));
        }
    }
}
