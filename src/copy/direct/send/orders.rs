//! How is an order given? [`Orders`] waits for a free stream of the login, gives the order a number, and watches until
//! the answer comes whether anything moves. A failure is a fact about the file or about the login.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::{OnceCell, Semaphore};

use super::chunk_sizer::ChunkSizer;
use crate::copy::direct::remote::login::Login;
use crate::copy::direct::remote::remote_helper::Answer;
use crate::copy::direct::setup::attempt::Attempt;
use crate::copy::direct::setup::logins::{Held, Logins};
use crate::copy::direct::transport::{STREAMS, Transport};
use crate::copy::ends::side::Side;
use crate::copy::ends::watchdog;
use crate::copy::error::{Cause, CopyError};
use crate::copy::idle::IdleClock;
use crate::copy::place::Place;
use crate::copy::route::Direction;
use crate::copy::task::item::Item;
use crate::progress::Stage;
use crate::sftp::{SftpError, StatusCode};

/// Exit statuses from here on say that ssh itself failed (255, ssh(1)) or that a signal ended it.
pub const SSH_FAILED: u32 = 128;

/// The orders of one copy, over its logins.
pub struct Orders {
    /// Which of the two hosts has logged in.
    direction: Direction,
    /// What carries the bytes.
    pub transport: Transport,
    /// Whether the user accepts nothing but a direct copy.
    pub is_insisted_on: bool,
    /// The login in use, and how another is made when it is lost.
    pub logins: Logins,
    /// Decides how many bytes an order sends.
    pub chunk_sizer: ChunkSizer,
    clock: Arc<IdleClock>,
    /// Grows whenever anything moves.
    pulse: AtomicU64,
    /// The next number of an order or link. Each run begins at a number of its own, for links of a killed run may still
    /// be there.
    numbers: AtomicU64,
    /// The folders that relative paths begin in: the source's, then the destination's.
    homes: (OnceCell<Vec<u8>>, OnceCell<Vec<u8>>),
    streams: AtomicUsize,
    turns: Semaphore,
}

impl Orders {
    /// Gives orders over a login that works.
    pub fn new(attempt: Attempt, login: Login, held: Held) -> Orders {
        Orders {
            direction: attempt.direction,
            transport: attempt.transport,
            is_insisted_on: attempt.is_insisted_on(),
            clock: Arc::clone(&attempt.retry_policy.watchers.clock),
            logins: Logins::new(attempt, login, held),
            chunk_sizer: ChunkSizer::default(),
            pulse: AtomicU64::new(0),
            numbers: AtomicU64::new(somewhere()),
            homes: (OnceCell::new(), OnceCell::new()),
            streams: AtomicUsize::new(STREAMS),
            turns: Semaphore::new(STREAMS),
        }
    }

    /// Gives an order when a stream is free, and waits for its answer. Ends early when `watch` ends, or when nothing
    /// moves for the run's timeout.
    pub async fn order_and_watch(
        &self,
        item: &Item,
        order: impl Fn(&Login, u64) -> Vec<u8>,
        watch: impl Future<Output = CopyError>,
    ) -> Result<Answer, CopyError> {
        let mut watch = std::pin::pin!(watch);
        loop {
            // never closed, so never refused
            let turn = self.turns.acquire().await;
            let _waits = self.clock.waits();
            let (number, login) = (self.number(), self.logins.current());
            let answer = tokio::select! {
                biased;
                answer = login.helper.order(number, order(&login, number)) => answer,
                error = &mut watch => return Err(error),
                () = self.stalled() => return Err(self.of_login(item, Cause::StreamStalled(self.clock.timeout()))),
            };
            let answer = match answer {
                Ok(answer) if answer.status != 0 && login.far.is_shut(&answer.words) => {
                    return Err(self.of_login(item, Cause::StreamLost(answer.words)));
                }
                Ok(answer) => answer,
                Err(ended) => return Err(self.of_login(item, Cause::StreamLost(ended.said()))),
            };
            self.beat();
            let one_too_many = answer.status >= SSH_FAILED && answer.words.contains("refused");
            if !one_too_many || !self.leave_one() {
                return Ok(answer);
            }
            turn.into_iter().for_each(tokio::sync::SemaphorePermit::forget);
        }
    }

