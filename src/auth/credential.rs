//! Which key can log in to a host again? [`Credential`]; and a key file as a signer, whichever login it is for.

use std::path::PathBuf;
use std::sync::Arc;

use russh::keys::ssh_key::HashAlg;
use russh::keys::ssh_key::public::KeyData;

use super::keyring::Keyring;
use crate::agent::signer::Signing;
use crate::agent::{KeySigner, SignError, Signer};

/// A key that logs in to a host all by itself, and can do so again.
#[derive(Clone)]
pub struct Credential {
    /// The key, or its certificate, in wire form (RFC 4253 §6.6).
    pub blob: Vec<u8>,
    /// Its name for people: a file, or `agent: COMMENT`.
    pub name: String,
    /// The signer that holds the private key.
    pub signer: Arc<dyn Signer>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A key file as a signer; it is unlocked for the first signature.
pub(super) struct FileSigner {
    pub keyring: Keyring,
    pub path: PathBuf,
    pub prompts: u32,
    /// The public key that was offered to the server.
    pub shown: KeyData,
}

impl Signer for FileSigner {
    fn sign<'a>(&'a self, data: &'a [u8], hash: Option<HashAlg>) -> Signing<'a> {
        Box::pin(async move {
            let unlocked = self.keyring.unlock(&self.path, self.prompts).await;
            let key = unlocked.map_err(|problem| SignError::Unavailable(problem.to_string()))?;
            if *key.public_key().key_data() != self.shown {
                return Err(SignError::Unavailable("not the key of the certificate".into()));
            }
            KeySigner(key).sign(data, hash).await
        })
    }
}
