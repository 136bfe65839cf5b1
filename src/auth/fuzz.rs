//! Any bytes as a key file: what it is, with no passphrase at hand.

use super::pem::look;

/// Reads `bytes` as a key file.
///
/// # Panics
/// Never: that is what is tried.
pub fn key_file(bytes: &[u8]) {
    drop(look(bytes));
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_is_read_without_harm() {
        let replayed = crate::target::replay("key_file", super::key_file);
        assert!(replayed > 0, "an empty corpus");
    }
}
