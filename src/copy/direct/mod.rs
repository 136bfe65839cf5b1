//! Straight from one host to another: a host's own ssh carries the bytes, hop does the rest. [`Direct`] is one copy's
//! login from the source to the destination, or the other way round ([`Direction`]), signed by a lent agent (`lend`), and
//! what goes over it.
//!
//! Sources are walked, folders made, parts opened, measured and renamed by hop's own sessions, as for any copy. Only what
//! is in files goes from host to host: large ones in shares ([`stream`]), small ones many together ([`pack`]), both by
//! orders ([`script`]) to a program on the host that logs in ([`courier`]), which has one login open for all of them.

mod announced;
mod begin;
mod courier;
mod course;
mod growth;
mod links;
mod login;
mod pace;
mod pack;
mod put;
mod script;
mod staging;
mod stream;
mod willing;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{OnceCell, Semaphore};
use tokio::time::timeout;

use super::ends::side::Side;
use super::error::{Cause, CopyError};
use super::idle::IdleClock;
use super::name::Name;
use super::place::Place;
use super::route::Direction;
use super::task::freight::Freight;
use super::task::item::Item;
use super::task::so_far::SoFar;
use crate::agent::Account;
use crate::lend::{Auth, Closed, Loan};
use crate::progress::{Event, Observer, Stage};
use crate::sftp::{SftpError, StatusCode};
pub use begin::begin;
use courier::Answer;
use course::{Course, Engine};
pub use course::{Endurance, Extent};
use login::{Held, Login, Logins};
use pace::Pace;
use pack::Packing;
use staging::Staging;
pub use staging::clear as clear_staging;

/// Streams over the one login; sshd allows ten sessions a connection (`MaxSessions`).
const STREAMS: usize = 4;

/// How many looks a patience is divided into.
const LOOKS: u32 = 20;

/// The direct way between two hosts.
pub struct Direct {
    /// Which of the two has logged in.
    direction: Direction,
    engine: Engine,
    /// Nothing but a direct copy will do.
    is_insisted_on: bool,
    logins: Logins,
    clock: Arc<IdleClock>,
    /// Grows when anything moves.
    pulse: AtomicU64,
    /// Numbers of orders and links; no run begins where another did, for what a killed one has left stands under its own.
    numbers: AtomicU64,
    /// The folders that relative paths begin in: the source's and the destination's.
    homes: (OnceCell<Vec<u8>>, OnceCell<Vec<u8>>),
    streams: AtomicUsize,
    turns: Semaphore,
    pace: Pace,
    packing: Packing,
    staging: OnceCell<Option<Staging>>,
}

/// Whether a file went this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// It stands under its name.
    Here,
    /// It cannot go this way, which was said; nothing was written.
    NotHere,
}

/// What was lent for a copy, once it is over.
#[derive(Debug, Clone)]
pub struct Lent {
    /// Whose login.
    pub user: String,
    /// Where.
    pub destination: String,
    /// How well it was guarded: `A`, `B`, `C` or `D`.
    pub tier: String,
    /// `SHA256:…` of the pinned host key.
    pub fingerprint: String,
    /// What the login was made with.
    pub auth: Auth,
    /// What was signed and refused.
    pub account: Account,
    /// What could not be removed, in words.
    pub left: Option<String>,
}

impl Direct {
    /// Over a login that works.
    fn new(course: Course, login: Login, held: Held) -> Direct {
        Direct {
            direction: course.direction,
            engine: course.engine,
            is_insisted_on: course.is_insisted_on(),
            clock: Arc::clone(&course.endurance.watchers.clock),
            packing: Packing::of(course.engine),
            logins: Logins::new(course, login, held),
            pulse: AtomicU64::new(0),
            numbers: AtomicU64::new(somewhere()),
            homes: (OnceCell::new(), OnceCell::new()),
            streams: AtomicUsize::new(STREAMS),
            turns: Semaphore::new(STREAMS),
            pace: Pace::default(),
            staging: OnceCell::new(),
        }
    }

