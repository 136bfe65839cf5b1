//! Any bytes as a key file: what the file holds, without a passphrase.

use super::pem::look;

/// Reads `bytes` as a key file.
///
/// # Panics
/// Never; that is what the fuzzer checks.
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
