//! How is a direct copy begun? [`begin`]: can the source reach the destination, do both run commands, will a login be lent?
//! All of it is asked at once, then the source logs in. Where it cannot connect, or its sshd forwards no agent, but the
//! destination can connect to it, everything is done with the roles exchanged: the destination logs in at the source and
//! fetches. Nothing has been written when any of it fails.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::super::reach::End;
use super::super::route::{Direction, Hindrance as _, Wanted};
use super::links::LinkFolder;
use super::login::Login;
use super::obstacle::{Names, Obstacle, understood};
use super::script::{self, Far, Ready};
use super::willing::{asks_nobody, runs_commands, still_answers};
use super::{Courier, Direct, Watchers};
use crate::chain::{Cause, ChainError, Way};
use crate::lend::{Address, Auth, LendError, Loan, Weakest, Wish};
use crate::target::place;

/// How long one host may try to connect to the other before that counts as unreachable.
const PROBE: Duration = Duration::from_secs(5);

/// How long a host may take to log in at the other: what its client is given to connect in, and as much again; where
/// patience ends sooner, so much longer than that.
const LOGIN: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_secs(10);

/// What is wanted of a direct copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Where the source finds the destination; its `HostName` and `Port` where nothing else is said. Port 0 is the
    /// destination's own. With this alone, the destination does not fetch.
    pub peer: Option<(String, u16)>,
    /// Where the destination finds the source, likewise. With this alone, the source does not send.
    pub fetch_from: Option<(String, u16)>,
    /// How weak a proof will do.
    pub weakest: Weakest,
    /// What the login is made with.
    pub auth: Auth,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms { peer: None, fetch_from: None, weakest: Weakest::Any, auth: Auth::Agent }
    }
}

/// How much of it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// For a plan: nobody logs in.
    Look,
    /// All of it; what was wanted decides whether a person may be asked again.
    Begin(Wanted),
}

/// Begins; a direct way, and how it goes, for people. There is no way yet where it is only looked at.
///
/// # Errors
/// What stands in the way; nothing is left at either end.
pub async fn begin(
    sources: &[End],
    destination: &End,
    (terms, extent): (&Terms, Extent),
    endurance: &Endurance,
) -> Result<(Option<Arc<Direct>>, String), Obstacle> {
    let ends = ways(sources, destination)?;
    let course = |direction, address: &Option<_>| Course::new(direction, ends, (address, terms, extent), endurance);
    let (push, pull) = (course(Direction::Push, &terms.peer), course(Direction::Pull, &terms.fetch_from));
    match (&terms.peer, &terms.fetch_from) {
        (Some(_), None) => push.begin(push.reaches()).await,
        (None, Some(_)) => pull.begin(pull.reaches()).await,
        _ => either(&push, &pull).await,
    }
}

/// The source sends; where it does not reach the destination, or is lent nothing, the destination fetches. Whether that
/// could is found out meanwhile.
async fn either(push: &Course, pull: &Course) -> Result<(Option<Arc<Direct>>, String), Obstacle> {
    let mut pull_reaches = pin!(pull.reaches());
    // on the heap, as all that is large here: a test's or a worker's stack is small
    let mut pushed = Box::pin(push.begin(push.reaches()));
    let mut found = None;
    let pushed = loop {
        tokio::select! {
            biased;
            pushed = &mut pushed => break pushed,
            reached = &mut pull_reaches, if found.is_none() => found = Some(reached),
        }
    };
    let push = match pushed {
        Err(obstacle) if obstacle.may_be_turned() => obstacle,
        pushed => return pushed,
    };
    let reached = async {
        match found {
            Some(reached) => reached,
            None => pull_reaches.await,
        }
    };
    match Box::pin(pull.begin(reached)).await {
        Ok((direct, reason)) => Ok((direct, format!("{reason} ({push})"))),
        Err(pull) if !pull.may_relay() => Err(pull),
        Err(pull) => Err(Obstacle::NeitherWay { push: Box::new(push), pull: Box::new(pull) }),
    }
}

/// How much a copy bears.
#[derive(Clone)]
pub struct Endurance {
    /// How often a lost login is tried to be had again, before something has moved.
    pub retries: u32,
    /// For so long nothing may move.
    pub patience: Duration,
    /// Who is told.
    pub watchers: Watchers,
}

/// What carries the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// `dd` and `tar` at both ends, through the login.
    Streams,
    /// `sftp` at the source: the destination runs no commands.
    Puts,
}

/// One of two hosts, on its way to log in at the other.
#[derive(Clone)]
pub struct Course {
    /// Which of the two logs in.
    pub direction: Direction,
    /// How the bytes go.
    pub engine: Engine,
    /// How much it bears.
    pub endurance: Endurance,
    source: Way,
    destination: Way,
    /// Where the one finds the other.
    address: Address,
    wish: Wish,
    extent: Extent,
}