    /// Copies a file that is not empty, over as many logins as there may be.
    ///
    /// # Errors
    /// As [`Kind`](super::Kind) tells; [`Cause::SourceChanged`] when it is not that version any more.
    pub async fn carry(self: &Arc<Self>, freight: Freight<'_>, so_far: &mut SoFar) -> Result<Carried, CopyError> {
        loop {
            let number = self.logins.current().number;
            match self.attempt(freight, &mut *so_far).await {
                Err(error) if error.is_of_login() => {
                    self.logins.restore(error, number).await?;
                    // what waited for the old one has its links there
                    self.packing.give_up(number);
                }
                Err(error) if self.gives_way(freight, &error) => return Ok(Carried::NotHere),
                ended => return ended,
            }
        }
    }

    async fn attempt(self: &Arc<Self>, freight: Freight<'_>, so_far: &mut SoFar) -> Result<Carried, CopyError> {
        if self.engine == Engine::Puts {
            return put::carry(self, freight).await;
        }
        if pack::fits(freight) && self.packing.is_on() && pack::carry(self, freight).await? {
            return Ok(Carried::Here);
        }
        stream::carry(self, freight, so_far).await.map(|()| Carried::Here)
    }

    /// Ends the login within `limit`, and removes what small files arrived in; what was lent.
    pub async fn end(&self, limit: Duration) -> Lent {
        let emptied = async {
            let staging = self.staging.get()?.as_ref()?;
            let removed = timeout(limit, staging.remove()).await;
            // it is a part, which the next run removes
            (!matches!(removed, Ok(Ok(())))).then(|| staging.left())
        };
        let (left, mut lent) = tokio::join!(emptied, self.logins.end(limit));
        lent.left = lent.left.into_iter().chain(left).reduce(|one, other| format!("{one}; {other}"));
        lent
    }

