//! Which answer belongs to which request? [`SftpSession`] gives each request an id, a slot and a share of the budget,
//! and hands each answer to the future that waits for it. Two tasks move the bytes ([`super::tasks`]); what a request
//! means is the client's business.
//!
//! Requests leave in the order in which they were first asked for, even if they had to wait for the budget: a file that
//! is written, set and closed by requests under way together relies on it.
//!
//! A slot lives from its request to its answer, whether or not anything still waits: the server owes the answer, and a
//! handle that nothing waits for any more must be closed. A [`Handle`] belongs to its session. When the session ends,
//! every waiting request gets the reason.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::error::SftpError;
use super::wire::{Expect, Frame, Packet, Response, SMALL_REPLY, kind};

/// Most bytes in flight. Each request weighs what it sends or what may answer it, whichever is longer, and at least
/// [`SMALL_REPLY`], so that there are at most 512 requests.
pub(super) const BUDGET: usize = 16 * 1024 * 1024;

/// Bytes that a READDIR weighs: its answer has up to [`super::wire::PACKET_MAX`], and is kept as it came.
const LISTING_WEIGHT: usize = 512 * 1024;

/// Answers without a request that are ignored before the server counts as broken.
const STRAYS_MAX: u32 = 256;

/// An answer as its request gets it: a handle that is not taken closes itself.
pub(super) enum OwnedResponse {
    Handle(Handle),
    Plain(Response),
}

impl OwnedResponse {
    /// The answer to a request that opens nothing.
    pub fn plain(self) -> Result<Response, SftpError> {
        match self {
            OwnedResponse::Plain(reply) => Ok(reply),
            OwnedResponse::Handle(_) => Err(SftpError::Protocol("a handle that was not asked for".into())),
        }
    }
}

/// What a request needs to be sent.
pub(super) struct BudgetShare {
    room: OwnedSemaphorePermit,
    turn: OwnedSemaphorePermit,
}

struct RequestSlot {
    expect: Expect,
    answer: oneshot::Sender<Result<OwnedResponse, SftpError>>,
    /// The share of the budget, returned when the slot goes.
    _share: Option<OwnedSemaphorePermit>,
}

#[derive(Default)]
struct Table {
    slots: HashMap<u32, RequestSlot>,
    next: u32,
    strays: u32,
    ended: Option<SftpError>,
}

impl Table {
    /// An id that no request in flight has; there are far fewer slots than ids.
    fn free_id(&mut self) -> u32 {
        while self.slots.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        let id = self.next;
        self.next = id.wrapping_add(1);
        id
    }
}

/// Counters for a watchdog.
#[derive(Default)]
pub(super) struct Pulse {
    pub sent: AtomicU64,
    pub received: AtomicU64,
    pub replies: AtomicU64,
}

pub(super) struct SftpSession {
    table: Mutex<Table>,
    queue: mpsc::UnboundedSender<Frame>,
    budget: Arc<Semaphore>,
    /// Keeps the order in which requests wait for the budget and are sent.
    turns: Arc<Semaphore>,
    /// Set when the session has ended, or its last client has gone.
    pub closed: CancellationToken,
    pub pulse: Pulse,
}