impl Course {
    fn new(
        direction: Direction,
        (source, destination): (&Way, &Way),
        (address, terms, extent): (&Option<(String, u16)>, &Terms, Extent),
        endurance: &Endurance,
    ) -> Course {
        let found = match direction {
            Direction::Push => destination,
            Direction::Pull => source,
        };
        let address = self::address(found, address.as_ref());
        let wish = Wish { weakest: terms.weakest, auth: terms.auth, patience: endurance.patience, ..Wish::default() };
        let (source, destination, endurance) = (source.clone(), destination.clone(), endurance.clone());
        Course { direction, engine: Engine::Streams, endurance, source, destination, address, wish, extent }
    }

    /// Who logs in, and where.
    fn roles(&self) -> (&Way, &Way) {
        match self.direction {
            Direction::Push => (&self.source, &self.destination),
            Direction::Pull => (&self.destination, &self.source),
        }
    }

    /// Whether only a direct copy will do.
    pub fn is_insisted_on(&self) -> bool {
        self.extent == Extent::Begin(Wanted::Direct)
    }

    /// With what the bytes can go; a destination that is sent to need not run commands.
    async fn engine(&self) -> Result<Engine, Obstacle> {
        match runs_commands(&self.destination).await {
            Ok(()) => Ok(Engine::Streams),
            // a line for one key runs a command
            Err(Obstacle::NoShell { .. }) if self.direction == Direction::Push && self.wish.auth == Auth::Agent => {
                Ok(Engine::Puts)
            }
            Err(obstacle) => Err(obstacle),
        }
    }

    /// Prepares a loan to the one who logs in.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn lend(&self) -> Result<Loan, Obstacle> {
        let (by, at) = self.roles();
        let wanted = match self.extent {
            Extent::Begin(wanted) => wanted,
            Extent::Look => Wanted::Auto,
        };
        let leave = asks_nobody(by, wanted);
        let loan = Loan::prepare_given(leave, (by, at), Some(self.address.clone()), &self.wish);
        match Box::pin(loan).await {
            Ok(loan) => loan.ok_or_else(|| Obstacle::AsksAgain { host: by.alias().to_owned() }),
            // its own connection, beside one that has been let in
            Err(LendError::Chain(error)) if error.has_ended() && by.session(0).await.is_ok() => {
                Err(Obstacle::Lost(error))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What a courier that is ready makes of it.
    pub fn login(
        &self,
        (number, far): (u32, Far),
        (courier, ready): (Courier, Ready),
        links: Option<&LinkFolder>,
    ) -> Login {
        let folder = match self.direction {
            Direction::Push => Some([&ready.folder[..], b"/", script::LINKS.as_bytes()].concat()),
            Direction::Pull => links.map(|links| links.folder().to_vec()),
        };
        Login { number, far, courier, links: folder.filter(|_| ready.packs) }
    }

    /// Begins, once the one has `reached` the other.
    async fn begin(
        &self,
        reached: impl Future<Output = Result<(), Obstacle>>,
    ) -> Result<(Option<Arc<Direct>>, String), Obstacle> {
        let Extent::Begin(_) = self.extent else {
            let ((), (), engine) = tokio::try_join!(reached, runs_commands(&self.source), self.engine())?;
            let course = Course { engine, ..self.clone() };
            return Ok((None, format!("{}; the login is not tried in a dry run", course.said())));
        };
        let ((), (), engine, mut loan) =
            tokio::try_join!(reached, runs_commands(&self.source), self.engine(), self.lend())?;
        let course = Course { engine, ..self.clone() };
        let far = Far::new(course.direction, &loan);
        let (courier, links) = tokio::join!(Box::pin(course.log_in(&loan, &far)), Box::pin(course.links(&loan)));
        let courier = match courier {
            Ok(courier) => courier,
            Err(obstacle) => {
                tokio::join!(loan.close(), remove(links));
                return Err(obstacle);
            }
        };
        let reason = format!("{}, tier {}, host key {}", course.said(), loan.tier(), loan.fingerprint());
        // a line that cannot be removed now is tried again at the end, and told then
        let _ = loan.logged_in().await;
        let login = course.login((0, far), courier, links.as_ref());
        Ok((Some(Arc::new(Direct::new(course, login, (loan, links)))), reason))
    }

    /// Asks its sshd to connect. One that forbids forwarding does not tell; the login will.
    async fn reaches(&self) -> Result<(), Obstacle> {
        let (by, address) = (self.roles().0, &self.address);
        let session = by.session(0).await.map_err(LendError::Chain)?;
        let unreachable = |reason: String| {
            let (by, to) = (by.alias().to_owned(), shown(address));
            Err(Obstacle::Unreachable { by, to, reason })
        };
        match timeout(PROBE, session.tcpip(&address.host, address.port, ("127.0.0.1", 65535))).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(ChainError { cause: Cause::ForwardRefused { reason, .. }, .. })) => {
                match reason.contains("prohibited") {
                    true => Ok(()),
                    false => unreachable(reason),
                }
            }
            Ok(Err(error)) => Err(Obstacle::Lend(LendError::Chain(error))),
            Err(_) => unreachable(format!("no answer within {} s", PROBE.as_secs())),
        }
    }

