//! What do the messages of the agent protocol look like as bytes? A [`Request`] comes from a client, a [`Reply`] from
//! an agent; each is encoded and parsed here, so that both ends agree (RFC 9987 §3; the extension is OpenSSH's
//! PROTOCOL.agent §1).
//!
//! Pure: no sockets, no keys. Key blobs and signatures stay opaque bytes. A message must parse to its last byte.

use std::ops::RangeInclusive;

use thiserror::Error;

/// The lengths a frame may announce, in bytes; any other ends the connection before a byte of the frame is stored.
pub const FRAME_LENGTHS: RangeInclusive<usize> = 1..=256 * 1024;
/// The most identities that OpenSSH's client reads from an agent (`authfd.c`, `MAX_AGENT_IDENTITIES`).
pub const MAX_IDENTITIES: usize = 2048;
/// The flag that asks for `rsa-sha2-256` (RFC 9987 §3.6.1).
pub const RSA_SHA2_256: u32 = 2;
/// The flag that asks for `rsa-sha2-512`.
pub const RSA_SHA2_512: u32 = 4;

const FAILURE: u8 = 5;
const SUCCESS: u8 = 6;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
const EXTENSION: u8 = 27;
const EXTENSION_FAILURE: u8 = 28;
const SESSION_BIND: &[u8] = b"session-bind@openssh.com";

/// Why bytes are not a message.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum WireError {
    /// The message ends inside a field.
    #[error("message cut short")]
    Short,
    /// Bytes follow the last field.
    #[error("bytes after the end of a message")]
    Trailing,
    /// A message type that this end does not expect.
    #[error("unexpected message type {0}")]
    Type(u8),
    /// More identities than are read.
    #[error("{0} identities announced")]
    TooMany(u32),
    /// A boolean that is neither 0 nor 1.
    #[error("byte {0} where a boolean belongs")]
    Boolean(u8),
    /// A login by another method than publickey.
    #[error("not a publickey login")]
    Method,
}

/// A request from a client to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Message 11: list the keys.
    Identities,
    /// Message 13: sign `data` with `key`.
    Sign(SignRequest),
    /// Message 27, `session-bind@openssh.com`: the connection serves this SSH session.
    Bind(SessionBind),
    /// Message 27 with another name: an extension that is not supported.
    Extension(Vec<u8>),
    /// A type that only adds, removes or locks keys, or an unknown one.
    Other(u8),
}

/// Message 13.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignRequest {
    /// The public key or certificate, as in RFC 4253 §6.6.
    pub key: Vec<u8>,
    /// The bytes to sign.
    pub data: Vec<u8>,
    /// [`RSA_SHA2_256`], [`RSA_SHA2_512`] or 0.
    pub flags: u32,
}

/// `session-bind@openssh.com` (PROTOCOL.agent §1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionBind {
    /// The server's host key.
    pub host_key: Vec<u8>,
    /// The exchange hash of the first key exchange.
    pub session_id: Vec<u8>,
    /// The host key's signature over the session id.
    pub signature: Vec<u8>,
    /// True when the connection will be forwarded through that session, false when it authenticates it.
    pub is_forwarding: bool,
}

/// An agent's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Message 5.
    Failure,
    /// Message 6.
    Success,
    /// Message 28: the extension is known and was refused.
    ExtensionFailure,
    /// Message 12.
    Identities(Vec<Identity>),
    /// Message 14: a signature as in RFC 4253 §6.6 (`string algorithm | string blob | …`).
    Signature(Vec<u8>),
}

/// One key of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The public key or certificate.
    pub key: Vec<u8>,
    /// The comment its owner gave it; not always UTF-8.
    pub comment: Vec<u8>,
}

