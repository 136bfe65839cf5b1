//! Any bytes as a known_hosts file: every line is read and matched, and if it holds a key, that key is written and
//! found again. Any bytes as a key revocation list.

use super::known_hosts::{Marker, entries};
use super::krl::{self, Certified, Suspect};
use super::record::{self, Naming};

/// Reads `bytes` as known_hosts.
///
/// # Panics
/// If a recorded key is not found again.
pub fn known_hosts(bytes: &[u8]) {
    for entry in entries(bytes) {
        let _named = entry.names("acc-pvt") || entry.names("[10.10.2.20]:2222");
        let Some(key) = entry.key().filter(|_| entry.marker == Marker::None) else { continue };
        let written =
            record::lines(&["acc-pvt"], &key, Naming::Plain).expect("a plain line needs nothing of the system");
        let found =
            entries(written.as_bytes()).any(|entry| entry.names("acc-pvt") && entry.key().as_ref() == Some(&key));
        assert!(found, "recorded as {written:?}");
    }
}

/// Reads `bytes` as a key revocation list.
///
/// # Panics
/// If a second reading gives another result.
pub fn krl(bytes: &[u8]) {
    let certified = Some(Certified { authority: b"authority", serial: 7, key_id: "id" });
    let suspect = Suspect { key: b"key", certified };
    let verdict = krl::revokes(bytes, &suspect);
    assert_eq!(verdict, krl::revokes(bytes, &suspect));
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_of_lists_is_read_without_harm() {
        let replayed = crate::target::replay("krl", crate::trust::fuzz::krl);
        assert!(replayed > 0, "an empty corpus");
    }

    #[test]
    fn the_corpus_is_read_without_harm() {
        let replayed = crate::target::replay("known_hosts", crate::trust::fuzz::known_hosts);
        assert!(replayed > 0, "an empty corpus");
    }
}
