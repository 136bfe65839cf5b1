//! What does one identity file hold? It is read once, with the public key and the certificate beside it, and unlocked
//! when it is needed. Main type: [`KeyFile`]. Nobody is asked here; the caller brings the passphrase.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::keys::decode_secret_key;
use russh::keys::ssh_key::{self, Algorithm, Certificate, Cipher, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use super::error::KeyProblem;
use super::pem::{self, Format, KeyFileText, PrivateKeyText, REWRITE, Unusable};
use super::permissions;

/// The largest key file in bytes; the limit is ssh's (`authfile.c`, `MAX_KEY_FILE_SIZE`).
const MAX_LEN: u64 = 1024 * 1024;
/// The shortest RSA key that ssh accepts, in bits (`RequiredRSASize`).
const MIN_RSA_BITS: usize = 1024;

/// The contents of an identity file and the files beside it. Key material is wiped when dropped.
pub(super) struct KeyFile {
    pub path: PathBuf,
    /// The public half, if it is known without a passphrase.
    pub public: Option<PublicKey>,
    /// The certificate in `FILE-cert.pub`, or in the file itself.
    pub certificate: Option<Certificate>,
    /// The private half.
    pub private: Secret,
}

/// The private half of a key file.
pub(super) enum Secret {
    /// Ready to sign.
    Open(Arc<PrivateKey>),
    /// Needs its passphrase.
    Locked(Locked),
    /// Cannot be used.
    Unusable(KeyProblem),
}

/// An encrypted private key.
pub(super) struct Locked(PrivateKeyText);

/// Why a passphrase did not help.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unlock {
    Wrong,
    Problem(KeyProblem),
}

impl KeyFile {
    /// Reads `path`, `path.pub` and `path-cert.pub`; as with ssh, a certificate may be in either. Blocks.
    pub fn read(path: &Path) -> KeyFile {
        let mut file = KeyFile {
            path: path.to_owned(),
            public: None,
            certificate: ["-cert.pub", ".pub"].iter().find_map(|suffix| match beside(path, suffix)? {
                KeyFileText::Certificate(certificate) => Some(*certificate),
                _ => None,
            }),
            private: Secret::Unusable(KeyProblem::Absent),
        };
        match contents(path) {
            Ok((bytes, descriptor)) => file.take(pem::look(&bytes), &descriptor),
            Err(problem) => file.private = Secret::Unusable(problem),
        }
        file.public = file.public.take().or_else(|| public_beside(path));
        file
    }

    /// A file that could not be opened at all.
    pub fn unreadable(path: &Path, problem: &str) -> KeyFile {
        let private = Secret::Unusable(KeyProblem::Unreadable(problem.to_owned()));
        KeyFile { path: path.to_owned(), public: None, certificate: None, private }
    }

    fn take(&mut self, look: KeyFileText, descriptor: &File) {
        match look {
            KeyFileText::Private(private) => {
                let (public, secret) = opened(&self.path, private);
                self.public = public;
                self.private = permissions::check(descriptor).map_or_else(Secret::Unusable, |()| secret);
            }
            KeyFileText::Public(public) => {
                self.public = Some(public);
                self.private = only_public();
            }
            KeyFileText::Certificate(certificate) => {
                self.certificate = Some(*certificate);
                self.private = only_public();
            }
            KeyFileText::Unusable(unusable) => self.private = Secret::Unusable(problem(&self.path, unusable)),
        }
    }
}

fn only_public() -> Secret {
    Secret::Unusable(KeyProblem::Format {
        what: "a public key, and no agent holds its private half".into(),
        remedy: None,
    })
}

/// The contents of a key file, and the descriptor they were read from.
pub(super) fn contents(path: &Path) -> Result<(Zeroizing<Vec<u8>>, File), KeyProblem> {
    // opening a FIFO must not block
    let no_wait = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file = File::options().read(true).custom_flags(no_wait).open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(KeyProblem::Unreadable("not a regular file".into()));
    }
    if metadata.len() > MAX_LEN {
        return Err(KeyProblem::Unreadable(format!("{} bytes: too large for a key", metadata.len())));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(metadata.len() as usize + 1));
    (&file).take(MAX_LEN).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok((bytes, file))
}

fn unreadable(error: std::io::Error) -> KeyProblem {
    match error.kind() {
        ErrorKind::NotFound => KeyProblem::Absent,
        _ => KeyProblem::Unreadable(error.to_string()),
    }
}

/// Reads a file that holds only public data; `None` if it is missing or not usable.
pub(super) fn beside(path: &Path, suffix: &str) -> Option<KeyFileText> {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    contents(Path::new(&name)).ok().map(|(bytes, _)| pem::look(&bytes))
}

pub(super) fn public_beside(path: &Path) -> Option<PublicKey> {
    match beside(path, ".pub")? {
        KeyFileText::Public(public) => Some(public),
        _ => None,
    }
}

