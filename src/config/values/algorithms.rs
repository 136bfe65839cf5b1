//! Which algorithms does a list name? `+`, `-`, `^` and patterns apply to OpenSSH's own lists, kept here as data.
//!
//! Main type: [`Family`]. The lists are those of OpenSSH 9.2p1 (`myproposal.h`, `ssh -Q`), with the names that later
//! versions added. What is offered where nothing is configured leaves out the names that hop does not speak
//! ([`NOT_SPOKEN`]); a list that names them keeps them, and `chain` passes over them.

use crate::wildcard::{ListMatch, match_list};

/// A kind of algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `Ciphers`.
    Cipher,
    /// `MACs`.
    Mac,
    /// `KexAlgorithms`.
    Kex,
    /// `HostKeyAlgorithms`, `PubkeyAcceptedAlgorithms`, `HostbasedAcceptedAlgorithms`.
    Key,
    /// `CASignatureAlgorithms`.
    Signature,
    /// `GSSAPIKexAlgorithms`.
    GssapiKex,
}

impl Family {
    /// The list that is offered if nothing is configured.
    pub fn default_list(self) -> &'static [&'static str] {
        match self {
            Family::Cipher if has_aes() => CIPHERS_OFFERED_WITH_AES,
            Family::Cipher => CIPHERS_OFFERED,
            Family::Mac => MACS_OFFERED,
            Family::Kex => KEX_OFFERED,
            Family::Key => KEYS_OFFERED,
            Family::Signature => SIGNATURES_OFFERED,
            Family::GssapiKex => GSSAPI_KEX,
        }
    }

    /// Every name that may be configured.
    pub fn known(self) -> &'static [&'static str] {
        match self {
            Family::Cipher => CIPHERS,
            Family::Mac => MACS,
            Family::Kex => KEX,
            Family::Key => KEYS,
            Family::Signature => SIGNATURES,
            Family::GssapiKex => GSSAPI_KEX,
        }
    }

    /// The keyword of the family, for people.
    pub fn keyword(self) -> &'static str {
        match self {
            Family::Cipher => "Ciphers",
            Family::Mac => "MACs",
            Family::Kex => "KexAlgorithms",
            Family::Key => "HostKeyAlgorithms",
            Family::Signature => "CASignatureAlgorithms",
            Family::GssapiKex => "GSSAPIKexAlgorithms",
        }
    }

    /// Whether hop speaks an algorithm that may be configured; for keys that is up to where they are used.
    pub fn speaks(self, name: &str) -> bool {
        !matches!(self, Family::Cipher | Family::Mac | Family::Kex) || !NOT_SPOKEN.contains(&name)
    }

    /// Checks that OpenSSH would accept `list`. Names must be known, except those to remove (`-…`).
    pub fn check(self, list: &str) -> Result<(), String> {
        let names = match self {
            Family::GssapiKex => list,
            _ if list.starts_with('-') => return Ok(()),
            _ => list.strip_prefix(['+', '^']).unwrap_or(list),
        };
        let unknown = names.split(',').take_while(|name| !name.is_empty()).find(|name| !self.takes(name));
        match (names.is_empty(), unknown) {
            (true, _) => Err("an empty list of algorithms".to_owned()),
            (_, Some(name)) => Err(format!("unknown algorithm `{name}`")),
            _ => Ok(()),
        }
    }

    fn takes(self, name: &str) -> bool {
        match self {
            // key types may be patterns, even negated ones
            Family::Key | Family::Signature => {
                SHORT_KEY_TYPES.iter().any(|short| name.eq_ignore_ascii_case(short))
                    || KEYS.iter().any(|known| match_list(known, name) != ListMatch::NoMatch)
            }
            _ => self.known().contains(&name),
        }
    }

    /// The list that `configured` stands for (`kex_assemble_names` in kex.c).
    pub fn assemble(self, configured: &str) -> Result<Vec<String>, String> {
        let default = || self.default_list().iter().map(|&name| name.to_owned());
        if let Some(away) = configured.strip_prefix('-') {
            return Ok(default().filter(|name| match_list(name, away) != ListMatch::Match).collect());
        }
        let given = |list: &str| list.split(',').map(str::to_owned).collect::<Vec<_>>();
        let patterns: Vec<String> = match (configured.strip_prefix('+'), configured.strip_prefix('^')) {
            (Some(more), _) => default().chain(given(more)).collect(),
            (_, Some(first)) => given(first).into_iter().chain(default()).collect(),
            _ => given(configured),
        };
        let mut list: Vec<String> = Vec::new();
        for pattern in patterns {
            if pattern.starts_with('!') {
                return Err(format!("`{pattern}`: a list of algorithms cannot be negated"));
            }
            let names = self.known().iter().filter(|name| match_list(name, &pattern) == ListMatch::Match);
            for name in names {
                if !list.iter().any(|listed| listed == name) {
                    list.push((*name).to_owned());
                }
            }
        }
        if list.is_empty() { Err("no algorithm is left".to_owned()) } else { Ok(list) }
    }
}

