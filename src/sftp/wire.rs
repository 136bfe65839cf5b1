//! The packets of SFTP version 3 (draft-ietf-secsh-filexfer-02), as bytes: [`Packet`] builds a request, [`Response::parse`]
//! reads an answer. Pure; which request an answer belongs to is the session's business.

use bytes::{BufMut, Bytes, BytesMut};

use super::attributes::{Attributes, Entry};
use super::entries::Entries;
use super::error::{SftpError, StatusCode};
use super::fields::Fields;

/// Packet types (§3, and OpenSSH's `sftp.h`).
pub(super) mod kind {
    pub const INIT: u8 = 1;
    pub const VERSION: u8 = 2;
    pub const OPEN: u8 = 3;
    pub const CLOSE: u8 = 4;
    pub const READ: u8 = 5;
    pub const WRITE: u8 = 6;
    pub const LSTAT: u8 = 7;
    pub const FSTAT: u8 = 8;
    pub const SETSTAT: u8 = 9;
    pub const FSETSTAT: u8 = 10;
    pub const OPENDIR: u8 = 11;
    pub const READDIR: u8 = 12;
    pub const REMOVE: u8 = 13;
    pub const MKDIR: u8 = 14;
    pub const RMDIR: u8 = 15;
    pub const REALPATH: u8 = 16;
    pub const STAT: u8 = 17;
    pub const RENAME: u8 = 18;
    pub const READLINK: u8 = 19;
    pub const SYMLINK: u8 = 20;
    pub const STATUS: u8 = 101;
    pub const HANDLE: u8 = 102;
    pub const DATA: u8 = 103;
    pub const NAME: u8 = 104;
    pub const ATTRS: u8 = 105;
    pub const EXTENDED: u8 = 200;
    pub const EXTENDED_REPLY: u8 = 201;
}

/// Longest packet either side may send, after its length field: OpenSSH's `SFTP_MAX_MSG_LENGTH` and some slack.
pub(super) const PACKET_MAX: usize = 256 * 1024 + 1024;

/// Longest answer that carries neither data nor a listing, and the least a request weighs in the session's budget.
pub(super) const SMALL_REPLY: usize = 32 * 1024;

/// Longest path a request may carry; eight times Linux's `PATH_MAX`.
const PATH_MAX: usize = SMALL_REPLY;

/// Longest handle (§6.3).
const HANDLE_MAX: usize = 256;

/// Most of a status text that is kept.
const TEXT_MAX: usize = 1024;

/// DATA below this size is copied out, so that a few bytes do not keep a whole receive buffer alive.
const SLICED_FROM: usize = 16 * 1024;

/// A request as it goes onto the wire; `data` follows `head` and belongs to the same packet.
#[derive(Debug)]
pub(super) struct Frame {
    pub head: Bytes,
    pub data: Bytes,
}

/// A request under construction.
pub(super) struct Packet {
    head: BytesMut,
    data: Bytes,
}

impl Packet {
    /// Bytes before the fields: length, type, id.
    const HEADER: usize = 9;

    pub fn new(kind: u8) -> Packet {
        let mut head = BytesMut::with_capacity(64);
        head.put_u32(0);
        head.put_u8(kind);
        head.put_u32(0);
        Packet { head, data: Bytes::new() }
    }

    /// An extended request (§8).
    pub fn extended(name: &str) -> Packet {
        Packet::new(kind::EXTENDED).string(name.as_bytes())
    }

    pub fn u32(mut self, value: u32) -> Packet {
        self.head.put_u32(value);
        self
    }

    pub fn u64(mut self, value: u64) -> Packet {
        self.head.put_u64(value);
        self
    }

    pub fn string(mut self, bytes: &[u8]) -> Packet {
        self.head.put_u32(bytes.len() as u32);
        self.head.put_slice(bytes);
        self
    }

    /// A path: any bytes but NUL, at which servers written in C would cut it.
    pub fn path(self, path: &[u8]) -> Result<Packet, SftpError> {
        if path.contains(&0) {
            return Err(SftpError::Unfit("a path with a NUL byte"));
        }
        if path.len() > PATH_MAX {
            return Err(SftpError::Unfit("a path longer than 32 KiB"));
        }
        Ok(self.string(path))
    }

    pub fn attributes(mut self, attributes: &Attributes) -> Packet {
        attributes.encode(&mut self.head);
        self
    }

    /// The payload of a WRITE, the last field, without a copy.
    pub fn data(mut self, data: Bytes) -> Packet {
        self.head.put_u32(data.len() as u32);
        self.data = data;
        self
    }

    /// Bytes on the wire.
    pub fn len(&self) -> usize {
        self.head.len() + self.data.len()
    }

