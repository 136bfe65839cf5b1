//! The client's core: [`Client::start`], and requests on open files. Folders are
//! listed in [`super::open_directory`], requests on paths are in [`super::paths`], those that need an announced extension in
//! [`super::extended`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio_util::sync::DropGuard;

use super::attributes::Attributes;
use super::error::{SftpError, StatusCode};
use super::extensions::{Extension, Extensions};
use super::frame::Framer;
use super::greeting;
use super::limits::Limits;
use super::session::{Handle, OwnedResponse, SftpSession};
use super::stream::{Receive, Transmit};
use super::tasks::{self, Inbound, Outbound};
use super::wire::{Expect, Packet, Response, kind};

/// Fewest bytes that a READ asks for: what every server gives (§3).
const LEAST_READ: usize = 32 * 1024;

/// How to open a file (§6.3); combine with `|`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFlags(u32);

impl OpenFlags {
    /// For reading.
    pub const READ: OpenFlags = OpenFlags(0x01);
    /// For writing.
    pub const WRITE: OpenFlags = OpenFlags(0x02);
    /// Every write goes to the end.
    pub const APPEND: OpenFlags = OpenFlags(0x04);
    /// Make the file if there is none.
    pub const CREATE: OpenFlags = OpenFlags(0x08);
    /// Cut an existing file to nothing.
    pub const TRUNCATE: OpenFlags = OpenFlags(0x10);
    /// With `CREATE`: fail if there is one already. Some servers ignore it.
    pub const EXCLUSIVE: OpenFlags = OpenFlags(0x20);
}

impl std::ops::BitOr for OpenFlags {
    type Output = OpenFlags;
    fn bitor(self, other: OpenFlags) -> OpenFlags {
        OpenFlags(self.0 | other.0)
    }
}

/// What has moved so far, for a watchdog, which must not take an idle session for a stalled one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes sent on the stream.
    pub sent: u64,
    /// Bytes received from the stream.
    pub received: u64,
    /// Answers to requests; unlike bytes, a server cannot make these up.
    pub replies: u64,
    /// Requests without an answer yet.
    pub in_flight: usize,
}

/// A session, seen by a watchdog: it does not keep the session alive.
pub struct Watch {
    session: Arc<SftpSession>,
}

impl Watch {
    /// What has moved so far.
    pub fn progress(&self) -> Progress {
        let pulse = &self.session.pulse;
        Progress {
            sent: pulse.sent.load(Ordering::Relaxed),
            received: pulse.received.load(Ordering::Relaxed),
            replies: pulse.replies.load(Ordering::Relaxed),
            in_flight: self.session.in_flight(),
        }
    }

    /// Waits for the session's end.
    pub async fn ended(&self) {
        self.session.closed.cancelled().await;
    }

    /// Ends the session because nothing moved `for_so_long`.
    pub fn stalled(&self, for_so_long: Duration) {
        self.session.end(SftpError::Stalled(for_so_long));
    }
}

/// One SFTP session. Clones are cheap and share it; it ends with the last of them. All requests may run at the same
/// time; one that does not fit the session's budget waits. Dropping a request's future gives up the answer, not the act.
#[derive(Clone)]
pub struct Client {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub session: Arc<SftpSession>,
    pub extensions: Extensions,
    limits: Limits,
    round_trip: Option<Duration>,
    /// Most bytes that the server has shown to return for one READ.
    read_size: AtomicUsize,
    /// Bytes of the last short read; the second of the same length shrinks `read_size`.
    last_short: AtomicUsize,
    _ends_session: DropGuard,
}

impl Client {
    /// Greets the server and learns what it can do. Waits as long as the stream does; the caller sets a limit.
    ///
    /// # Errors
    /// [`SftpError::Protocol`] when what comes back is no SFTP greeting, [`SftpError::Unsupported`] below version 3,
    /// [`SftpError::Ended`] when the stream ends or fails.
    pub async fn start(mut receive: impl Receive, mut transmit: impl Transmit) -> Result<Client, SftpError> {
        let mut framer = Framer::default();
        // at once: a server without the subsystem says so and never opens its window for the first packet
        let ((), extensions) =
            tokio::try_join!(greeting::greet(&mut transmit), greeting::version(&mut receive, &mut framer))?;
        let (session, queue) = SftpSession::new();
        let ends_session = session.closed.clone().drop_guard();
        tasks::start(&session, Inbound { receive, framer }, Outbound { transmit, queue });
        let (limits, round_trip) = match extensions.has(Extension::Limits) {
            true => greeting::limits(&session).await.map(|(limits, took)| (limits, Some(took)))?,
            false => (Limits::default(), None),
        };
        let inner = Inner {
            session,
            extensions,
            limits,
            round_trip,
            read_size: AtomicUsize::new(limits.read),
            last_short: AtomicUsize::new(0),
            _ends_session: ends_session,
        };
        Ok(Client { inner: Arc::new(inner) })
    }

