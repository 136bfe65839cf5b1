//! User certificates (PROTOCOL.certkeys): read from CertificateFile or found beside a key, offered before plain keys.
//!
//! The server decides whether a certificate is good; here only those that can never be are left out.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use russh::keys::ssh_key::Certificate;
use russh::keys::ssh_key::certificate::CertType;

use super::error::KeyProblem;
use super::key_file::beside;
use super::pem::KeyFileText;

/// Host certificates prove hosts, not users.
pub(super) fn is_for_users(certificate: &Certificate) -> bool {
    certificate.cert_type() == CertType::User
}

/// The certificate that belongs to a key file.
pub fn beside_key(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push("-cert.pub");
    name.into()
}

/// What speaks against a certificate by the clock here, and for `user` where one is given.
pub(super) fn flaw(certificate: &Certificate, now: SystemTime, user: Option<&str>) -> Option<KeyProblem> {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (begins, ends) = (certificate.valid_after(), certificate.valid_before());
    let [begins, ends] = [begins, ends].map(Duration::from_secs);
    let names = certificate.valid_principals();
    match user {
        _ if now >= ends => Some(KeyProblem::Ended(now - ends)),
        _ if now < begins => Some(KeyProblem::NotBegun(begins - now)),
        Some(user) if !names.is_empty() && !names.iter().any(|name| name == user) => {
            Some(KeyProblem::ForOthers(names.to_vec()))
        }
        _ => None,
    }
}

/// Reads the files of `CertificateFile`; what is no certificate comes back by name. Blocks.
pub(super) fn read_all(paths: &[PathBuf]) -> (Vec<(PathBuf, Certificate)>, Vec<PathBuf>) {
    let mut certificates = Vec::new();
    let mut others = Vec::new();
    for path in paths {
        match read(path) {
            Some(certificate) => certificates.push((path.clone(), certificate)),
            None => others.push(path.clone()),
        }
    }
    (certificates, others)
}

/// As ssh, a name without its `.pub` will do.
fn read(path: &Path) -> Option<Certificate> {
    ["", ".pub"].into_iter().find_map(|suffix| match beside(path, suffix)? {
        KeyFileText::Certificate(certificate) => Some(*certificate),
        _ => None,
    })
}
