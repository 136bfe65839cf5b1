//! Is a host certificate valid? The rules are those of `PROTOCOL.certkeys` and of `sshkey_cert_check_host` in OpenSSH
//! 9.2. Whether its authority is trusted for the host is not decided here (see `policy.rs`).

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::public::KeyData;
use russh::keys::ssh_key::{Algorithm, Certificate, HashAlg};
use thiserror::Error;

/// Why a certificate that a trusted authority has signed does not prove a host.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Flaw {
    #[error("it is no host certificate")]
    NotForHosts,
    #[error("it is not valid yet")]
    NotYetValid,
    #[error("it has expired")]
    Expired,
    #[error("{0} is not among its principals")]
    OtherPrincipals(String),
    #[error("it has critical options")]
    CriticalOptions,
    #[error("its authority signed with {0}")]
    WeakSignature(String),
}

/// Whether the authority that the certificate names has signed it. Nothing else is checked; a certificate that fails
/// here is a forgery, not a flaw.
pub(super) fn is_signed(certificate: &Certificate) -> bool {
    let authority = certificate.signature_key();
    if matches!(authority, KeyData::Certificate(_) | KeyData::Other(_)) {
        return false;
    }
    // `check` looks at the validity period; the time passed here only has to lie inside it
    let inside = certificate.valid_after();
    inside < certificate.valid_before()
        && certificate.validate_at(inside, &[authority.fingerprint(HashAlg::Sha256)]).is_ok()
}

/// Checks everything except signature and trust. `host` is the name without its port, `now` in seconds since 1970.
pub(super) fn check(certificate: &Certificate, host: &str, now: u64) -> Result<(), Flaw> {
    if certificate.cert_type() != CertType::Host {
        return Err(Flaw::NotForHosts);
    }
    if now < certificate.valid_after() {
        return Err(Flaw::NotYetValid);
    }
    if now >= certificate.valid_before() {
        return Err(Flaw::Expired);
    }
    let principals = certificate.valid_principals();
    if !principals.is_empty() && !principals.iter().any(|principal| principal == host) {
        return Err(Flaw::OtherPrincipals(host.to_owned()));
    }
    if !certificate.critical_options().is_empty() {
        return Err(Flaw::CriticalOptions);
    }
    match certificate.signature().algorithm() {
        weak @ (Algorithm::Rsa { hash: None } | Algorithm::Dsa | Algorithm::Other(_)) => {
            Err(Flaw::WeakSignature(weak.to_string()))
        }
        _ => Ok(()),
    }
}

/// Checks that the signature algorithm is one of `allowed` (`CASignatureAlgorithms`), if the user set a list.
pub(super) fn is_signed_as(certificate: &Certificate, allowed: Option<&[String]>) -> Result<(), Flaw> {
    let algorithm = certificate.signature().algorithm();
    match allowed.is_none_or(|names| names.iter().any(|name| name == algorithm.as_str())) {
        true => Ok(()),
        false => Err(Flaw::WeakSignature(algorithm.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::test_keys::*;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn a_good_certificate_holds() {
        let certificate = issue(1, 2, for_host);
        assert!(is_signed(&certificate));
        assert_eq!(check(&certificate, "host", NOW), Ok(()));
        let for_any = issue(1, 2, |b| b.cert_type(CertType::Host)?.all_principals_valid().map(drop));
        assert_eq!(check(&for_any, "any", NOW), Ok(()));
    }

    #[test]
    fn each_flaw_is_named() {
        let for_users = issue(1, 2, |b| b.cert_type(CertType::User)?.valid_principal("host").map(drop));
        assert_eq!(check(&for_users, "host", NOW), Err(Flaw::NotForHosts));
        let good = issue(1, 2, for_host);
        assert_eq!(check(&good, "host", good.valid_after() - 1), Err(Flaw::NotYetValid));
        assert_eq!(check(&good, "host", good.valid_before()), Err(Flaw::Expired));
        assert_eq!(check(&good, "ho*", NOW), Err(Flaw::OtherPrincipals("ho*".into())));
        assert_eq!(check(&good, "other", NOW), Err(Flaw::OtherPrincipals("other".into())));
        let critical = issue(1, 2, |b| {
            for_host(b)?;
            b.critical_option("verify-required", "").map(drop)
        });
        assert_eq!(check(&critical, "host", NOW), Err(Flaw::CriticalOptions));
    }

    #[test]
    fn one_changed_byte_is_a_forgery() {
        let good = issue(1, 2, for_host).to_bytes().unwrap();
        let mut forged = 0;
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            if let Ok(certificate) = Certificate::from_bytes(&bytes) {
                assert!(!is_signed(&certificate), "byte {at}");
                forged += 1;
            }
        }
        assert!(forged > good.len() / 2, "only {forged} of {} still decoded", good.len());
    }
}
