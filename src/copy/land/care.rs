//! How is a file checked before it gets its name? `Care` says whether both ends are compared, and whether the file is
//! flushed to the disk first. Which files need not be copied at all is another question (`unchanged.rs`).

use aws_lc_rs::digest::{SHA256, digest};

use crate::copy::ends::file_checksum::FileChecksum;
use crate::copy::ends::remote_sha256::Sum;
use crate::copy::ends::side::Side;
use crate::copy::error::{Cause, CopyError};
use crate::copy::place::{Links, Place};
use crate::copy::task::item::Item;
use crate::progress::Stage;

/// What was read of a source, where both ends are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceContent {
    /// SHA-256 of all its bytes.
    pub sum: Sum,
    /// Its length in bytes.
    pub size: u64,
}

/// The SHA-256 of a small file's bytes.
pub fn sum_of(data: &[bytes::Bytes]) -> Sum {
    let mut sum = [0; 32];
    match data {
        [one] => sum.copy_from_slice(digest(&SHA256, one).as_ref()),
        many => sum.copy_from_slice(digest(&SHA256, &many.concat()).as_ref()),
    }
    sum
}

/// Compares the closed part file at `part` with what was read of the source. Returns its SHA-256.
///
/// # Errors
/// [`Cause::Differs`] when they are not the same.
pub async fn compare(item: &Item, side: &Side, part: &Place, source: SourceContent) -> Result<Sum, CopyError> {
    let file = side.open(part, Links::Keep).await?;
    // one byte more shows a part that is longer
    let sum = FileChecksum::of(item.lanes.destination(), side, &file).await?.sum(0..source.size + 1).await?;
    match sum == source.sum {
        true => Ok(sum),
        false => Err(side.error(Stage::Verify, &item.target, Cause::Differs)),
    }
}
