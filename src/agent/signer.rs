//! Who can sign with a key? [`KeySigner`] holds it in memory, [`AgentSigner`] asks an agent. Which key, for whom and
//! how often is decided by the caller, not here.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use russh::keys::signature::Signer as _;
use russh::keys::ssh_encoding::Encode as _;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::ssh_key::{HashAlg, PrivateKey, Signature};
use thiserror::Error;
use tokio::sync::Mutex;

use super::client::{AgentClient, AgentError, plain};
use super::wire::{FieldReader, RSA_SHA2_256, RSA_SHA2_512, SessionBind};

/// Why no signature was made.
#[derive(Debug, Error)]
pub enum SignError {
    /// The agent did not give one.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The agent signed with another algorithm than the requested one.
    #[error("agent signed with {0}")]
    Algorithm(String),
    /// The key is not available: a passphrase was not given, the file is gone, …
    #[error("{0}")]
    Unavailable(String),
    /// The key in memory cannot sign.
    #[error("cannot sign: {0}")]
    Key(String),
}

/// The future of a signature: `string algorithm | string blob | …` (RFC 4253 §6.6).
pub type Signing<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, SignError>> + Send + 'a>>;

/// One key that can sign.
pub trait Signer: Send + Sync {
    /// Signs `data`. `hash` matters to RSA keys only, where `None` means SHA-1 (`ssh-rsa`).
    fn sign<'a>(&'a self, data: &'a [u8], hash: Option<HashAlg>) -> Signing<'a>;

    /// Whether an agent holds this key for certain hosts only (`ssh-add -h`), and so signs nothing that it cannot tell
    /// is a login there.
    fn is_for_certain_hosts(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async { false })
    }
}

/// A key in memory.
pub struct KeySigner(pub Arc<PrivateKey>);

impl Signer for KeySigner {
    fn sign<'a>(&'a self, data: &'a [u8], hash: Option<HashAlg>) -> Signing<'a> {
        let (key, data) = (self.0.clone(), data.to_vec());
        Box::pin(async move {
            let signed = tokio::task::spawn_blocking(move || sign_with(&key, &data, hash)).await;
            signed.unwrap_or_else(|panic| Err(SignError::Key(panic.to_string())))
        })
    }
}

fn sign_with(key: &PrivateKey, data: &[u8], hash: Option<HashAlg>) -> Result<Vec<u8>, SignError> {
    let signature: Signature = match key.key_data() {
        KeypairData::Rsa(pair) => (pair, hash).try_sign(data),
        _ => key.try_sign(data),
    }
    .map_err(|error| SignError::Key(error.to_string()))?;
    let mut blob = Vec::new();
    signature.encode(&mut blob).map_err(|error| SignError::Key(error.to_string()))?;
    Ok(blob)
}

/// A key that stays in an agent.
pub struct AgentSigner {
    agent: Arc<Mutex<AgentClient>>,
    blob: Vec<u8>,
}

impl AgentSigner {
    /// The key that the agent lists as `blob`, over a connection that may be shared with other keys.
    pub fn new(agent: Arc<Mutex<AgentClient>>, blob: Vec<u8>) -> AgentSigner {
        AgentSigner { agent, blob }
    }
}

impl Signer for AgentSigner {
    fn sign<'a>(&'a self, data: &'a [u8], hash: Option<HashAlg>) -> Signing<'a> {
        Box::pin(async move {
            let signature = self.agent.lock().await.sign(&self.blob, data, flags(hash)).await?;
            as_asked(signature, hash)
        })
    }
}

/// A key that stays in an agent and is used over a new connection each time, so that none is left open in between.
pub struct AgentRelay {
    socket: PathBuf,
    blob: Vec<u8>,
}

impl AgentRelay {
    /// The key that the agent at `socket` lists as `blob`.
    pub fn new(socket: PathBuf, blob: Vec<u8>) -> AgentRelay {
        AgentRelay { socket, blob }
    }
}

impl Signer for AgentRelay {
    fn sign<'a>(&'a self, data: &'a [u8], hash: Option<HashAlg>) -> Signing<'a> {
        Box::pin(async move {
            let mut agent = AgentClient::connect(&self.socket).await?;
            as_asked(agent.sign(&self.blob, data, flags(hash)).await?, hash)
        })
    }

    /// An agent does not list a key for certain hosts to a connection that is bound to another host; so a host is made
    /// up here.
    fn is_for_certain_hosts(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async {
            let asked = async {
                let mut agent = AgentClient::connect(&self.socket).await.ok()?;
                agent.session_bind(bound_to_nobody()?).await.ok()?;
                let shown = agent.identities().await.ok()?;
                Some(!shown.iter().any(|key| key.blob == self.blob))
            };
            asked.await.unwrap_or(false)
        })
    }
}

/// A session-bind to a host that nobody knows (OpenSSH PROTOCOL.agent §1).
fn bound_to_nobody() -> Option<SessionBind> {
    let (mut seed, mut session_id) = ([0; 32], vec![0; 32]);
    getrandom::fill(&mut seed).and_then(|()| getrandom::fill(&mut session_id)).ok()?;
    let host = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
    let signature = sign_with(&host, &session_id, None).ok()?;
    let host_key = host.public_key().to_bytes().ok()?;
    Some(SessionBind { host_key, session_id, signature, is_forwarding: false })
}

/// Checks that the signature uses the requested hash: old agents ignore the flags and sign with SHA-1.
fn as_asked(signature: Vec<u8>, hash: Option<HashAlg>) -> Result<Vec<u8>, SignError> {
    let algorithm = FieldReader(&signature).string().map_err(AgentError::from)?;
    match (hash, algorithm) {
        (Some(HashAlg::Sha512), b"rsa-sha2-512") | (Some(HashAlg::Sha256), b"rsa-sha2-256") | (None, _) => {
            Ok(signature)
        }
        (_, other) => Err(SignError::Algorithm(plain(other))),
    }
}

fn flags(hash: Option<HashAlg>) -> u32 {
    match hash {
        Some(HashAlg::Sha512) => RSA_SHA2_512,
        Some(HashAlg::Sha256) => RSA_SHA2_256,
        _ => 0,
    }
}