    /// Has the one log in at the other.
    ///
    /// # Errors
    /// What stood in its way; that somebody else took the signature.
    pub async fn log_in(&self, loan: &Loan, far: &Far) -> Result<(Courier, Ready), Obstacle> {
        if self.engine == Engine::Puts && !loan.has("sftp") {
            return Err(Obstacle::NoShell { host: self.destination.alias().to_owned(), words: String::new() });
        }
        let (token, before) = (loan.folder(), loan.account().signatures);
        let program = loan.program(&script::dispatch((far, self.engine), token, loan.destination()));
        // from the login on the agent hears nobody any more
        let armed = loan.arm();
        let process = loan.source().start(&program).await.map_err(LendError::Chain)?;
        let limit = LOGIN.min(self.endurance.patience + GRACE);
        let began = timeout(limit, Courier::start(process, token)).await;
        drop(armed);
        let ended = match began {
            Ok(Ok(courier)) => return Ok(courier),
            Ok(Err(ended)) => ended,
            Err(_) => return Err(self.unheard(loan, limit).await),
        };
        // what an earlier login took is no sign of anybody else
        let has_signed = loan.account().signatures > before;
        if has_signed && let Some(misused) = loan.misused(ended.words.as_bytes()) {
            return Err(Obstacle::Lend(misused));
        }
        if !has_signed && loan.source().is_closed() {
            return Err(Obstacle::Lost(loan.source().ended().await));
        }
        let (by, address, destination) = (self.roles().0.alias(), shown(&self.address), loan.destination());
        let names = Names { by, destination, address: &address, pinned: loan.fingerprint(), auth: loan.auth() };
        Err(understood(&ended, &names))
    }

    /// What it means that nothing came of a login within `limit`.
    async fn unheard(&self, loan: &Loan, limit: Duration) -> Obstacle {
        let by = self.roles().0;
        match still_answers(by, loan.source(), limit).await {
            Ok(()) => {
                let reason = format!("no login within {} s", limit.as_secs());
                Obstacle::Unreachable { by: by.alias().to_owned(), to: shown(&self.address), reason }
            }
            Err(error) => Obstacle::Lend(LendError::Chain(error)),
        }
    }

    fn said(&self) -> String {
        let (by, address) = (self.roles().0.alias(), shown(&self.address));
        let with = match self.wish.auth {
            Auth::Agent => "",
            Auth::Ephemeral => " with an ephemeral key",
        };
        match self.direction {
            Direction::Push if self.engine == Engine::Puts => format!("{by} sends straight to {address} by sftp"),
            Direction::Push => format!("{by} sends straight to {address}{with}"),
            Direction::Pull => format!("{by} fetches straight from {address}{with}"),
        }
    }

    /// Where links to small files stand, unless the courier's folder is at the source. It does without them.
    pub async fn links(&self, loan: &Loan) -> Option<LinkFolder> {
        match self.direction {
            Direction::Push => None,
            Direction::Pull => {
                let source = self.source.session(0).await.ok()?;
                LinkFolder::make(&source, loan.folder(), self.wish.patience).await
            }
        }
    }
}

async fn remove(links: Option<LinkFolder>) {
    if let Some(links) = links {
        links.remove().await;
    }
}

/// The source all of it comes from, and the destination.
fn ways<'a>(sources: &'a [End], destination: &'a End) -> Result<(&'a Way, &'a Way), Obstacle> {
    let all: Option<Vec<&Way>> = sources.iter().map(End::way).collect();
    let (Some(all), Some(destination)) = (all, destination.way()) else { return Err(Obstacle::NoHosts) };
    let Some(source) = all.first() else { return Err(Obstacle::NoHosts) };
    match () {
        () if all.iter().any(|other| !is_same(other, source)) => Err(Obstacle::SeveralSources),
        () if is_same(source, destination) => Err(Obstacle::SameHost),
        () => Ok((source, destination)),
    }
}

fn is_same(one: &Way, two: &Way) -> bool {
    let whose = |way: &Way| way.hops().last().map(|host| (host.user.value.clone(), host.port.value));
    one.trail() == two.trail() && whose(one) == whose(two)
}

/// Where another host finds this one.
fn address(found: &Way, told: Option<&(String, u16)>) -> Address {
    let host = found.hops().last().expect("a way has at least its target");
    match told {
        Some((name, 0)) => Address { host: name.clone(), port: host.port.value },
        Some((name, port)) => Address { host: name.clone(), port: *port },
        None => Address { host: host.hostname.value.clone(), port: host.port.value },
    }
}

fn shown(address: &Address) -> String {
    place(&address.host, address.port)
}
