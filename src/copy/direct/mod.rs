//! Straight from one host to another: a host's own ssh carries the bytes, hop does the rest. [`Direct`] is one copy's
//! login from the source to the destination, or the other way round ([`Direction`]), signed by a lent agent (`lend`), and
//! what goes over it.
//!
//! Sources are walked, folders made, parts opened, measured and renamed by hop's own sessions, as for any copy. Only what
//! is in files goes from host to host: large ones in shares ([`stream`]), small ones many together ([`pack`]), both by
//! orders ([`script`]) to a program on the host that logs in ([`courier`]), which has one login open for all of them.

mod begin;
mod courier;
mod links;
mod obstacle;
mod pace;
mod pack;
mod script;
mod stream;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore};
use tokio::time::timeout;

use super::error::{Cause, CopyError};
use super::item::Item;
use super::ledger::Started;
use super::name::Name;
use super::part::{self, Id};
use super::place::Place;
use super::remote::Remote;
use super::route::Direction;
use super::run::Means;
use super::side::{Links, Side};
use crate::agent::Account;
use crate::lend::{Auth, Loan};
use crate::progress::Stage;
use crate::sftp::{Attributes, FileKind};
pub use begin::{Extent, Terms, begin};
use courier::{Answer, Courier};
use links::LinkFolder;
pub use obstacle::Obstacle;
use pace::Pace;
use pack::Packing;
use script::{Far, Ready};

/// Streams over the one login; sshd allows ten sessions a connection (`MaxSessions`).
const STREAMS: usize = 4;

/// How long the end of it may take, in two steps.
const ENDING: Duration = Duration::from_secs(5);

/// The direct way between two hosts.
pub struct Direct {
    /// Which of the two has logged in, and how the other is told what to do.
    far: Far,
    courier: Courier,
    /// The folder at the source where links to small files are made; `None` where they cannot be packed.
    links: Option<Vec<u8>>,
    /// Taken when it is over; with it the folder of links, where it has one of its own.
    loan: Mutex<Option<(Loan, Option<LinkFolder>)>>,
    /// The folders that relative paths begin in: the source's and the destination's.
    homes: (OnceCell<Vec<u8>>, OnceCell<Vec<u8>>),
    streams: AtomicUsize,
    turns: Semaphore,
    pace: Pace,
    packing: Packing,
    staging: OnceCell<Option<Staging>>,
}

/// What was lent for a copy, once it is over.
#[derive(Debug)]
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

/// A folder of the destination that small files arrive in.
struct Staging {
    place: Place,
    remote: Remote,
}

impl Direct {
    /// Over a courier that is ready.
    fn new(far: Far, (courier, ready): (Courier, Ready), loan: (Loan, Option<LinkFolder>)) -> Direct {
        let links = match far.direction() {
            Direction::Push => Some([&ready.folder[..], b"/", script::LINKS.as_bytes()].concat()),
            Direction::Pull => loan.1.as_ref().map(|links| links.folder().to_vec()),
        };
        Direct {
            far,
            courier,
            links: links.filter(|_| ready.packs),
            loan: Mutex::new(Some(loan)),
            homes: (OnceCell::new(), OnceCell::new()),
            streams: AtomicUsize::new(STREAMS),
            turns: Semaphore::new(STREAMS),
            pace: Pace::default(),
            packing: Packing::default(),
            staging: OnceCell::new(),
        }
    }

    /// Copies this `version` of a file that is not empty.
    ///
    /// # Errors
    /// As [`Kind`](super::Kind) tells; [`Cause::SourceChanged`] when it is not that version any more.
    pub async fn carry(
        self: &Arc<Self>,
        means: &Means,
        what: (&Item, Links),
        version: &Attributes,
        started: &Arc<Started>,
    ) -> Result<(), CopyError> {
        started.begin_at(0);
        let is_plain = !means.care.verify && !means.care.fsync;
        match is_plain && version.size.unwrap_or(0) <= pack::PACKED && self.packing.is_on() {
            true => pack::carry((means, self), what, version, started).await,
            false => stream::carry((means, self), what, version, started).await,
        }
    }

    /// Ends the courier and its login, and removes what small files arrived in; what was lent.
    pub async fn end(&self) -> Option<Lent> {
        if let Some(Some(staging)) = self.staging.get() {
            // what cannot be removed is a part, which the next run takes over
            let _ = timeout(ENDING, staging.remove()).await;
        }
        // a courier that does not end by itself ends with its connection
        let _ = timeout(ENDING, self.courier.end()).await;
        let (loan, links) = self.loan.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        if let Some(links) = links {
            links.remove().await;
        }
        let (user, destination) = (loan.user().to_owned(), loan.destination().to_owned());
        let (tier, fingerprint) = (loan.tier().to_string(), loan.fingerprint().to_owned());
        let (auth, closed) = (loan.auth(), loan.close().await);
        let left = closed.left.map(|left| left.to_string());
        Some(Lent { user, destination, tier, fingerprint, auth, account: closed.account, left })
    }