impl Request {
    /// The message without its length.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Request::Identities => vec![REQUEST_IDENTITIES],
            Request::Sign(sign) => {
                MessageWriter::new(SIGN_REQUEST).string(&sign.key).string(&sign.data).u32(sign.flags).done()
            }
            Request::Bind(bind) => MessageWriter::new(EXTENSION)
                .string(SESSION_BIND)
                .string(&bind.host_key)
                .string(&bind.session_id)
                .string(&bind.signature)
                .byte(u8::from(bind.is_forwarding))
                .done(),
            Request::Extension(name) => MessageWriter::new(EXTENSION).string(name).done(),
            Request::Other(kind) => vec![*kind],
        }
    }

    /// Parses a message without its length. The contents of unknown extensions and other types are ignored.
    pub fn parse(message: &[u8]) -> Result<Request, WireError> {
        let mut reader = FieldReader(message);
        let request = match reader.byte()? {
            REQUEST_IDENTITIES => Request::Identities,
            SIGN_REQUEST => Request::Sign(SignRequest {
                key: reader.string()?.to_vec(),
                data: reader.string()?.to_vec(),
                flags: reader.u32()?,
            }),
            EXTENSION => match reader.string()? {
                SESSION_BIND => Request::Bind(session_bind(&mut reader)?),
                name => return Ok(Request::Extension(name.to_vec())),
            },
            kind => return Ok(Request::Other(kind)),
        };
        reader.end().map(|()| request)
    }
}

fn session_bind(reader: &mut FieldReader) -> Result<SessionBind, WireError> {
    Ok(SessionBind {
        host_key: reader.string()?.to_vec(),
        session_id: reader.string()?.to_vec(),
        signature: reader.string()?.to_vec(),
        is_forwarding: reader.boolean()?,
    })
}

impl Reply {
    /// The message without its length.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Reply::Failure => vec![FAILURE],
            Reply::Success => vec![SUCCESS],
            Reply::ExtensionFailure => vec![EXTENSION_FAILURE],
            Reply::Identities(identities) => {
                let writer = MessageWriter::new(IDENTITIES_ANSWER).u32(identities.len() as u32);
                identities.iter().fold(writer, |writer, id| writer.string(&id.key).string(&id.comment)).done()
            }
            Reply::Signature(signature) => MessageWriter::new(SIGN_RESPONSE).string(signature).done(),
        }
    }

    /// Parses a message without its length.
    pub fn parse(message: &[u8]) -> Result<Reply, WireError> {
        let mut reader = FieldReader(message);
        let reply = match reader.byte()? {
            FAILURE => Reply::Failure,
            SUCCESS => Reply::Success,
            EXTENSION_FAILURE => Reply::ExtensionFailure,
            IDENTITIES_ANSWER => Reply::Identities(identities(&mut reader)?),
            SIGN_RESPONSE => Reply::Signature(reader.string()?.to_vec()),
            kind => return Err(WireError::Type(kind)),
        };
        reader.end().map(|()| reply)
    }
}

fn identities(reader: &mut FieldReader) -> Result<Vec<Identity>, WireError> {
    let count = reader.u32()?;
    if count as usize > MAX_IDENTITIES {
        return Err(WireError::TooMany(count));
    }
    (0..count).map(|_| Ok(Identity { key: reader.string()?.to_vec(), comment: reader.string()?.to_vec() })).collect()
}

/// A message with its length in front, as sent over the socket.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(message.len() + 4);
    frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

/// Appends `value` as an SSH string (RFC 4251 §5): its length in four bytes, then its bytes.
pub fn put_string(out: &mut Vec<u8>, value: &[u8]) {
    out.extend_from_slice(&(value.len() as u32).to_be_bytes());
    out.extend_from_slice(value);
}

struct MessageWriter(Vec<u8>);

impl MessageWriter {
    fn new(kind: u8) -> MessageWriter {
        MessageWriter(vec![kind])
    }

    fn byte(mut self, value: u8) -> MessageWriter {
        self.0.push(value);
        self
    }

    fn u32(mut self, value: u32) -> MessageWriter {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    fn string(mut self, value: &[u8]) -> MessageWriter {
        put_string(&mut self.0, value);
        self
    }

    fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Reads the fields of RFC 4251 §5 from the front of a slice; nothing is copied, and no length is trusted.
#[derive(Debug, Clone, Copy)]
pub struct FieldReader<'a>(pub &'a [u8]);

impl<'a> FieldReader<'a> {
    /// A byte.
    pub fn byte(&mut self) -> Result<u8, WireError> {
        let (first, rest) = self.0.split_first().ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(*first)
    }

