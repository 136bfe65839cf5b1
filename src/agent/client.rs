//! How is the user's agent asked? Over its socket: for its keys, and for a signature. Main type: [`AgentClient`], one
//! connection.
//!
//! Each request has a deadline. An identity that cannot be read is skipped; the others stay. A key is added where the user
//! wants it (`AddKeysToAgent`); none is removed or locked.

use std::io;
use std::path::Path;
use std::time::Duration;

use russh::keys::PrivateKey;
use russh::keys::key::parse_public_key;
use russh::keys::ssh_encoding::Encode as _;
use russh::keys::ssh_key::public::KeyData;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::wire::{FRAME_LENGTHS, Reply, Request, SessionBind, SignRequest, WireError};

/// How long an agent may take to accept a connection, to list its keys, or to answer a session-bind.
const PROMPTLY: Duration = Duration::from_secs(5);
/// How long an agent may take to sign: a person may have to touch a security key or confirm in a window.
const WITH_A_PERSON: Duration = Duration::from_secs(120);

/// Room for a private key with its comment, in bytes: what is written does not move, and is wiped where it was.
const LONGEST_KEY: usize = 16 * 1024;
/// The messages that add a key, and what they may say of its use.
const ADD_IDENTITY: u8 = 17;
const ADD_ID_CONSTRAINED: u8 = 25;
const CONSTRAIN_LIFETIME: u8 = 1;
const CONSTRAIN_CONFIRM: u8 = 2;

/// How a key that is added may be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Constraints {
    /// Seconds until the agent forgets it.
    pub lifetime: Option<u32>,
    /// The agent asks a person at each use.
    pub confirm: bool,
}

