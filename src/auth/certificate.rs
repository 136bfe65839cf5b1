//! Which user certificates (PROTOCOL.certkeys) are there? They are read from CertificateFile or found beside a key, and
//! offered before plain keys.
//!
//! The server decides whether a certificate is valid; here only those that can never be are left out.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use russh::keys::ssh_key::Certificate;
use russh::keys::ssh_key::certificate::CertType;

use super::error::KeyProblem;
use super::key_file::beside;
use super::pem::KeyFileText;

/// Whether it is a user certificate; host certificates prove hosts, not users.
pub(super) fn is_for_users(certificate: &Certificate) -> bool {
    certificate.cert_type() == CertType::User
}

/// The path of the certificate that belongs to a key file.
pub fn beside_key(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push("-cert.pub");
    name.into()
}

/// Why the certificate should be refused, by the local clock and, if given, for `user`.
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

/// Reads the files of `CertificateFile`; the paths of those that hold no certificate are returned as well. Blocks.
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

/// Reads one file. As with ssh, its name may be given without `.pub`.
fn read(path: &Path) -> Option<Certificate> {
    ["", ".pub"].into_iter().find_map(|suffix| match beside(path, suffix)? {
        KeyFileText::Certificate(certificate) => Some(*certificate),
        _ => None,
    })
}