    /// Records that something has moved.
    pub fn beat(&self) {
        self.pulse.fetch_add(1, Ordering::Relaxed);
        self.clock.moved();
    }

    /// Returns when nothing has moved for the run's timeout.
    async fn stalled(&self) {
        watchdog::stalled(self.clock.timeout(), || Some(self.pulse.load(Ordering::Relaxed))).await;
    }

    /// A number that no other order or link has.
    pub fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Streams that are not in use.
    pub fn idle(&self) -> usize {
        self.turns.available_permits()
    }

    /// Gives up one stream for the rest of the copy; `false` when only one is left.
    fn leave_one(&self) -> bool {
        let less = |streams: usize| streams.checked_sub(1).filter(|left| *left > 0);
        self.streams.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// The error that a failed order's answer means.
    pub fn failed(&self, item: &Item, answer: &Answer) -> CopyError {
        let destination = &item.lanes.idlest().destination;
        match answer {
            Answer { status: SSH_FAILED.., .. } => self.of_login(item, Cause::StreamLost(answer.said())),
            Answer { words, .. } if words.contains("No space left") || words.contains("quota") => {
                destination.error(Stage::Transfer, &item.target, Cause::NoSpace)
            }
            // sftp(1)'s word for what has no code of its own, a full disk among it
            Answer { words, .. } if self.transport == Transport::Sftp && words.ends_with("Failure") => {
                let status = SftpError::Status { code: StatusCode::FAILURE, message: String::new() };
                destination.error(Stage::Transfer, &item.target, Cause::Sftp(status))
            }
            answer => destination.error(Stage::Transfer, &item.target, Cause::Stream(answer.said())),
        }
    }

    /// An error of the login, at the host that logged in.
    pub fn of_login(&self, item: &Item, cause: Cause) -> CopyError {
        let lane = item.lanes.idlest();
        match self.direction {
            Direction::Push => lane.source.error(Stage::Transfer, &item.source, cause),
            Direction::Pull => lane.destination.error(Stage::Transfer, &item.target, cause),
        }
    }

    /// Looks up the folders that relative paths begin in, so that nothing waits for them later.
    pub async fn look_up_homes(&self, item: &Item) {
        // what fails here is told where it is needed
        let _ = tokio::join!(self.absolute_source(item), self.absolute_target(item, &item.target));
    }

    pub async fn absolute_source(&self, item: &Item) -> Result<Vec<u8>, CopyError> {
        absolute(&self.homes.0, &item.lanes.idlest().source, &item.source).await
    }

    pub async fn absolute_target(&self, item: &Item, place: &Place) -> Result<Vec<u8>, CopyError> {
        absolute(&self.homes.1, &item.lanes.idlest().destination, place).await
    }
}

/// The first number of a run: random, or the time of day where no random bytes can be had.
fn somewhere() -> u64 {
    let mut bytes = [0; 8];
    if getrandom::fill(&mut bytes).is_err() {
        bytes = SystemTime::now().duration_since(UNIX_EPOCH).map_or(bytes, |now| (now.as_nanos() as u64).to_be_bytes());
    }
    // room enough above it, and short words for a line of many
    u64::from_be_bytes(bytes) >> 16
}

async fn absolute(home: &OnceCell<Vec<u8>>, side: &Side, place: &Place) -> Result<Vec<u8>, CopyError> {
    let path = place.path();
    if path.starts_with(b"/") {
        return Ok(path);
    }
    let home = home.get_or_try_init(|| async { side.real(&Place::typed(b".")).await }).await?;
    Ok([home, &b"/"[..], &path].concat())
}