/// Why the agent did not do what it was asked.
#[derive(Debug, Error)]
pub enum AgentError {
    /// The socket cannot be reached, or the connection broke.
    #[error("agent: {0}")]
    Io(#[from] io::Error),
    /// No answer within this time.
    #[error("agent: no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// An answer that is not an agent message.
    #[error("agent: {0}")]
    Wire(#[from] WireError),
    /// A frame length out of bounds, in bytes.
    #[error("agent: frame of {0} bytes")]
    Frame(usize),
    /// The agent refused.
    #[error("agent refused the operation")]
    Refused,
    /// A well-formed message that does not answer the request.
    #[error("agent: answer to another question")]
    Unexpected,
    /// An earlier request was broken off: the rest of its answer may still be in the socket.
    #[error("agent: connection broken")]
    Broken,
}

/// One key of the agent that hop can read.
#[derive(Debug, Clone)]
pub struct AgentKey {
    /// The key, or the certificate.
    pub key: KeyData,
    /// The same bytes that the agent sent; a request for a signature names the key by them.
    pub blob: Vec<u8>,
    /// The agent's comment as text: invalid UTF-8 replaced, control characters removed, at most 256 characters.
    pub comment: String,
}

/// One connection to an agent.
#[derive(Debug)]
pub struct AgentClient {
    stream: UnixStream,
    state: Readiness,
}

#[derive(Debug, PartialEq)]
enum Readiness {
    Ready,
    /// A request is under way: if it is abandoned, its answer would be taken for that to the next request.
    Asking,
}

impl AgentClient {
    /// Connects to the agent's socket.
    pub async fn connect(socket: &Path) -> Result<AgentClient, AgentError> {
        let stream = in_time(PROMPTLY, async { Ok(UnixStream::connect(socket).await?) }).await?;
        Ok(AgentClient { stream, state: Readiness::Ready })
    }

    /// The agent's keys, in its order; those that cannot be read are left out.
    pub async fn identities(&mut self) -> Result<Vec<AgentKey>, AgentError> {
        match self.ask(&Request::Identities, PROMPTLY).await? {
            Reply::Identities(identities) => Ok(identities.into_iter().filter_map(readable).collect()),
            Reply::Failure => Err(AgentError::Refused),
            _ => Err(AgentError::Unexpected),
        }
    }

    /// A signature over `data` by the key `blob` (`string algorithm | string signature | …`, RFC 4253 §6.6); `flags` as
    /// in [`SignRequest`].
    pub async fn sign(&mut self, blob: &[u8], data: &[u8], flags: u32) -> Result<Vec<u8>, AgentError> {
        let request = Request::Sign(SignRequest { key: blob.to_vec(), data: data.to_vec(), flags });
        match self.ask(&request, WITH_A_PERSON).await? {
            Reply::Signature(signature) => Ok(signature),
            Reply::Failure | Reply::ExtensionFailure => Err(AgentError::Refused),
            _ => Err(AgentError::Unexpected),
        }
    }

    /// Tells the agent which SSH session this connection serves, so that keys restricted to a destination (`ssh-add
    /// -h`) can be used. Agents older than OpenSSH 8.9 refuse, which does no harm.
    pub async fn session_bind(&mut self, bind: SessionBind) -> Result<(), AgentError> {
        match self.ask(&Request::Bind(bind), PROMPTLY).await? {
            Reply::Success => Ok(()),
            Reply::Failure | Reply::ExtensionFailure => Err(AgentError::Refused),
            _ => Err(AgentError::Unexpected),
        }
    }

    /// Adds a key (PROTOCOL.agent; draft-miller-ssh-agent §3.2).
    pub async fn add(&mut self, key: &PrivateKey, comment: &str, constraints: Constraints) -> Result<(), AgentError> {
        let unfit = |error: russh::keys::ssh_encoding::Error| AgentError::Io(io::Error::other(error));
        let Constraints { lifetime, confirm } = constraints;
        let is_plain = lifetime.is_none() && !confirm;
        let mut message = Zeroizing::new(Vec::with_capacity(LONGEST_KEY));
        message.push(if is_plain { ADD_IDENTITY } else { ADD_ID_CONSTRAINED });
        key.key_data().encode(&mut *message).map_err(unfit)?;
        comment.encode(&mut *message).map_err(unfit)?;
        if let Some(seconds) = lifetime {
            message.push(CONSTRAIN_LIFETIME);
            message.extend(seconds.to_be_bytes());
        }
        if confirm {
            message.push(CONSTRAIN_CONFIRM);
        }
        match self.answer_to(&message, PROMPTLY).await? {
            Reply::Success => Ok(()),
            Reply::Failure | Reply::ExtensionFailure => Err(AgentError::Refused),
            _ => Err(AgentError::Unexpected),
        }
    }

    /// The connection itself, to relay the requests of another client; `None` if an answer is still due.
    pub fn into_stream(self) -> Option<UnixStream> {
        (self.state == Readiness::Ready).then_some(self.stream)
    }

    async fn ask(&mut self, request: &Request, limit: Duration) -> Result<Reply, AgentError> {
        self.answer_to(&request.encode(), limit).await
    }

    async fn answer_to(&mut self, message: &[u8], limit: Duration) -> Result<Reply, AgentError> {
        if std::mem::replace(&mut self.state, Readiness::Asking) == Readiness::Asking {
            return Err(AgentError::Broken);
        }
        let reply = in_time(limit, self.exchange(message)).await?;
        self.state = Readiness::Ready;
        Ok(Reply::parse(&reply)?)
    }

    async fn exchange(&mut self, message: &[u8]) -> Result<Vec<u8>, AgentError> {
        if !FRAME_LENGTHS.contains(&message.len()) {
            return Err(AgentError::Frame(message.len()));
        }
        // not one after the other in a new buffer: it may be a secret
        let length = u32::try_from(message.len()).map_err(|_| AgentError::Frame(message.len()))?;
        self.stream.write_all(&length.to_be_bytes()).await?;
        self.stream.write_all(message).await?;
        let length = self.stream.read_u32().await? as usize;
        if !FRAME_LENGTHS.contains(&length) {
            return Err(AgentError::Frame(length));
        }
        let mut reply = vec![0; length];
        self.stream.read_exact(&mut reply).await?;
        Ok(reply)
    }
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = Result<T, AgentError>>) -> Result<T, AgentError> {
    timeout(limit, work).await.unwrap_or(Err(AgentError::TimedOut(limit)))
}

fn readable(identity: super::wire::Identity) -> Option<AgentKey> {
    let key = parse_public_key(&identity.key).ok()?.key_data().clone();
    Some(AgentKey { key, comment: plain(&identity.comment), blob: identity.key })
}

/// An agent's text without control characters, at most 256 characters.
pub(super) fn plain(words: &[u8]) -> String {
    String::from_utf8_lossy(words).chars().filter(|character| !character.is_control()).take(256).collect()
}