impl SftpSession {
    /// A session and the queue its writer empties. The queue is bounded by the budget.
    pub fn new() -> (Arc<SftpSession>, mpsc::UnboundedReceiver<Frame>) {
        let (queue, frames) = mpsc::unbounded_channel();
        let session = SftpSession {
            table: Mutex::default(),
            queue,
            budget: Arc::new(Semaphore::new(BUDGET)),
            turns: Arc::new(Semaphore::new(1)),
            closed: CancellationToken::new(),
            pulse: Pulse::default(),
        };
        (Arc::new(session), frames)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // nothing panics while it holds the table; and if something did, the table would still be whole
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn and a share of the budget; the future may be dropped at any time. Others wait until the share
    /// is used or dropped.
    pub async fn share(&self, packet: &Packet, expect: Expect) -> Result<BudgetShare, SftpError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| self.reason())?;
        let weight = match expect {
            Expect::Names => LISTING_WEIGHT,
            _ => packet.len().max(expect.weight()).max(SMALL_REPLY),
        };
        let weight = u32::try_from(weight.min(BUDGET)).expect("the budget is below 4 GiB");
        let room = Arc::clone(&self.budget).acquire_many_owned(weight).await.map_err(|_| self.reason())?;
        Ok(BudgetShare { room, turn })
    }

    /// Queues a request and waits for its answer.
    pub async fn ask(&self, packet: Packet, expect: Expect, share: BudgetShare) -> Result<OwnedResponse, SftpError> {
        let answer = self.begin(packet, expect, share)?;
        answer.await.unwrap_or_else(|_| Err(self.reason()))
    }

    /// Queues a request; a caller that does not need its answer drops it.
    pub fn begin(&self, packet: Packet, expect: Expect, share: BudgetShare) -> Result<PendingResponse, SftpError> {
        let BudgetShare { room, turn } = share;
        let answer = self.queue(packet, expect, Some(room));
        drop(turn);
        answer
    }

    /// Closes a handle that nothing holds any more, outside the budget: the request cannot wait, and it is short.
    pub fn close_unattended(&self, handle: &Bytes) {
        // a session that has ended has no open handles
        let _ = self.queue(Packet::new(kind::CLOSE).string(handle), Expect::Status, None);
    }

    fn queue(
        &self,
        packet: Packet,
        expect: Expect,
        share: Option<OwnedSemaphorePermit>,
    ) -> Result<PendingResponse, SftpError> {
        let (answer, waiting) = oneshot::channel();
        let mut table = self.table();
        if let Some(reason) = &table.ended {
            return Err(reason.clone());
        }
        let id = table.free_id();
        table.slots.insert(id, RequestSlot { expect, answer, _share: share });
        // fails only once the writer has gone, and then the session ends and tells so
        let _ = self.queue.send(packet.seal(id));
        Ok(waiting)
    }

    /// Hands a packet to its request. An error ends the session.
    pub fn deliver(self: &Arc<Self>, packet: Bytes) -> Result<(), SftpError> {
        let length = packet.len();
        let (kind, id, fields) = Response::head(packet)?;
        let Some(slot) = self.take(id)? else { return Ok(()) };
        let reply = match length <= slot.expect.longest() {
            true => Response::parse(kind, fields, slot.expect),
            false => Err(SftpError::Protocol(format!("a reply of {length} bytes where {:?} was due", slot.expect))),
        };
        let (answer, verdict) = match reply {
            Ok(Response::Handle(raw)) => (Ok(OwnedResponse::Handle(Handle::new(raw, Arc::clone(self)))), Ok(())),
            Ok(reply) => (Ok(OwnedResponse::Plain(reply)), Ok(())),
            Err(error) => (Err(error.clone()), Err(error)),
        };
        self.pulse.replies.fetch_add(1, Ordering::Relaxed);
        // comes back when nobody waits any more, and a handle in it closes itself
        drop(slot.answer.send(answer));
        verdict
    }

    /// The slot of `id`; `None` for an answer without a request.
    fn take(&self, id: u32) -> Result<Option<RequestSlot>, SftpError> {
        let mut table = self.table();
        if let Some(slot) = table.slots.remove(&id) {
            return Ok(Some(slot));
        }
        table.strays += 1;
        match table.strays > STRAYS_MAX {
            true => Err(SftpError::Protocol(format!("more than {STRAYS_MAX} replies to no request"))),
            false => Ok(None),
        }
    }

    /// Ends the session: every request in flight or to come fails with `reason`. The first reason is kept.
    pub fn end(&self, reason: SftpError) {
        let slots = {
            let mut table = self.table();
            if table.ended.is_some() {
                return;
            }
            table.ended = Some(reason.clone());
            std::mem::take(&mut table.slots)
        };
        self.turns.close();
        self.budget.close();
        self.closed.cancel();
        for slot in slots.into_values() {
            // nobody may be waiting
            let _ = slot.answer.send(Err(reason.clone()));
        }
    }

    /// Why the session has ended.
    pub fn reason(&self) -> SftpError {
        self.table().ended.clone().unwrap_or_else(|| SftpError::Ended("closed here".into()))
    }

    /// Requests without an answer yet.
    pub fn in_flight(&self) -> usize {
        self.table().slots.len()
    }
}

/// An answer that is awaited.
pub(super) type PendingResponse = oneshot::Receiver<Result<OwnedResponse, SftpError>>;

/// The server's name for an open file or folder: opaque bytes. Dropping it closes it without waiting; only
/// [`super::Client::close`] tells whether closing went well.
pub struct Handle {
    raw: Bytes,
    session: Arc<SftpSession>,
    is_open: AtomicBool,
}

impl Handle {
    fn new(raw: Bytes, session: Arc<SftpSession>) -> Handle {
        Handle { raw, session, is_open: AtomicBool::new(true) }
    }

    /// The bytes, for a request of the same session: in another session they would name another file.
    pub(super) fn raw(&self, session: &Arc<SftpSession>) -> Result<&Bytes, SftpError> {
        match Arc::ptr_eq(&self.session, session) {
            true => Ok(&self.raw),
            false => Err(SftpError::Unfit("a handle of another session")),
        }
    }

    /// Whether it has not been closed yet.
    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Leaves closing it to the caller.
    pub(super) fn release(&self) {
        self.is_open.store(false, Ordering::Relaxed);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if *self.is_open.get_mut() {
            self.session.close_unattended(&self.raw);
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.raw.escape_ascii())
    }
}