    /// A boolean: 0 or 1, nothing else.
    pub fn boolean(&mut self) -> Result<bool, WireError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(WireError::Boolean(other)),
        }
    }

    /// A 32-bit number, the most significant byte first.
    pub fn u32(&mut self) -> Result<u32, WireError> {
        let (number, rest) = self.0.split_first_chunk::<4>().ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*number))
    }

    /// A string: its length, then its bytes.
    pub fn string(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.u32()? as usize;
        let (string, rest) = self.0.split_at_checked(length).ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(string)
    }

    /// Checks that no bytes are left.
    pub fn end(self) -> Result<(), WireError> {
        if self.0.is_empty() { Ok(()) } else { Err(WireError::Trailing) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        vec(any::<u8>(), 0..40)
    }

    fn request() -> impl Strategy<Value = Request> {
        prop_oneof![
            Just(Request::Identities),
            (bytes(), bytes(), any::<u32>()).prop_map(|(key, data, flags)| Request::Sign(SignRequest {
                key,
                data,
                flags
            })),
            (bytes(), bytes(), bytes(), any::<bool>()).prop_map(|(host_key, session_id, signature, is_forwarding)| {
                Request::Bind(SessionBind { host_key, session_id, signature, is_forwarding })
            }),
            "[a-z]{1,9}".prop_map(|name| Request::Extension(name.into_bytes())),
        ]
    }

    fn reply() -> impl Strategy<Value = Reply> {
        let identity = (bytes(), bytes()).prop_map(|(key, comment)| Identity { key, comment });
        prop_oneof![
            Just(Reply::Failure),
            Just(Reply::Success),
            Just(Reply::ExtensionFailure),
            vec(identity, 0..6).prop_map(Reply::Identities),
            bytes().prop_map(Reply::Signature),
        ]
    }

    proptest! {
        #[test]
        fn what_is_encoded_parses_again(request in request(), reply in reply()) {
            prop_assert_eq!(Request::parse(&request.encode()), Ok(request));
            prop_assert_eq!(Reply::parse(&reply.encode()), Ok(reply));
        }

        #[test]
        fn a_cut_or_longer_message_is_refused(reply in reply(), cut in 1usize..9) {
            let whole = reply.encode();
            prop_assert!(Reply::parse(&whole[..whole.len().saturating_sub(cut)]).is_err());
            let longer = [whole, vec![0; cut]].concat();
            prop_assert_eq!(Reply::parse(&longer), Err(WireError::Trailing));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..200)) {
            if let Ok(request) = Request::parse(&bytes) {
                prop_assert!(bytes.starts_with(&request.encode()));
            }
            if let Ok(reply) = Reply::parse(&bytes) {
                prop_assert_eq!(reply.encode(), bytes);
            }
        }
    }

    #[test]
    fn counts_and_lengths_are_not_believed() {
        let lying_count = [&[IDENTITIES_ANSWER][..], &u32::MAX.to_be_bytes()].concat();
        assert_eq!(Reply::parse(&lying_count), Err(WireError::TooMany(u32::MAX)));
        let lying_length = [&[SIGN_RESPONSE][..], &u32::MAX.to_be_bytes(), b"x"].concat();
        assert_eq!(Reply::parse(&lying_length), Err(WireError::Short));
    }

    #[test]
    fn a_bind_with_trailing_bytes_or_an_odd_boolean_is_no_bind() {
        let bind = SessionBind { host_key: vec![1], session_id: vec![2], signature: vec![3], is_forwarding: false };
        let mut message = Request::Bind(bind).encode();
        message.push(0);
        assert_eq!(Request::parse(&message), Err(WireError::Trailing));
        message.pop();
        *message.last_mut().unwrap() = 7;
        assert_eq!(Request::parse(&message), Err(WireError::Boolean(7)));
    }
}
