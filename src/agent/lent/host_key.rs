//! Did this host take part in that key exchange? [`proves`] checks a host key's signature over a session id, which is
//! the exchange hash of the first key exchange (RFC 4253 §7.2, §8).

use russh::keys::key::parse_public_key;
use russh::keys::ssh_encoding::Decode as _;
use russh::keys::ssh_key::{Algorithm, Signature};

use crate::agent::wire::FieldReader;

/// The possible lengths of an exchange hash in bytes: SHA-256, SHA-384, SHA-512.
pub const SESSION_IDS: [usize; 3] = [32, 48, 64];

/// Whether `signature` (`string algorithm | string blob`) was made by `host_key` over `session_id`, with Ed25519, ECDSA
/// on a NIST curve, or RSA with SHA-2.
pub fn proves(host_key: &[u8], session_id: &[u8], signature: &[u8]) -> bool {
    SESSION_IDS.contains(&session_id.len()) && verify(host_key, session_id, signature).is_some()
}

fn verify(host_key: &[u8], session_id: &[u8], signature: &[u8]) -> Option<()> {
    let mut reader = FieldReader(signature);
    let algorithm = std::str::from_utf8(reader.string().ok()?).ok()?;
    let _blob = reader.string().ok()?;
    reader.end().ok()?;
    let algorithm = Algorithm::new(algorithm).ok().filter(is_strong)?;
    let key = parse_public_key(host_key).ok()?;
    let belongs = match (key.algorithm(), &algorithm) {
        (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
        (of_key, of_signature) => of_key == *of_signature,
    };
    let signature = Signature::decode(&mut &signature[..]).ok().filter(|_| belongs)?;
    russh::keys::signature::Verifier::verify(key.key_data(), session_id, &signature).ok()
}

fn is_strong(algorithm: &Algorithm) -> bool {
    matches!(algorithm, Algorithm::Ed25519 | Algorithm::Ecdsa { .. } | Algorithm::Rsa { hash: Some(_) })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::agent::signer::{KeySigner, Signer as _};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use russh::keys::ssh_key::private::{EcdsaKeypair, Ed25519Keypair, PrivateKey};
    use russh::keys::ssh_key::{EcdsaCurve, HashAlg};
    use std::sync::Arc;

    /// The Ed25519 key with this number.
    pub(in crate::agent) fn key(number: u8) -> Arc<PrivateKey> {
        Arc::new(PrivateKey::from(Ed25519Keypair::from_seed(&[number; 32])))
    }

    /// A public key in wire form.
    pub(in crate::agent) fn blob(key: &PrivateKey) -> Vec<u8> {
        key.public_key().to_bytes().expect("a public key has bytes")
    }

    /// A signature in wire form.
    pub(in crate::agent) fn sign(key: &Arc<PrivateKey>, data: &[u8], hash: Option<HashAlg>) -> Vec<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(KeySigner(key.clone()).sign(data, hash)).expect("a key in memory signs")
    }

    #[test]
    fn a_host_proves_its_own_sessions_only() {
        let ecdsa = EcdsaKeypair::random(&mut russh::keys::key::safe_rng(), EcdsaCurve::NistP256).expect("a key");
        for host in [key(1), Arc::new(PrivateKey::from(ecdsa))] {
            for length in SESSION_IDS {
                let id = vec![5; length];
                let signature = sign(&host, &id, None);
                assert!(proves(&blob(&host), &id, &signature));
                assert!(!proves(&blob(&host), &vec![6; length], &signature));
                assert!(!proves(&blob(&key(2)), &id, &signature));
                assert!(!proves(&blob(&host), &id, &[signature, vec![0]].concat()));
            }
            assert!(!proves(&blob(&host), b"short", &sign(&host, b"short", None)));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_prove_nothing_and_break_nothing(host in vec(any::<u8>(), 0..80), signature in vec(any::<u8>(), 0..80)) {
            prop_assert!(!proves(&host, &[1; 32], &signature));
            prop_assert!(!proves(&blob(&key(1)), &[1; 32], &signature));
        }
    }
}