/// Ciphers, MACs and key exchanges of OpenSSH that the SSH library does not have.
pub const NOT_SPOKEN: &[&str] = &[
    "3des-cbc",
    "hmac-sha1-96",
    "hmac-md5",
    "hmac-md5-96",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "hmac-sha1-96-etm@openssh.com",
    "hmac-md5-etm@openssh.com",
    "hmac-md5-96-etm@openssh.com",
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
];

/// AES-GCM first, where the processor has instructions for it.
const CIPHERS_OFFERED_WITH_AES: &[&str] = &[
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
];

const CIPHERS_OFFERED: &[&str] = &[
    "chacha20-poly1305@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
];

#[cfg(target_arch = "x86_64")]
fn has_aes() -> bool {
    std::arch::is_x86_feature_detected!("aes")
}

#[cfg(target_arch = "aarch64")]
fn has_aes() -> bool {
    std::arch::is_aarch64_feature_detected!("aes")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn has_aes() -> bool {
    false
}

const CIPHERS: &[&str] = &[
    "3des-cbc",
    "aes128-cbc",
    "aes192-cbc",
    "aes256-cbc",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
];

const MACS_OFFERED: &[&str] = &[
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
];

const MACS: &[&str] = &[
    "hmac-sha1",
    "hmac-sha1-96",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-md5",
    "hmac-md5-96",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "hmac-sha1-96-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-md5-etm@openssh.com",
    "hmac-md5-96-etm@openssh.com",
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
];

/// The first came with OpenSSH 9.9.
const KEX_OFFERED: &[&str] = &[
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group14-sha256",
];

/// The last name came with OpenSSH 9.9.
const KEX: &[&str] = &[
    "diffie-hellman-group1-sha1",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group-exchange-sha256",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
    "mlkem768x25519-sha256",
];

const KEYS_OFFERED: &[&str] = &[
    "ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "rsa-sha2-512-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

const KEYS: &[&str] = &[
    "ssh-ed25519",
    "ssh-ed25519-cert-v01@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-dss",
    "ssh-dss-cert-v01@openssh.com",
    "ssh-rsa",
    "ssh-rsa-cert-v01@openssh.com",
    "rsa-sha2-256",
    "rsa-sha2-256-cert-v01@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-512-cert-v01@openssh.com",
];

/// Further names of key types that `sshkey_type_from_name` accepts.
const SHORT_KEY_TYPES: &[&str] = &["ED25519", "ED25519-SK", "ECDSA", "ECDSA-SK", "RSA", "DSA"];

const SIGNATURES_OFFERED: &[&str] = &[
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

const SIGNATURES: &[&str] = &[
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-dss",
    "ssh-rsa",
    "rsa-sha2-256",
    "rsa-sha2-512",
];

const GSSAPI_KEX: &[&str] = &[
    "gss-group14-sha256-",
    "gss-group16-sha512-",
    "gss-nistp256-sha256-",
    "gss-curve25519-sha256-",
    "gss-group14-sha1-",
    "gss-gex-sha1-",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_is_spoken() {
        for family in [Family::Cipher, Family::Mac, Family::Kex] {
            assert!(family.default_list().iter().all(|name| family.speaks(name) && family.known().contains(name)));
        }
        assert!(NOT_SPOKEN.iter().all(|name| [CIPHERS, MACS, KEX].concat().contains(name)));
    }

    #[test]
    fn lists_grow_shrink_and_are_reordered() {
        let macs = |list: &str| Family::Mac.assemble(list).unwrap();
        assert_eq!(macs("hmac-sha1"), ["hmac-sha1"]);
        assert_eq!(macs("+hmac-md5").last().unwrap(), "hmac-md5");
        assert_eq!(macs("^hmac-sha1")[0], "hmac-sha1");
        assert_eq!(macs("-*-etm*").len(), 3);
        assert_eq!(macs("^umac-64@openssh.com")[0], "umac-64@openssh.com", "a list keeps what it names");
        assert!(Family::Kex.check("curve25519-sha256,nonsense").is_err());
        assert!(Family::Kex.check("-nonsense").is_ok());
        assert!(Family::Key.check("ssh-*").is_ok());
    }
}