    /// Gives an order when it is its turn, and waits for its answer.
    async fn order(&self, item: &Item, order: impl Fn(u64) -> Vec<u8>) -> Result<Answer, CopyError> {
        loop {
            // never closed, so never refused
            let turn = self.turns.acquire().await;
            let number = self.courier.number();
            let answer = match self.courier.order(number, order(number)).await {
                Ok(answer) => answer,
                Err(ended) => return Err(self.lost(item, ended.words)),
            };
            let one_too_many = answer.status >= SSH_FAILED && answer.words.contains("refused");
            if !one_too_many || !self.leave_one() {
                return Ok(answer);
            }
            turn.into_iter().for_each(tokio::sync::SemaphorePermit::forget);
        }
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
            Answer { status: SSH_FAILED.., words, .. } => self.lost(item, words.clone()),
            Answer { words, .. } if words.contains("No space left") || words.contains("quota") => {
                destination.error(Stage::Transfer, &item.target, Cause::NoSpace)
            }
            Answer { words, status, .. } => {
                let said = if words.is_empty() { format!("exit status {status}") } else { words.clone() };
                destination.error(Stage::Transfer, &item.target, Cause::Stream(said))
            }
        }
    }

    fn lost(&self, item: &Item, words: String) -> CopyError {
        let lane = item.lanes.idlest();
        let cause = Cause::StreamLost(words);
        match self.far.direction() {
            Direction::Push => lane.source.error(Stage::Transfer, &item.source, cause),
            Direction::Pull => lane.destination.error(Stage::Transfer, &item.target, cause),
        }
    }

    async fn absolute_source(&self, item: &Item) -> Result<Vec<u8>, CopyError> {
        absolute(&self.homes.0, &item.lanes.idlest().source, &item.source).await
    }

    async fn absolute_target(&self, item: &Item, place: &Place) -> Result<Vec<u8>, CopyError> {
        absolute(&self.homes.1, &item.lanes.idlest().destination, place).await
    }

    /// The folders that small files leave from, as links, and arrive in; `None` where they cannot be packed.
    async fn folders(&self, item: &Item) -> Result<Option<(&[u8], &Place)>, CopyError> {
        let Some(links) = &self.links else { return Ok(None) };
        let staging = self.staging.get_or_try_init(|| Staging::make(item)).await?;
        Ok(staging.as_ref().map(|staging| (&links[..], &staging.place)))
    }
}

/// From here on an exit status says that ssh failed itself (255, ssh(1)) or that a signal ended it.
const SSH_FAILED: u32 = 128;

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

impl Staging {
    /// Beside the first file's top folder; `None` when it cannot be made there.
    async fn make(item: &Item) -> Result<Option<Staging>, CopyError> {
        let side = item.lanes.idlest().destination.clone();
        let Side::Remote(remote) = side.clone() else { return Ok(None) };
        let top = item.target.top();
        let Some(name) = top.name().and_then(|name| Name::vet(name).ok()) else { return Ok(None) };
        let id = Id::of(item.lanes.source_alias(), b"", &Attributes::default(), &top.path());
        let place = top.sibling(&part::part(&name, &id));
        let made = match side.mkdir(&place, 0o700).await {
            Err(error) if error.may_exist() => Staging::take_over(&side, &place).await,
            made => made,
        };
        match made {
            Ok(()) => Ok(Some(Staging { place, remote })),
            Err(error) if error.ends_the_run() => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// One that an earlier run left: a folder of ours, or setting its mode fails.
    async fn take_over(side: &Side, place: &Place) -> Result<(), CopyError> {
        match side.stat(place, Links::Keep).await?.kind() {
            FileKind::Dir => side.set_folder(place, Attributes::with_permissions(0o700)).await,
            _ => Err(side.error(Stage::Transfer, place, Cause::Unfit("something that is no folder is in the way"))),
        }
    }

    /// Removes it and what is in it.
    async fn remove(&self) -> Result<(), CopyError> {
        let side = Side::Remote(self.remote.clone());
        let mut listing = side.list(&self.place).await?;
        while let Some(entries) = listing.next().await? {
            for (name, _) in entries.into_iter().flatten() {
                side.remove(&self.place.join(&name)).await?;
            }
        }
        let removed = self.remote.client.rmdir(&self.place.path()).await;
        self.remote.told(Stage::Land, &self.place, removed)
    }
}
