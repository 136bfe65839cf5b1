//! One answer to a READDIR: [`Entries`], checked as a whole when it arrives and decoded entry by entry as they are
//! taken. Until then it takes as much memory as on the wire, where decoded entries of 12 bytes each would take ten
//! times as much. Names are not vetted here.

use super::attributes::Entry;
use super::error::SftpError;
use super::fields::Fields;

/// Entries of a folder, still encoded.
#[derive(Debug, PartialEq, Eq)]
pub struct Entries {
    /// The rest of the packet, known to hold whole entries.
    fields: Fields,
    left: usize,
}

impl Entries {
    /// Checks the list as a whole; nothing may be missing.
    pub(super) fn decode(mut fields: Fields) -> Result<Entries, SftpError> {
        let left = Entry::count(&mut fields)?;
        let mut whole = fields.clone();
        (0..left).try_for_each(|_| Entry::skip(&mut whole))?;
        Ok(Entries { fields, left })
    }

    /// Entries left.
    pub fn len(&self) -> usize {
        self.left
    }

    /// Whether no entry is left.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl Iterator for Entries {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.left = self.left.checked_sub(1)?;
        Entry::decode(&mut self.fields).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_taken_whole_gives_every_entry(body in proptest::collection::vec(any::<u8>(), 0..80), count in 0u32..4) {
            let body = [&count.to_be_bytes()[..], &body].concat();
            let at_once = Entry::decode_list(&mut Fields::new(Bytes::from(body.clone())));
            let one_by_one = Entries::decode(Fields::new(Bytes::from(body)));
            prop_assert_eq!(at_once.is_ok(), one_by_one.is_ok());
            if let (Ok(at_once), Ok(one_by_one)) = (at_once, one_by_one) {
                prop_assert_eq!(one_by_one.len(), at_once.len());
                prop_assert_eq!(one_by_one.collect::<Vec<_>>(), at_once);
            }
        }
    }
}
