//! `RevokedHostKeys`: which keys are never accepted, whatever else is known about them?
//!
//! Main function: [`check`]. It runs before any other check, even for hosts whose key is not checked otherwise. The
//! file holds public keys, one per line, or is a key revocation list (`krl.rs`). If it cannot be read the host is
//! refused, so that no revoked key slips through.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use russh::keys::ssh_key::PublicKey;
use russh::keys::ssh_key::public::KeyData;
use tokio::task::spawn_blocking;

use super::error::{KnownAt, Revoker, TrustError};
use super::known_hosts::{fingerprint, name_of};
use super::krl::{self, Certified, Suspect};
use super::lookup::Lookup;
use super::presented::Presented;

/// The largest file in bytes; the limit is ssh's.
const LONGEST_FILE: u64 = 128 << 20;

/// Refuses a key that the file in `lookup` revokes, and a certificate whose authority it revokes.
pub(super) async fn check(lookup: &Lookup, presented: &Presented) -> Result<(), TrustError> {
    let Some(file) = lookup.revoked_keys.clone() else { return Ok(()) };
    let suspect = presented.clone();
    let read = spawn_blocking(move || find(&file, &suspect).map_err(|source| TrustError::Read { file, source }));
    let found = read.await.unwrap_or_else(|error| {
        let file = lookup.revoked_keys.clone().unwrap_or_default();
        Err(TrustError::Read { file, source: io::Error::other(error) })
    })?;
    let Some(by) = found else { return Ok(()) };
    Err(TrustError::Revoked {
        host: lookup.name.as_known(),
        algorithm: name_of(presented.key_data()),
        fingerprint: fingerprint(presented.key_data()),
        by,
    })
}

fn find(file: &Path, presented: &Presented) -> io::Result<Option<Revoker>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    match bytes.starts_with(krl::MAGIC) {
        true => in_list(&bytes, presented).map(|revoked| revoked.then(|| Revoker::List(file.to_owned()))),
        false => in_lines(file, &bytes, &suspects(presented)).map(|at| at.map(|at| Revoker::Line(Box::new(at)))),
    }
}

fn in_list(bytes: &[u8], presented: &Presented) -> io::Result<bool> {
    let wire = |key: &KeyData| PublicKey::new(key.clone(), "").to_bytes().map_err(io::Error::other);
    let key = wire(presented.key_data())?;
    let revoked = match presented {
        Presented::Key(_) => krl::revokes(bytes, &Suspect { key: &key, certified: None }),
        Presented::Certificate(certificate) => {
            let authority = wire(certificate.signature_key())?;
            let (serial, key_id) = (certificate.serial(), certificate.key_id());
            let certified = Some(Certified { authority: &authority, serial, key_id });
            krl::revokes(bytes, &Suspect { key: &key, certified })
        }
    };
    revoked.map_err(io::Error::other)
}

/// The key itself, and the key that signed its certificate.
fn suspects(presented: &Presented) -> Vec<KeyData> {
    match presented {
        Presented::Key(key) => vec![key.key_data().clone()],
        Presented::Certificate(certificate) => {
            vec![certificate.public_key().clone(), certificate.signature_key().clone()]
        }
    }
}

fn in_lines(file: &Path, bytes: &[u8], keys: &[KeyData]) -> io::Result<Option<KnownAt>> {
    let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // ssh refuses every key if a line cannot be read
        let unreadable = |_| io::Error::other(format!("line {} is no public key", index + 1));
        let revoked = PublicKey::from_openssh(line).map_err(unreadable)?;
        if keys.contains(revoked.key_data()) {
            let (algorithm, fingerprint) = (name_of(revoked.key_data()), fingerprint(revoked.key_data()));
            return Ok(Some(KnownAt { file: file.to_owned(), line: index + 1, algorithm, fingerprint }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::lookup::LookupName;
    use crate::trust::test_keys::public;

    async fn verdict(content: Option<&[u8]>, presented: PublicKey) -> Result<(), TrustError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("revoked");
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let name = LookupName::Host { hostname: "h".into(), port: 22 };
        let lookup = Lookup { revoked_keys: Some(file), ..Lookup::new(name) };
        check(&lookup, &Presented::Key(presented)).await
    }

    #[tokio::test]
    async fn a_listed_key_is_refused_and_another_is_not() {
        let list = format!("# gone\n\n{}\n", public(1).to_openssh().unwrap());
        let refused = verdict(Some(list.as_bytes()), public(1)).await;
        assert!(
            matches!(&refused, Err(TrustError::Revoked { by: Revoker::Line(at), .. }) if at.line == 3),
            "{refused:?}"
        );
        assert!(verdict(Some(list.as_bytes()), public(2)).await.is_ok());
    }

    #[tokio::test]
    async fn what_cannot_be_read_refuses_every_key() {
        for content in [None, Some(&b"SSHKRL\n\0rest"[..]), Some(b"nonsense\n"), Some(b"\xff\xff\n")] {
            let refused = verdict(content, public(2)).await;
            assert!(matches!(refused, Err(TrustError::Read { .. })), "{content:?}: {refused:?}");
        }
    }
}