    /// Gives an order when it is its turn, and waits for its answer, unless `watch` or nobody sees anything move.
    async fn order_and_watch(
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
                answer = login.courier.order(number, order(&login, number)) => answer,
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

    /// Something has moved.
    fn beat(&self) {
        self.pulse.fetch_add(1, Ordering::Relaxed);
        self.clock.moved();
    }

    /// Returns when nothing has moved for too long. Looks are counted: a run that was asleep has not waited.
    async fn stalled(&self) {
        let (mut last, mut looks) = (self.pulse.load(Ordering::Relaxed), 0);
        while looks < LOOKS {
            tokio::time::sleep(self.clock.timeout() / LOOKS).await;
            let now = self.pulse.load(Ordering::Relaxed);
            looks = if now == last { looks + 1 } else { 0 };
            last = now;
        }
    }

    /// A number that no other order or link has.
    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Streams that nobody uses.
    fn idle(&self) -> usize {
        self.turns.available_permits()
    }

    /// One stream less from now on; `false` when only one is left.
    fn leave_one(&self) -> bool {
        let less = |streams: usize| streams.checked_sub(1).filter(|left| *left > 0);
        self.streams.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// What an order's failure means.
    fn failed(&self, item: &Item, answer: &Answer) -> CopyError {
        let destination = &item.lanes.idlest().destination;
        match answer {
            Answer { status: SSH_FAILED.., .. } => self.of_login(item, Cause::StreamLost(answer.said())),
            Answer { words, .. } if words.contains("No space left") || words.contains("quota") => {
                destination.error(Stage::Transfer, &item.target, Cause::NoSpace)
            }
            // sftp(1)'s word for what has no code of its own, a full disk among it
            Answer { words, .. } if self.engine == Engine::Puts && words.ends_with("Failure") => {
                let status = SftpError::Status { code: StatusCode::FAILURE, message: String::new() };
                destination.error(Stage::Transfer, &item.target, Cause::Sftp(status))
            }
            answer => destination.error(Stage::Transfer, &item.target, Cause::Stream(answer.said())),
        }
    }

    /// What is wrong with the login, at the host that has it.
    fn of_login(&self, item: &Item, cause: Cause) -> CopyError {
        let lane = item.lanes.idlest();
        match self.direction {
            Direction::Push => lane.source.error(Stage::Transfer, &item.source, cause),
            Direction::Pull => lane.destination.error(Stage::Transfer, &item.target, cause),
        }
    }

    /// Asks for the folders that relative paths begin in, so that it need not be waited for later.
    async fn look_up_homes(&self, item: &Item) {
        // what fails here is told where it is needed
        let _ = tokio::join!(self.absolute_source(item), self.absolute_target(item, &item.target));
    }

    async fn absolute_source(&self, item: &Item) -> Result<Vec<u8>, CopyError> {
        absolute(&self.homes.0, &item.lanes.idlest().source, &item.source).await
    }

    async fn absolute_target(&self, item: &Item, place: &Place) -> Result<Vec<u8>, CopyError> {
        absolute(&self.homes.1, &item.lanes.idlest().destination, place).await
    }

    /// The folder that small files arrive in; `None` where none can be made.
    async fn staging(&self, Freight { item, means, .. }: Freight<'_>) -> Result<Option<&Place>, CopyError> {
        let staging = self.staging.get_or_try_init(|| Staging::make(item, means)).await?;
        Ok(staging.as_ref().map(|staging| &staging.place))
    }
}

impl Lent {
    /// What `loan` lends; nothing has come of it yet.
    fn of(loan: &Loan) -> Lent {
        Lent {
            user: loan.user().to_owned(),
            destination: loan.destination().to_owned(),
            tier: loan.tier().to_string(),
            fingerprint: loan.fingerprint().to_owned(),
            auth: loan.auth(),
            account: Account::default(),
            left: None,
        }
    }

    /// Adds what a loan has come to.
    fn add(&mut self, closed: Closed) {
        self.account.add(&closed.account);
        self.left = closed.left.map(|left| left.to_string()).or(self.left.take());
    }

    /// Says what was lent, and warns when somebody asked for more.
    pub fn tell(self, observer: &Arc<dyn Observer>) {
        let Lent { user, destination: host, tier, fingerprint, auth, account, left } = self;
        let (signatures, refused) = (account.signatures, account.refused());
        let is_ephemeral = auth == Auth::Ephemeral;
        if let Some(left) = left {
            observer.event(Event::Warning(left));
        }
        for (refusal, count) in &account.refusals {
            observer.event(Event::Detail(format!("agent: refused {count} times: {refusal}")));
        }
        observer.event(Event::Lent { user, host, tier, fingerprint, is_ephemeral, signatures, refused });
    }
}

/// From here on an exit status says that ssh failed itself (255, ssh(1)) or that a signal ended it.
const SSH_FAILED: u32 = 128;

/// Where a run's numbers begin: without random bytes at the time of day.
fn somewhere() -> u64 {
    let mut bytes = [0; 8];
    if getrandom::fill(&mut bytes).is_err() {
        bytes = SystemTime::now().duration_since(UNIX_EPOCH).map_or(bytes, |now| (now.as_nanos() as u64).to_be_bytes());
    }
    // room enough above it, and short words for a line of many
    u64::from_be_bytes(bytes) >> 16
}

fn numbered(number: u64) -> Name {
    Name::vet(number.to_string().as_bytes()).expect("digits are a name")
}

async fn absolute(home: &OnceCell<Vec<u8>>, side: &Side, place: &Place) -> Result<Vec<u8>, CopyError> {
    let path = place.path();
    if path.starts_with(b"/") {
        return Ok(path);
    }
    let home = home.get_or_try_init(|| async { side.real(&Place::typed(b".")).await }).await?;
    Ok([home, &b"/"[..], &path].concat())
}
