//! What is this key file, and can it be used? For people who want to know before they log in.
//!
//! Main function: [`inspect`]. Nothing is decrypted and nobody is asked; the private half does not leave this file.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use russh::keys::ssh_key::{Algorithm, HashAlg, PublicKey};

use super::certificate::flaw;
use super::error::KeyProblem;
use super::key_file::{Secret, contents, opened, problem, public_beside, rsa_bits};
use super::pem::{self, KeyFileText};
use super::permissions;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// A private key, ready to sign.
    PrivateKey,
    /// A private key that needs its passphrase.
    EncryptedKey,
    /// A public key; an agent must hold the private half.
    PublicKey,
    /// A certificate in OpenSSH's format.
    Certificate,
    /// Nothing that can be used.
    Nothing,
}

/// What a key file tells without its passphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The file.
    pub file: PathBuf,
    /// What it holds.
    pub holds: Holds,
    /// `RSA`, `ED25519`, `ECDSA`, …; `None` if the key is encrypted and has no public key beside it.
    pub algorithm: Option<String>,
    /// The size of the key, in bits.
    pub bits: Option<usize>,
    /// `SHA256:…`
    pub fingerprint: Option<String>,
    /// The comment stored with the key, unchanged.
    pub comment: String,
    /// The user id of its owner.
    pub owner: Option<u32>,
    /// Its mode bits.
    pub mode: Option<u32>,
    /// Why it cannot be used.
    pub problem: Option<KeyProblem>,
}

impl Inspection {
    /// Whether a login can use the file, perhaps with a passphrase.
    pub fn is_fit(&self) -> bool {
        self.problem.is_none()
    }
}

/// Inspects a key file and the `.pub` beside it. Blocks.
pub fn inspect(path: &Path) -> Inspection {
    let mut found = Inspection {
        file: path.to_owned(),
        holds: Holds::Nothing,
        algorithm: None,
        bits: None,
        fingerprint: None,
        comment: String::new(),
        owner: None,
        mode: None,
        problem: None,
    };
    if let Ok(metadata) = path.metadata() {
        (found.owner, found.mode) = (Some(metadata.uid()), Some(metadata.mode() & 0o7777));
    }
    match contents(path) {
        Ok((bytes, descriptor)) => {
            found.take(pem::look(&bytes));
            if matches!(found.holds, Holds::PrivateKey | Holds::EncryptedKey) {
                found.problem = permissions::check(&descriptor).err();
            }
        }
        Err(problem) => found.problem = Some(problem),
    }
    found
}

impl Inspection {
    fn take(&mut self, look: KeyFileText) {
        match look {
            KeyFileText::Private(private) => {
                let (public, secret) = opened(&self.file, private);
                match secret {
                    Secret::Open(key) => {
                        self.holds = Holds::PrivateKey;
                        self.comment = key.comment().as_str_lossy().to_owned();
                    }
                    Secret::Locked(_) => self.holds = Holds::EncryptedKey,
                    Secret::Unusable(problem) => self.problem = Some(problem),
                }
                public.or_else(|| public_beside(&self.file)).iter().for_each(|public| self.describe(public));
            }
            KeyFileText::Public(public) => {
                self.holds = Holds::PublicKey;
                self.describe(&public);
            }
            KeyFileText::Certificate(certificate) => {
                self.holds = Holds::Certificate;
                self.problem = flaw(&certificate, SystemTime::now(), None);
                self.describe(&PublicKey::new(certificate.public_key().clone(), certificate.comment()));
            }
            KeyFileText::Unusable(unusable) => self.problem = Some(problem(&self.file, unusable)),
        }
    }

    fn describe(&mut self, public: &PublicKey) {
        let (name, bits) = match public.algorithm() {
            Algorithm::Rsa { .. } => ("RSA", rsa_bits(public)),
            Algorithm::Dsa => ("DSA", None),
            Algorithm::Ed25519 => ("ED25519", Some(256)),
            Algorithm::Ecdsa { curve } => ("ECDSA", curve.as_str().strip_prefix("nistp").and_then(|n| n.parse().ok())),
            Algorithm::SkEd25519 => ("ED25519-SK", Some(256)),
            Algorithm::SkEcdsaSha2NistP256 => ("ECDSA-SK", Some(256)),
            _ => ("other", None),
        };
        (self.algorithm, self.bits) = (Some(name.to_owned()), bits);
        self.fingerprint = Some(public.fingerprint(HashAlg::Sha256).to_string());
        if self.comment.is_empty() {
            self.comment = public.comment().as_str_lossy().to_owned();
        }
    }
}

/// Sets the mode of a key file that belongs to the caller to 0400.
///
/// # Errors
/// The system's error; a file that belongs to somebody else is refused and left alone.
pub fn close_to_others(path: &Path) -> io::Result<()> {
    let file = std::fs::File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.uid() != rustix::process::getuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "not a file of the caller's own"));
    }
    file.set_permissions(Permissions::from_mode(0o400))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        (folder, file)
    }

    #[test]
    fn what_is_no_key_says_what_it_is() {
        let (_folder, file) = written("<html>", 0o600);
        let found = inspect(&file);
        assert_eq!((found.holds, found.mode), (Holds::Nothing, Some(0o600)));
        assert_eq!(found.problem.unwrap().to_string(), "a web page, not a key");
        assert_eq!(inspect(Path::new("/nonexistent")).problem, Some(KeyProblem::Absent));
    }

    #[test]
    fn a_public_key_may_be_read_by_all() {
        let text = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMqOfSFmOsbqOJZCWLgJlJeRZW/oo1uCIr8kuMGDYtvC me\n";
        let (_folder, file) = written(text, 0o644);
        let found = inspect(&file);
        assert!(found.is_fit(), "{found:?}");
        assert_eq!((found.holds, found.bits, found.comment.as_str()), (Holds::PublicKey, Some(256), "me"));
    }

    #[test]
    fn closing_leaves_the_owner_alone_with_the_file() {
        let (_folder, file) = written("x", 0o664);
        close_to_others(&file).unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o400);
        assert!(close_to_others(file.parent().unwrap()).is_err());
    }
}