/// The public half, if it is known, and the private half.
pub(super) fn opened(path: &Path, private: PrivateKeyText) -> (Option<PublicKey>, Secret) {
    let (public, cipher) = seen_inside(&private);
    if cipher == Cipher::TdesCbc {
        let what = "an OpenSSH key encrypted with 3des-cbc".to_owned();
        return (public, Secret::Unusable(problem(path, Unusable { what, remedy: Some(REWRITE) })));
    }
    if private.encrypted || cipher != Cipher::None {
        return (public, Secret::Locked(Locked(private)));
    }
    match decode(path, &private, None) {
        Ok(key) => (Some(key.public_key().clone()), Secret::Open(Arc::new(key))),
        Err(Unlock::Wrong) => (None, Secret::Locked(Locked(private))),
        Err(Unlock::Problem(problem)) => (None, Secret::Unusable(problem)),
    }
}

/// The public key that OpenSSH's and PuTTY's formats store unencrypted, and the cipher that OpenSSH's format names.
fn seen_inside(private: &PrivateKeyText) -> (Option<PublicKey>, Cipher) {
    match private.format {
        Format::OpenSsh => match PrivateKey::from_openssh(private.text.as_str()) {
            Ok(key) => (Some(key.public_key().clone()), key.cipher()),
            Err(_) => (None, Cipher::None),
        },
        Format::Ppk => (ppk_public(&private.text), Cipher::None),
        Format::Traditional | Format::Pkcs8 => (None, Cipher::None),
    }
}

/// The `Public-Lines` of a PuTTY key.
fn ppk_public(text: &str) -> Option<PublicKey> {
    let algorithm = text.lines().next()?.split_once(": ")?.1;
    let mut lines = text.lines().skip_while(|line| !line.starts_with("Public-Lines:"));
    let count: usize = lines.next()?.split_once(':')?.1.trim().parse().ok()?;
    let base64: String = lines.take(count).collect();
    PublicKey::from_openssh(&format!("{algorithm} {base64}")).ok()
}

impl Locked {
    /// Decrypts the key. Blocks, since bcrypt and PBKDF2 are slow on purpose.
    pub fn unlock(&self, path: &Path, passphrase: &str) -> Result<PrivateKey, Unlock> {
        decode(path, &self.0, Some(passphrase))
    }
}

/// Decodes a key. `Unlock::Wrong` means that it is encrypted and this passphrase (or none) does not decrypt it.
fn decode(path: &Path, private: &PrivateKeyText, passphrase: Option<&str>) -> Result<PrivateKey, Unlock> {
    let key = match private.format {
        Format::OpenSsh => openssh(&private.text, passphrase).map_err(said),
        Format::Ppk => PrivateKey::from_ppk(private.text.as_str(), passphrase.map(str::to_owned)).map_err(said),
        Format::Traditional | Format::Pkcs8 => decode_secret_key(&private.text, passphrase).map_err(said),
    };
    match key {
        Ok(key) => usable(&key).map(|()| key).map_err(|unusable| Unlock::Problem(problem(path, unusable))),
        // ciphers that cannot be decrypted were excluded before; a wrong passphrase shows itself as bad padding, a bad
        // checksum, or nonsense that cannot be decoded
        Err(_) if passphrase.is_some() => Err(Unlock::Wrong),
        Err(said) => Err(Unlock::Problem(problem(path, undecoded(&said)))),
    }
}

fn openssh(text: &str, passphrase: Option<&str>) -> Result<PrivateKey, ssh_key::Error> {
    let key = PrivateKey::from_openssh(text)?;
    match passphrase {
        Some(passphrase) if key.is_encrypted() => key.decrypt(passphrase),
        _ => Ok(key),
    }
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn undecoded(said: &str) -> Unusable {
    Unusable { what: format!("a private key that cannot be decoded ({said})"), remedy: Some(REWRITE) }
}

fn usable(key: &PrivateKey) -> Result<(), Unusable> {
    let not = |what: String| Err(Unusable { what, remedy: None });
    match key.algorithm() {
        Algorithm::Dsa => not("a DSA key, which servers no longer take".into()),
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => {
            not("the handle of a security key: load it into an agent (ssh-add)".into())
        }
        Algorithm::Rsa { .. } => match rsa_bits(key.public_key()) {
            Some(bits) if bits < MIN_RSA_BITS => not(format!("an RSA key of {bits} bits: too short to be safe")),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

pub(super) fn rsa_bits(key: &PublicKey) -> Option<usize> {
    let modulus = key.key_data().rsa()?.n().as_positive_bytes()?;
    Some(modulus.len() * 8 - modulus.first()?.leading_zeros() as usize)
}

pub(super) fn problem(path: &Path, unusable: Unusable) -> KeyProblem {
    let file = quoted(&path.display().to_string());
    KeyProblem::Format { what: unusable.what, remedy: unusable.remedy.map(|remedy| remedy.replace("{}", &file)) }
}

/// The word quoted for a shell.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@%=:,".contains(&byte);
    match word.bytes().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
