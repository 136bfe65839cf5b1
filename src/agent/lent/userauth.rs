//! What does a publickey login ask to sign? Main type: [`UserAuth`], the data of RFC 4252 §7 and, with the server's
//! host key at its end, of OpenSSH's `publickey-hostbound-v00@openssh.com` (PROTOCOL §3.1).
//!
//! Pure. The data must parse to its last byte: anything else that a key may sign (SSHSIG, certificates, proofs of host
//! keys) is not a login.

use russh::keys::ssh_key::HashAlg;

use crate::agent::wire::{FieldReader, RSA_SHA2_256, RSA_SHA2_512, WireError};

const USERAUTH_REQUEST: u8 = 50;
const PUBLICKEY: &[u8] = b"publickey";
const HOSTBOUND: &[u8] = b"publickey-hostbound-v00@openssh.com";
/// The suffix of certificate algorithms (PROTOCOL.certkeys).
const OF_CERTIFICATES: &str = "-cert-v01@openssh.com";

/// A login request, field by field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserAuth<'a> {
    /// The id of the session it is for.
    pub session_id: &'a [u8],
    /// The user who logs in.
    pub user: &'a [u8],
    /// The service it starts.
    pub service: &'a [u8],
    /// The signature algorithm.
    pub algorithm: &'a [u8],
    /// The public key or certificate.
    pub key: &'a [u8],
    /// The server's host key, if the method includes it.
    pub host_key: Option<&'a [u8]>,
}