    /// What the server can do beyond version 3.
    pub fn extensions(&self) -> &Extensions {
        &self.inner.extensions
    }

    /// Most bytes a [`Client::read`] should ask for; shrinks when the server keeps returning less.
    pub fn max_read(&self) -> usize {
        self.inner.read_size.load(Ordering::Relaxed)
    }

    /// Most bytes a [`Client::write`] may carry.
    pub fn max_write(&self) -> usize {
        self.inner.limits.write
    }

    /// Most handles the server lets be open at once, where it says so.
    pub fn max_handles(&self) -> Option<u64> {
        self.inner.limits.handles
    }

    /// Round-trip time of one short request at the start of the session; `None` where there was nothing to ask.
    pub fn round_trip(&self) -> Option<Duration> {
        self.inner.round_trip
    }

    /// Whether the session has ended; every request fails from then on.
    pub fn is_closed(&self) -> bool {
        self.inner.session.closed.is_cancelled()
    }

    /// Waits for the session's end and tells the reason.
    pub async fn closed(&self) -> SftpError {
        self.inner.session.closed.cancelled().await;
        self.inner.session.reason()
    }

    /// Ends the session now: every request fails with [`SftpError::Ended`] and `reason`.
    pub fn abort(&self, reason: &str) {
        self.inner.session.end(SftpError::Ended(reason.to_owned()));
    }

    /// What has moved so far.
    pub fn progress(&self) -> Progress {
        self.watch().progress()
    }

    /// For a watchdog: sees the session without keeping it alive.
    pub fn watch(&self) -> Watch {
        Watch { session: Arc::clone(&self.inner.session) }
    }

    /// Opens a file; `attributes` are those of a file that is made (OPEN).
    ///
    /// # Errors
    /// As every request: [`SftpError::Status`] when the server refuses, [`SftpError::Protocol`] and
    /// [`SftpError::Ended`] when the session dies, [`SftpError::Unfit`] when it cannot be asked.
    pub async fn open(&self, path: &[u8], flags: OpenFlags, attributes: &Attributes) -> Result<Handle, SftpError> {
        self.handle(Packet::new(kind::OPEN).path(path)?.u32(flags.0).attributes(attributes)).await
    }

    /// Closes a file or folder; some servers report only now that writing failed (CLOSE).
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn close(&self, handle: Handle) -> Result<(), SftpError> {
        self.close_behind(&handle).await
    }