    /// Fills in length and id.
    pub fn seal(mut self, id: u32) -> Frame {
        let length = (self.len() - 4) as u32;
        self.head[..4].copy_from_slice(&length.to_be_bytes());
        self.head[5..Packet::HEADER].copy_from_slice(&id.to_be_bytes());
        Frame { head: self.head.freeze(), data: self.data }
    }

    /// The greeting: the version stands where other packets have their id (§4).
    pub fn init() -> Bytes {
        Packet::new(kind::INIT).seal(3).head
    }
}

/// What a request may be answered with, besides a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// Nothing but "ok".
    Status,
    /// A handle.
    Handle,
    /// At least one byte; what lies behind so many was not asked for, and is cut off.
    Data(usize),
    /// Exactly one name.
    Name,
    /// A part of a listing.
    Names,
    /// Attributes.
    Attributes,
    /// An extension's own fields.
    Extended,
}

impl Expect {
    /// Bytes that a good answer has.
    pub fn weight(self) -> usize {
        match self {
            Expect::Data(length) => SMALL_REPLY.max(length + Packet::HEADER),
            other => other.longest(),
        }
    }

    /// Longest packet that is read as an answer.
    pub fn longest(self) -> usize {
        match self {
            Expect::Names => PACKET_MAX,
            // some servers give a block whatever was asked for
            Expect::Data(length) => SMALL_REPLY.max(length) + Packet::HEADER,
            _ => SMALL_REPLY,
        }
    }

    fn kind(self) -> u8 {
        match self {
            Expect::Status => kind::STATUS,
            Expect::Handle => kind::HANDLE,
            Expect::Data(_) => kind::DATA,
            Expect::Name | Expect::Names => kind::NAME,
            Expect::Attributes => kind::ATTRS,
            Expect::Extended => kind::EXTENDED_REPLY,
        }
    }
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Response {
    Done,
    Refused { code: StatusCode, message: String },
    Handle(Bytes),
    Data(Bytes),
    Name(Vec<u8>),
    Names(Entries),
    Attributes(Attributes),
    Extended(Bytes),
}

impl Response {
    /// The type and id of a packet without its length field, and the rest of it.
    pub fn head(packet: Bytes) -> Result<(u8, u32, Fields), SftpError> {
        let mut fields = Fields::new(packet);
        Ok((fields.u8()?, fields.u32()?, fields))
    }

    /// The fields of an answer of type `kind` to a request that expects `expect`.
    pub fn parse(kind: u8, mut fields: Fields, expect: Expect) -> Result<Response, SftpError> {
        if kind == kind::STATUS {
            return Response::status(fields, expect);
        }
        if kind != expect.kind() {
            return Err(SftpError::Protocol(format!("a reply of type {kind} where {expect:?} was due")));
        }
        match expect {
            Expect::Status => Response::status(fields, expect),
            Expect::Handle => handle(fields.string()?).map(Response::Handle),
            Expect::Data(most) => data(fields.string()?, most).map(Response::Data),
            Expect::Name => one(Entry::decode_list(&mut fields)?),
            Expect::Names => Entries::decode(fields).map(Response::Names),
            Expect::Attributes => Attributes::decode(&mut fields).map(Response::Attributes),
            Expect::Extended => Ok(Response::Extended(fields.rest())),
        }
    }

    /// Text and language are missing from some servers' packets.
    fn status(mut fields: Fields, expect: Expect) -> Result<Response, SftpError> {
        let code = StatusCode(fields.u32()?);
        let text = match fields.left() {
            0 => Bytes::new(),
            _ => fields.string()?,
        };
        match (code, expect) {
            (StatusCode::OK, Expect::Status) => Ok(Response::Done),
            (StatusCode::OK, _) => Err(SftpError::Protocol(format!("\"ok\" where {expect:?} was due"))),
            _ => {
                let message = String::from_utf8_lossy(&text[..text.len().min(TEXT_MAX)]).into_owned();
                Ok(Response::Refused { code, message })
            }
        }
    }

