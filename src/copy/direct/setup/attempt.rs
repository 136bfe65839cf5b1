//! Who logs in at whom, how, and with what? [`Attempt`]: one of the two hosts of a direct copy, on its way to log in at the
//! other. It asks what stands in the way, has a login lent, and has it made.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::links::LinkFolder;
use super::preflight::{asks_nobody, runs_commands, still_answers};
use crate::chain::{Cause, ChainError, Way};
use crate::copy::direct::engine::Engine;
use crate::copy::direct::remote::login::Login;
use crate::copy::direct::remote::remote_helper::RemoteHelper;
use crate::copy::direct::remote::script::{self, Far, Ready};
use crate::copy::ends::watchers::Watchers;
use crate::copy::obstacle::{Names, Obstacle, understood};
use crate::copy::options::DirectOptions;
use crate::copy::route::{Direction, RoutePreference};
use crate::lend::{Address, Auth, LendError, Loan, LoanRequest};
use crate::target::place;

/// How long one host may try to connect to the other before that counts as unreachable.
const PROBE: Duration = Duration::from_secs(5);

/// How long a host may take to log in at the other: what its client is given to connect in, and as much again.
pub const LOGIN: Duration = Duration::from_secs(30);

/// How much of it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectMode {
    /// For a plan: nobody logs in.
    Look,
    /// All of it; what was wanted decides whether a person may be asked again.
    Begin(RoutePreference),
}

/// How much a copy bears.
#[derive(Clone)]
pub struct RetryPolicy {
    /// How often a lost login is tried to be had again, before something has moved.
    pub retries: u32,
    /// Who is told, and how long nothing may move.
    pub watchers: Watchers,
}

/// One of two hosts, on its way to log in at the other.
#[derive(Clone)]
pub struct Attempt {
    /// Which of the two logs in.
    pub direction: Direction,
    /// How the bytes go.
    pub engine: Engine,
    /// How much it bears.
    pub retry_policy: RetryPolicy,
    /// Where the bytes are.
    pub source: Way,
    destination: Way,
    /// Where the one finds the other.
    address: Address,
    request: LoanRequest,
    /// How much of it is done.
    pub mode: DirectMode,
}

impl Attempt {
    /// From one of the ends.
    pub fn new(
        direction: Direction,
        (source, destination): (&Way, &Way),
        (address, terms, mode): (&Option<(String, u16)>, &DirectOptions, DirectMode),
        retry_policy: &RetryPolicy,
    ) -> Attempt {
        let found = match direction {
            Direction::Push => destination,
            Direction::Pull => source,
        };
        let address = self::address(found, address.as_ref());
        let request = LoanRequest {
            weakest: terms.weakest,
            auth: terms.auth,
            patience: retry_policy.watchers.clock.timeout(),
            ..LoanRequest::default()
        };
        let (source, destination, retry_policy) = (source.clone(), destination.clone(), retry_policy.clone());
        Attempt { direction, engine: Engine::Streams, retry_policy, source, destination, address, request, mode }
    }

    /// The same, with what the bytes can go with.
    pub fn with(&self, engine: Engine) -> Attempt {
        Attempt { engine, ..self.clone() }
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
        self.mode == DirectMode::Begin(RoutePreference::Direct)
    }