    /// Closes a file behind requests that are still under way: a server carries out the requests on one file in the
    /// order they came (§6.1), so writing and closing take one round trip together. The handle cannot be used
    /// afterwards.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn close_behind(&self, handle: &Handle) -> Result<(), SftpError> {
        let packet = Packet::new(kind::CLOSE).string(self.raw(handle)?);
        let share = self.inner.session.share(&packet, Expect::Status).await?;
        handle.release();
        done(self.inner.session.ask(packet, Expect::Status, share).await?)
    }

    /// Reads `len` bytes from `offset` on, fewer only where the file ends: what a short answer leaves out is asked for
    /// again (READ). `len` is at most what [`Client::max_read`] was at the start.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn read(&self, handle: &Handle, offset: u64, len: usize) -> Result<Bytes, SftpError> {
        if len > self.inner.limits.read || offset.checked_add(len as u64).is_none() {
            return Err(SftpError::Unfit("a read beyond the session's limits"));
        }
        if len == 0 {
            return Ok(Bytes::new());
        }
        match self.read_once(handle, offset, len).await? {
            Some(data) if data.len() < len => self.read_rest(handle, offset, data, len).await,
            Some(data) => Ok(data),
            None => Ok(Bytes::new()),
        }
    }

    /// Like [`Client::read`], but returns one answer of the server: some bytes, or `None` at the end of the file.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn read_some(&self, handle: &Handle, offset: u64, len: usize) -> Result<Option<Bytes>, SftpError> {
        self.read_once(handle, offset, len.min(self.inner.limits.read)).await
    }

    /// Reads on behind `first` until there are `len` bytes or the file ends.
    async fn read_rest(&self, handle: &Handle, offset: u64, first: Bytes, len: usize) -> Result<Bytes, SftpError> {
        let mut whole = BytesMut::with_capacity(len);
        let mut piece = first;
        loop {
            let short = piece.len();
            whole.extend_from_slice(&piece);
            let missing = len - whole.len();
            if missing == 0 {
                return Ok(whole.freeze());
            }
            let ask = missing.min(self.max_read());
            piece = match self.read_once(handle, offset + whole.len() as u64, ask).await? {
                Some(data) => data,
                None => return Ok(whole.freeze()),
            };
            if ask > short {
                self.note_short(short);
            }
        }
    }

    /// Notes a read that came back short though the file went on. Twice the same length is the server's limit, not
    /// chance.
    fn note_short(&self, length: usize) {
        const FLOOR: usize = 4 * 1024;
        let before = self.inner.last_short.swap(length, Ordering::Relaxed);
        if before == length {
            self.inner.read_size.fetch_min(length.max(FLOOR), Ordering::Relaxed);
        }
    }

    /// Sends one READ; `None` at the end of the file. Where the server announces none of OpenSSH's extensions, at least
    /// a block is asked for, however few bytes are wanted: GNU's lsh sends all the rest of the file when asked for
    /// less. Elsewhere exactly `len` bytes are asked for: a file that the system makes up would be made up anew for
    /// each byte read twice.
    async fn read_once(&self, handle: &Handle, offset: u64, len: usize) -> Result<Option<Bytes>, SftpError> {
        let extensions = &self.inner.extensions;
        let least = match extensions.has(Extension::Limits) || extensions.has(Extension::Fsync) {
            true => len,
            false => LEAST_READ.min(self.inner.limits.read),
        };
        let ask = len.max(least);
        let packet = Packet::new(kind::READ).string(self.raw(handle)?).u64(offset).u32(ask as u32);
        match self.reply(packet, Expect::Data(ask)).await? {
            Response::Data(data) => Ok(Some(data.slice(..len.min(data.len())))),
            Response::Refused { code: StatusCode::EOF, .. } => Ok(None),
            other => Err(other.refusal()),
        }
    }

    /// Writes `data` at `offset`; at most [`Client::max_write`] bytes (WRITE).
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn write(&self, handle: &Handle, offset: u64, data: Bytes) -> Result<(), SftpError> {
        if data.len() > self.max_write() || offset.checked_add(data.len() as u64).is_none() {
            return Err(SftpError::Unfit("a write beyond the session's limits"));
        }
        self.done(Packet::new(kind::WRITE).string(self.raw(handle)?).u64(offset).data(data)).await
    }

    /// Attributes of an open file (FSTAT).
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn fstat(&self, handle: &Handle) -> Result<Attributes, SftpError> {
        self.attributes(Packet::new(kind::FSTAT).string(self.raw(handle)?)).await
    }

    /// Sets attributes of an open file (FSETSTAT).
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn fsetstat(&self, handle: &Handle, attributes: &Attributes) -> Result<(), SftpError> {
        self.done(Packet::new(kind::FSETSTAT).string(self.raw(handle)?).attributes(attributes)).await
    }
}

/// The few kinds of request and answer.
impl Client {
    pub(super) fn raw<'a>(&self, handle: &'a Handle) -> Result<&'a Bytes, SftpError> {
        handle.raw(&self.inner.session)
    }

    async fn ask(&self, packet: Packet, expect: Expect) -> Result<OwnedResponse, SftpError> {
        let share = self.inner.session.share(&packet, expect).await?;
        self.inner.session.ask(packet, expect, share).await
    }

    pub(super) async fn reply(&self, packet: Packet, expect: Expect) -> Result<Response, SftpError> {
        self.ask(packet, expect).await?.plain()
    }

    pub(super) async fn done(&self, packet: Packet) -> Result<(), SftpError> {
        done(self.ask(packet, Expect::Status).await?)
    }

    pub(super) async fn attributes(&self, packet: Packet) -> Result<Attributes, SftpError> {
        match self.reply(packet, Expect::Attributes).await? {
            Response::Attributes(attributes) => Ok(attributes),
            other => Err(other.refusal()),
        }
    }

    /// The one name that answers REALPATH and its like.
    pub(super) async fn name(&self, packet: Packet) -> Result<Vec<u8>, SftpError> {
        match self.reply(packet, Expect::Name).await? {
            Response::Name(name) => Ok(name),
            other => Err(other.refusal()),
        }
    }

    pub(super) async fn handle(&self, packet: Packet) -> Result<Handle, SftpError> {
        match self.ask(packet, Expect::Handle).await? {
            OwnedResponse::Handle(handle) => Ok(handle),
            OwnedResponse::Plain(reply) => Err(reply.refusal()),
        }
    }
}

fn done(answer: OwnedResponse) -> Result<(), SftpError> {
    match answer.plain()? {
        Response::Done => Ok(()),
        other => Err(other.refusal()),
    }
}
