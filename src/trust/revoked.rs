//! `RevokedHostKeys`: a file of keys that are never accepted, whatever else is known of them.
//!
//! Main function: [`check`]. It runs before anything else is looked at, also for hosts whose key would not be. A key
//! revocation list (`ssh-keygen -k`) cannot be read by hop: the host is then refused, as for any file that cannot be
//! read, so that nothing revoked slips through.

use std::path::Path;

use russh::keys::ssh_key::PublicKey;
use russh::keys::ssh_key::public::KeyData;
use tokio::task::spawn_blocking;

use super::known_hosts::{fingerprint, name_of};
use super::{KnownAt, Lookup, Presented, TrustError};

/// How a key revocation list begins (`PROTOCOL.krl` §1).
const KRL_MAGIC: &[u8] = b"SSHKRL\n\0";

/// Refuses a key, or the authority of a certificate, that `lookup`'s file revokes.
pub(super) async fn check(lookup: &Lookup, presented: &Presented) -> Result<(), TrustError> {
    let Some(file) = lookup.revoked_keys.clone() else { return Ok(()) };
    let keys = suspects(presented);
    let read = spawn_blocking(move || find(&file, &keys).map_err(|source| TrustError::Read { file, source }));
    let found = read.await.unwrap_or_else(|error| {
        let file = lookup.revoked_keys.clone().unwrap_or_default();
        Err(TrustError::Read { file, source: std::io::Error::other(error) })
    })?;
    let Some(at) = found else { return Ok(()) };
    Err(TrustError::Revoked {
        host: lookup.name.as_known(),
        algorithm: name_of(presented.key_data()),
        fingerprint: fingerprint(presented.key_data()),
        at: Box::new(at),
    })
}

/// The key itself, and whoever signed for it.
fn suspects(presented: &Presented) -> Vec<KeyData> {
    match presented {
        Presented::Key(key) => vec![key.key_data().clone()],
        Presented::Certificate(certificate) => {
            vec![certificate.public_key().clone(), certificate.signature_key().clone()]
        }
    }
}

fn find(file: &Path, keys: &[KeyData]) -> std::io::Result<Option<KnownAt>> {
    let bytes = std::fs::read(file)?;
    if bytes.starts_with(KRL_MAGIC) {
        return Err(std::io::Error::other("it is a key revocation list, which hop cannot read; list the keys instead"));
    }
    let text = std::str::from_utf8(&bytes).map_err(std::io::Error::other)?;
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // ssh refuses every key when a line cannot be read
        let unreadable = |_| std::io::Error::other(format!("line {} is no public key", index + 1));
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
    use super::super::Name;
    use super::super::keys::public;
    use super::*;

    async fn verdict(content: Option<&[u8]>, presented: PublicKey) -> Result<(), TrustError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("revoked");
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let name = Name::Host { hostname: "h".into(), port: 22 };
        let lookup = Lookup { revoked_keys: Some(file), ..Lookup::new(name) };
        check(&lookup, &Presented::Key(presented)).await
    }

    #[tokio::test]
    async fn a_listed_key_is_refused_and_another_is_not() {
        let list = format!("# gone\n\n{}\n", public(1).to_openssh().unwrap());
        let refused = verdict(Some(list.as_bytes()), public(1)).await;
        assert!(matches!(&refused, Err(TrustError::Revoked { at, .. }) if at.line == 3), "{refused:?}");
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
