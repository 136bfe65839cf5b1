//! What can be negotiated at all? The answers to `ssh -Q`: names that OpenSSH knows and the library speaks.
//!
//! Main function: [`supported`]. What is offered to one host is in `algorithms.rs`. Security keys are left out: hop can
//! ask an agent for their signatures, but verifies none and reads no such key file.

use russh::keys::Algorithm;
use russh::{cipher, kex, mac};

use super::algorithms::{CIPHERS_WITH_TAG, COMPRESSED, is_spoken};
use crate::config::Family;

/// The queries, as `-Q help` lists them.
const QUERIES: [&str; 11] = [
    "cipher",
    "cipher-auth",
    "compression",
    "kex",
    "key",
    "key-cert",
    "key-plain",
    "key-sig",
    "mac",
    "protocol-version",
    "sig",
];

/// Keywords of ssh_config that are queries, too, in lowercase, and the query each stands for.
const KEYWORDS: [(&str, &str); 9] = [
    ("ciphers", "cipher"),
    ("macs", "mac"),
    ("kexalgorithms", "kex"),
    ("pubkeyacceptedkeytypes", "key-sig"),
    ("pubkeyacceptedalgorithms", "key-sig"),
    ("hostkeyalgorithms", "key-sig"),
    ("hostbasedkeytypes", "key-sig"),
    ("hostbasedacceptedkeytypes", "key-sig"),
    ("hostbasedacceptedalgorithms", "key-sig"),
];

/// The end of a certificate's type.
const CERTIFICATE: &str = "-cert-v01@openssh.com";

/// The names that `ssh -Q QUERY` asks for, in OpenSSH's order; `None` if there is no such query.
pub fn supported(query: &str) -> Option<Vec<&'static str>> {
    let keyword = KEYWORDS.iter().find(|(keyword, _)| query.eq_ignore_ascii_case(keyword));
    Some(match keyword.map_or(query, |(_, query)| query) {
        "cipher" => names(Family::Cipher, |name| cipher::Name::try_from(name).is_ok()),
        "cipher-auth" => names(Family::Cipher, |name| CIPHERS_WITH_TAG.iter().any(|cipher| cipher.as_ref() == name)),
        "mac" => names(Family::Mac, |name| mac::Name::try_from(name).is_ok()),
        "kex" => names(Family::Kex, |name| kex::Name::try_from(name).is_ok()),
        "compression" => COMPRESSED.iter().cycle().skip(2).take(3).map(AsRef::as_ref).collect(), // none is the last
        "key" => names(Family::Key, is_key_type),
        "key-plain" => names(Family::Key, |name| is_key_type(name) && !name.ends_with(CERTIFICATE)),
        "key-cert" => names(Family::Key, |name| is_key_type(name) && name.ends_with(CERTIFICATE)),
        "key-sig" => names(Family::Key, is_known),
        "sig" => names(Family::Key, |name| is_known(name) && !name.ends_with(CERTIFICATE)),
        "protocol-version" => vec!["2"],
        "help" => QUERIES.to_vec(),
        _ => return None,
    })
}

fn names(family: Family, fits: impl Fn(&str) -> bool) -> Vec<&'static str> {
    family.known().iter().copied().filter(|name| fits(name)).collect()
}

/// Whether this is a type of key or certificate, or a way to sign with one, that hop reads, signs with and verifies.
fn is_known(name: &str) -> bool {
    let plain = name.strip_suffix(CERTIFICATE).unwrap_or(name);
    is_key_type(plain) || Algorithm::new(plain).is_ok_and(|algorithm| is_spoken(&algorithm))
}

/// Whether this is a type of key or certificate; the names of RSA with SHA-2 are ways to sign only.
fn is_key_type(name: &str) -> bool {
    let plain = name.strip_suffix(CERTIFICATE).unwrap_or(name);
    let spoken = || Algorithm::new(plain).is_ok_and(|algorithm| is_spoken(&algorithm));
    plain == "ssh-rsa" || (!plain.starts_with("rsa-sha2-") && spoken())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_has_an_answer_and_others_have_none() {
        for query in QUERIES.iter().chain(KEYWORDS.iter().map(|(keyword, _)| keyword)) {
            assert!(supported(query).is_some_and(|names| !names.is_empty()), "{query}");
        }
        assert_eq!(supported("HostKeyAlgorithms"), supported("key-sig"));
        assert_eq!(supported("CIPHER"), None);
        assert_eq!(supported("sntrup"), None);
    }

    #[test]
    fn the_configuration_knows_what_the_library_speaks() {
        let is_there = |family: Family, name: &str| match family {
            Family::Cipher => cipher::Name::try_from(name).is_ok(),
            Family::Mac => mac::Name::try_from(name).is_ok(),
            _ => kex::Name::try_from(name).is_ok(),
        };
        for family in [Family::Cipher, Family::Mac, Family::Kex] {
            for name in family.known() {
                assert_eq!(family.speaks(name), is_there(family, name), "{name}");
            }
        }
    }

    #[test]
    fn types_of_keys_are_told_from_ways_to_sign() {
        let answer = |query| supported(query).unwrap();
        assert!(answer("key-plain").contains(&"ssh-rsa") && !answer("key-plain").contains(&"rsa-sha2-512"));
        assert!(
            answer("sig").contains(&"rsa-sha2-512") && !answer("sig").contains(&"rsa-sha2-512-cert-v01@openssh.com")
        );
        assert!(answer("key-sig").contains(&"rsa-sha2-512-cert-v01@openssh.com"));
        assert!(answer("key-cert").iter().all(|name| name.ends_with(CERTIFICATE)));
        assert_eq!(answer("key").len(), answer("key-plain").len() + answer("key-cert").len());
    }
}