    /// With what the bytes can go; a destination that is sent to need not run commands.
    pub async fn engine(&self) -> Result<Engine, Obstacle> {
        match runs_commands(&self.destination).await {
            Ok(()) => Ok(Engine::Streams),
            // a line for one key runs a command
            Err(Obstacle::NoShell { .. }) if self.direction == Direction::Push && self.request.auth == Auth::Agent => {
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
        let wanted = match self.mode {
            DirectMode::Begin(wanted) => wanted,
            DirectMode::Look => RoutePreference::Auto,
        };
        let leave = asks_nobody(by, wanted);
        let observer = Some(Arc::clone(&self.retry_policy.watchers.observer));
        let loan = Loan::prepare_given(leave, (by, at), Some(self.address.clone()), &self.request, observer);
        match Box::pin(loan).await {
            Ok(loan) => loan.ok_or_else(|| Obstacle::AsksAgain { host: by.alias().to_owned() }),
            // its own connection, beside one that has been let in
            Err(LendError::Chain(error)) if error.has_ended() && by.session(0).await.is_ok() => {
                Err(Obstacle::Lost(error))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What a remote helper that is ready makes of it.
    pub fn login(
        &self,
        (number, far): (u32, Far),
        (helper, ready): (RemoteHelper, Ready),
        links: Option<&LinkFolder>,
    ) -> Login {
        let folder = match self.direction {
            Direction::Push => Some([&ready.folder[..], b"/", script::LINKS.as_bytes()].concat()),
            Direction::Pull => links.map(|links| links.folder().to_vec()),
        };
        Login { number, far, helper, links: folder.filter(|_| ready.packs) }
    }

    /// Asks its sshd to connect. One that forbids forwarding does not tell; the login will.
    pub async fn reaches(&self) -> Result<(), Obstacle> {
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

    /// Has the one log in at the other within `limit`.
    ///
    /// # Errors
    /// What stood in its way; that somebody else took the signature.
    pub async fn log_in(&self, loan: &Loan, far: &Far, limit: Duration) -> Result<(RemoteHelper, Ready), Obstacle> {
        if self.engine == Engine::Puts && !loan.has("sftp") {
            return Err(Obstacle::NoShell { host: self.destination.alias().to_owned(), words: String::new() });
        }
        let (token, before) = (loan.folder(), loan.account());
        let program = loan.program(&script::dispatch((far, self.engine), token, loan.destination()));
        // from the login on the agent hears nobody any more
        let armed = loan.arm();
        let process = loan.source().start(&program).await.map_err(LendError::Chain)?;
        let began = timeout(limit, RemoteHelper::start(process, token)).await;
        drop(armed);
        let ended = match began {
            Ok(Ok(helper)) => return Ok(helper),
            Ok(Err(ended)) => ended,
            Err(_) => return Err(self.unheard(loan, limit).await),
        };
        // what an earlier login took is no sign of anybody else
        let account = loan.account();
        let has_signed = account.signatures > before.signatures;
        if has_signed && let Some(misused) = loan.misused(ended.words.as_bytes()) {
            return Err(Obstacle::Lend(misused));
        }
        if !has_signed && loan.source().is_closed() {
            return Err(Obstacle::Lost(loan.source().ended().await));
        }
        let (by, address, destination) = (self.roles().0.alias(), shown(&self.address), loan.destination());
        let names = Names { by, destination, address: &address, pinned: loan.fingerprint(), auth: loan.auth() };
        Err(match understood(&ended.words, &names) {
            Obstacle::Refused { by, destination, .. } if account.refused() > before.refused() => {
                Obstacle::Besieged { by, destination, refused: account.refused(), why: account.reasons() }
            }
            obstacle => obstacle,
        })
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

    /// How it goes, for people.
    pub fn said(&self) -> String {
        let (by, address) = (self.roles().0.alias(), shown(&self.address));
        let with = match self.request.auth {
            Auth::Agent => "",
            Auth::Ephemeral => " with an ephemeral key",
        };
        match self.direction {
            Direction::Push if self.engine == Engine::Puts => format!("{by} sends straight to {address} by sftp"),
            Direction::Push => format!("{by} sends straight to {address}{with}"),
            Direction::Pull => format!("{by} fetches straight from {address}{with}"),
        }
    }

    /// Where links to small files stand, unless the remote helper's folder is at the source. It does without them.
    pub async fn links(&self, loan: &Loan) -> Option<LinkFolder> {
        match self.direction {
            Direction::Push => None,
            Direction::Pull => {
                let source = self.source.session(0).await.ok()?;
                LinkFolder::make(&source, loan.folder(), self.request.patience).await
            }
        }
    }
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