impl<'a> UserAuth<'a> {
    /// Parses the data of a sign request.
    pub fn parse(data: &'a [u8]) -> Result<UserAuth<'a>, WireError> {
        let mut reader = FieldReader(data);
        let session_id = reader.string()?;
        match reader.byte()? {
            USERAUTH_REQUEST => {}
            other => return Err(WireError::Type(other)),
        }
        let (user, service, method) = (reader.string()?, reader.string()?, reader.string()?);
        if !reader.boolean()? {
            return Err(WireError::Boolean(0)); // a query whether the key is acceptable is not signed
        }
        let (algorithm, key) = (reader.string()?, reader.string()?);
        let host_key = match method {
            PUBLICKEY => None,
            HOSTBOUND => Some(reader.string()?),
            _ => return Err(WireError::Method),
        };
        reader.end()?;
        Ok(UserAuth { session_id, user, service, algorithm, key, host_key })
    }
}

/// The hash and the flags for a signature by `key` with `algorithm`; `None` if they do not belong together, and for
/// SHA-1.
pub fn terms_of_signature(algorithm: &[u8], key: &[u8]) -> Option<(Option<HashAlg>, u32)> {
    let kind = std::str::from_utf8(FieldReader(key).string().ok()?).ok()?;
    let algorithm = std::str::from_utf8(algorithm).ok()?;
    let hash = match kind {
        "ssh-rsa" => algorithm,
        "ssh-rsa-cert-v01@openssh.com" => algorithm.strip_suffix(OF_CERTIFICATES)?,
        _ => return (algorithm == kind && !kind.starts_with("ssh-dss")).then_some((None, 0)),
    };
    match hash {
        "rsa-sha2-256" => Some((Some(HashAlg::Sha256), RSA_SHA2_256)),
        "rsa-sha2-512" => Some((Some(HashAlg::Sha512), RSA_SHA2_512)),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::agent::wire::put_string;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// The bytes of a request, with the given method name.
    pub(in crate::agent) fn data(of: &UserAuth<'_>, method: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put_string(&mut out, of.session_id);
        out.push(USERAUTH_REQUEST);
        [of.user, of.service, method].iter().for_each(|field| put_string(&mut out, field));
        out.push(1);
        [of.algorithm, of.key].iter().for_each(|field| put_string(&mut out, field));
        of.host_key.iter().for_each(|key| put_string(&mut out, key));
        out
    }

    /// The bytes of a request, with the method name that fits its fields.
    pub(in crate::agent) fn login(of: &UserAuth<'_>) -> Vec<u8> {
        data(of, if of.host_key.is_some() { HOSTBOUND } else { PUBLICKEY })
    }

    fn example(host_key: Option<&'static [u8]>) -> UserAuth<'static> {
        let service = b"ssh-connection";
        UserAuth { session_id: &[7; 32], user: b"u", service, algorithm: b"ssh-ed25519", key: b"k", host_key }
    }

    #[test]
    fn both_methods_are_read_and_nothing_between_them() {
        for host_key in [None, Some(&b"h"[..])] {
            let wanted = example(host_key);
            assert_eq!(UserAuth::parse(&login(&wanted)), Ok(wanted));
        }
        assert_eq!(UserAuth::parse(&data(&example(Some(b"h")), PUBLICKEY)), Err(WireError::Trailing));
        assert_eq!(UserAuth::parse(&data(&example(None), HOSTBOUND)), Err(WireError::Short));
        assert_eq!(UserAuth::parse(&data(&example(None), b"password")), Err(WireError::Method));
    }

    #[test]
    fn what_else_a_key_may_sign_is_no_login() {
        let mut sshsig = b"SSHSIG".to_vec();
        [&b"git"[..], b"", b"sha512", &[9; 64]].iter().for_each(|field| put_string(&mut sshsig, field));
        let mut proof = Vec::new();
        [&b"hostkeys-prove-00@openssh.com"[..], &[7; 32], b"key"].iter().for_each(|f| put_string(&mut proof, f));
        let mut certificate = Vec::new();
        [&b"ssh-ed25519-cert-v01@openssh.com"[..], &[1; 32], &[2; 32]]
            .iter()
            .for_each(|f| put_string(&mut certificate, f));
        let question = login(&example(None));
        let at = 4 + 32 + 1 + 4 + 1 + 4 + 14 + 4 + 9;
        let question = [&question[..at], &[0], &question[at + 1..]].concat();
        for data in [&sshsig[..], &proof, &certificate, &question, b""] {
            assert!(UserAuth::parse(data).is_err(), "{data:?}");
        }
    }

    #[test]
    fn algorithms_and_keys_belong_together() {
        let key = |kind: &str| {
            let mut blob = Vec::new();
            put_string(&mut blob, kind.as_bytes());
            blob
        };
        let of =
            |algorithm: &str, kind: &str| terms_of_signature(algorithm.as_bytes(), &key(kind)).map(|(_, flags)| flags);
        assert_eq!(of("ssh-ed25519", "ssh-ed25519"), Some(0));
        assert_eq!(of("rsa-sha2-256", "ssh-rsa"), Some(RSA_SHA2_256));
        assert_eq!(of("rsa-sha2-512-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com"), Some(RSA_SHA2_512));
        for (algorithm, kind) in [
            ("ssh-rsa", "ssh-rsa"),
            ("rsa-sha2-512", "ssh-rsa-cert-v01@openssh.com"),
            ("rsa-sha2-512", "ssh-ed25519"),
            ("ssh-ed25519", "ecdsa-sha2-nistp256"),
            ("ssh-dss", "ssh-dss"),
        ] {
            assert_eq!(of(algorithm, kind), None, "{algorithm} {kind}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic_and_what_parses_is_written_the_same(bytes in vec(any::<u8>(), 0..300)) {
            if let Ok(read) = UserAuth::parse(&bytes) {
                prop_assert_eq!(login(&read), bytes.clone());
            }
            let _ = terms_of_signature(&bytes, &bytes); // only that it returns
        }

        #[test]
        fn a_cut_or_longer_request_is_refused(cut in 1usize..60) {
            let whole = login(&example(Some(b"host")));
            prop_assert!(UserAuth::parse(&whole[..whole.len() - cut]).is_err());
            prop_assert!(UserAuth::parse(&[whole, vec![0; cut]].concat()).is_err());
        }
    }
}
