//! Does this hashed name stand for the host? It is written `|1|salt|hash`, both in base64; the hash is the HMAC-SHA1 of
//! the name with the salt as key (`host_hash` in OpenSSH's `hostfile.c`). SHA-1 only hides names here; it decides
//! nothing about keys.

use aws_lc_rs::{hmac, rand};
use russh::keys::ssh_key::encoding::base64::{Base64, Encoding};

const MAGIC: &[u8] = b"|1|";
/// The length of a salt, and of an HMAC-SHA1, in bytes.
const SALT: usize = 20;

/// How a hosts field that starts with `|` compares with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hashed {
    /// It is the hash of this name.
    Same,
    /// It is the hash of another name.
    Other,
    /// It is not a hashed name.
    Malformed,
}

/// Compares `field` with `name` as text: like ssh, it hashes the name with the same salt and compares the results.
pub(super) fn compare(name: &str, field: &[u8]) -> Hashed {
    match salt_of(field) {
        None => Hashed::Malformed,
        Some(salt) if field == write(name, &salt).as_bytes() => Hashed::Same,
        Some(_) => Hashed::Other,
    }
}

/// Hashes `name` with a fresh salt. `None` if the system returns no random bytes.
pub(super) fn hash(name: &str) -> Option<String> {
    let mut salt = [0; SALT];
    rand::fill(&mut salt).ok()?;
    Some(write(name, &salt))
}

fn write(name: &str, salt: &[u8; SALT]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
    let hash = hmac::sign(&key, name.as_bytes());
    format!("|1|{}|{}", Base64::encode_string(salt), Base64::encode_string(hash.as_ref()))
}

fn salt_of(field: &[u8]) -> Option<[u8; SALT]> {
    let rest = field.strip_prefix(MAGIC)?;
    let end = rest.iter().position(|&b| b == b'|')?;
    let text = std::str::from_utf8(&rest[..end]).ok()?;
    Base64::decode_vec(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by `ssh-keygen -H` for `example.org`.
    const BY_SSH_KEYGEN: &[u8] = b"|1|pwTsckL3t4W1meoTT+zu5yA9+zs=|HO+NFAj/NfXM2iTyvYSQtXs0GQI=";

    #[test]
    fn what_ssh_keygen_hashed_is_recognised() {
        assert_eq!(compare("example.org", BY_SSH_KEYGEN), Hashed::Same);
        assert_eq!(compare("example.com", BY_SSH_KEYGEN), Hashed::Other);
    }

    #[test]
    fn what_is_hashed_is_recognised_and_nothing_else() {
        let field = hash("example.org").unwrap();
        assert_eq!(compare("example.org", field.as_bytes()), Hashed::Same);
        assert_eq!(compare("example.com", field.as_bytes()), Hashed::Other);
        assert_ne!(field, hash("example.org").unwrap(), "each hash has its own salt");
    }

    #[test]
    fn what_is_no_hash_is_malformed() {
        for field in [&b"|"[..], b"|1|", b"|1|AAAA|AAAA", b"|2|AAAA|", b"|1|====|", b"|1|\xff|"] {
            assert_eq!(compare("example.org", field), Hashed::Malformed, "{field:?}");
        }
    }
}