    /// What to tell when this is not the good answer.
    pub fn refusal(self) -> SftpError {
        match self {
            Response::Refused { code, message } => SftpError::Status { code, message },
            other => SftpError::Protocol(format!("an unexpected reply: {other:?}")),
        }
    }
}

fn handle(handle: Bytes) -> Result<Bytes, SftpError> {
    match handle.len() {
        ..=HANDLE_MAX => Ok(Bytes::copy_from_slice(&handle)),
        length => Err(SftpError::Protocol(format!("a handle of {length} bytes; {HANDLE_MAX} are allowed"))),
    }
}

fn data(mut data: Bytes, most: usize) -> Result<Bytes, SftpError> {
    data.truncate(most);
    match data.len() {
        0 => Err(SftpError::Protocol("data of no length".into())),
        length if length < SLICED_FROM => Ok(Bytes::copy_from_slice(&data)),
        _ => Ok(data),
    }
}

fn one(names: Vec<Entry>) -> Result<Response, SftpError> {
    let count = names.len();
    match names.into_iter().next() {
        Some(entry) if count == 1 => Ok(Response::Name(entry.name)),
        _ => Err(SftpError::Protocol(format!("{count} names where one was due"))),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Buf;
    use proptest::prelude::*;

    use super::*;

    const EVERY: [Expect; 7] = [
        Expect::Status,
        Expect::Handle,
        Expect::Data(40),
        Expect::Name,
        Expect::Names,
        Expect::Attributes,
        Expect::Extended,
    ];

    fn parse(kind: u8, body: &[u8], expect: Expect) -> Result<Response, SftpError> {
        Response::parse(kind, Fields::new(Bytes::copy_from_slice(body)), expect)
    }

    /// A frame as one run of bytes, without the length field, which must be right.
    fn packet(frame: &Frame) -> Bytes {
        let mut whole = Bytes::from([&frame.head[..], &frame.data].concat());
        let length = whole.get_u32() as usize;
        assert_eq!(length, whole.len());
        whole
    }

    proptest! {
        #[test]
        fn what_a_request_prints_is_parsed_again(
            kind in any::<u8>(),
            id in any::<u32>(),
            path in proptest::collection::vec(1u8.., 0..100),
            (small, large) in any::<(u32, u64)>(),
            payload in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let request = Packet::new(kind).path(&path)?.u32(small).u64(large).data(Bytes::from(payload.clone()));
            let length = request.len();
            let frame = request.seal(id);
            prop_assert_eq!(length, frame.head.len() + frame.data.len());
            let (seen, its_id, mut fields) = Response::head(packet(&frame))?;
            prop_assert_eq!((seen, its_id), (kind, id));
            prop_assert_eq!(&fields.string()?[..], path);
            prop_assert_eq!((fields.u32()?, fields.u64()?), (small, large));
            prop_assert_eq!(&fields.string()?[..], payload);
            prop_assert_eq!(fields.left(), 0);
        }

        #[test]
        fn any_reply_is_read_or_refused(
            kind in prop_oneof![101u8..=105, Just(201), any::<u8>()],
            body in proptest::collection::vec(any::<u8>(), 0..120),
        ) {
            for expect in EVERY {
                match parse(kind, &body, expect) {
                    Ok(Response::Data(data)) => prop_assert!((1..=40).contains(&data.len())),
                    Ok(Response::Handle(raw)) => prop_assert!(raw.len() <= HANDLE_MAX),
                    Ok(Response::Refused { code, message }) => prop_assert!(code != StatusCode::OK && message.len() <= 3 * TEXT_MAX),
                    Ok(_) => {}
                    Err(error) => prop_assert!(error.ends_session(), "{error:?}"),
                }
            }
        }
    }

    #[test]
    fn every_answer_suits_its_own_question_only() {
        let bodies: [(u8, &[u8]); 5] = [
            (kind::HANDLE, b"\0\0\0\x01h"),
            (kind::DATA, b"\0\0\0\x01d"),
            (kind::NAME, b"\0\0\0\x01\0\0\0\x01n\0\0\0\0\0\0\0\0"),
            (kind::ATTRS, b"\0\0\0\0"),
            (kind::EXTENDED_REPLY, b"anything"),
        ];
        for (kind, body) in bodies {
            for expect in EVERY {
                let outcome = parse(kind, body, expect);
                assert_eq!(outcome.is_ok(), kind == expect.kind(), "{kind} for {expect:?}: {outcome:?}");
            }
        }
    }

    #[test]
    fn long_data_is_a_slice_and_short_data_a_copy() {
        for length in [SLICED_FROM - 1, SLICED_FROM] {
            let body = Bytes::from([&(length as u32).to_be_bytes()[..], &vec![7; length]].concat());
            let place = body[4..].as_ptr();
            let Ok(Response::Data(data)) = Response::parse(kind::DATA, Fields::new(body), Expect::Data(length)) else {
                panic!("{length} bytes of data are refused");
            };
            assert_eq!(data.as_ptr() == place, length >= SLICED_FROM);
        }
    }

    #[test]
    fn the_greeting_is_version_three() {
        assert_eq!(Packet::init()[..], [0, 0, 0, 5, kind::INIT, 0, 0, 0, 3]);
    }
}
