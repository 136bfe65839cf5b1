//! User certificates (PROTOCOL.certkeys): read from CertificateFile or found beside a key, offered before plain keys.
//!
//! The server decides whether a certificate is good; here only those that can never be are left out.

use std::path::{Path, PathBuf};

use russh::keys::ssh_key::Certificate;
use russh::keys::ssh_key::certificate::CertType;

use super::key_file::beside;
use super::pem::Look;

/// Host certificates prove hosts, not users.
pub(super) fn is_for_users(certificate: &Certificate) -> bool {
    certificate.cert_type() == CertType::User
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
        Look::Certificate(certificate) => Some(*certificate),
        _ => None,
    })
}
