//! Who logs in at whom, how, and with what? [`Attempt`]: one of the two hosts of a direct copy, on its way to log in at
//! the other. It finds out what stands in the way, has a login lent, and logs in.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::links::LinkFolder;
use super::preflight::{asks_nobody, runs_commands, still_answers};
use crate::chain::{Cause, ChainError, Way};
use crate::copy::direct::remote::remote_helper::RemoteHelper;
use crate::copy::direct::remote::script::{self, Far, Ready};
use crate::copy::direct::transport::Transport;
use crate::copy::ends::watchers::Watchers;
use crate::copy::obstacle::{Names, Obstacle, understood};
use crate::copy::options::DirectOptions;
use crate::copy::route::{Direction, RoutePreference};
use crate::lend::{Address, Auth, LendError, Loan, LoanRequest};
use crate::target::place;

/// Time for one host to connect to the other before the other counts as unreachable.
const PROBE: Duration = Duration::from_secs(5);

/// Time for a host to log in at the other: its client's connect timeout, and as much again.
pub const LOGIN: Duration = Duration::from_secs(30);

/// Whether the login is made or only checked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectMode {
    /// For a dry run: nobody logs in.
    Look,
    /// The login is made. What the user asked for decides whether a person may be asked again.
    Begin(RoutePreference),
}

/// How often a lost login is made again, and how long nothing may move.
#[derive(Clone)]
pub struct RetryPolicy {
    /// Tries in a row to have a lost login again while nothing moves.
    pub retries: u32,
    /// The run's observer, counters and clock.
    pub watchers: Watchers,
}

/// What is asked of a direct copy, whichever of the two hosts logs in.
#[derive(Clone, Copy)]
pub struct DirectRequest<'a> {
    /// The host the bytes come from.
    pub source: &'a Way,
    /// The host the bytes go to.
    pub destination: &'a Way,
    /// The user's options for the login.
    pub options: &'a DirectOptions,
    /// Whether the login is made or only checked for.
    pub mode: DirectMode,
    /// How often a lost login is made again, and how long nothing may move.
    pub retry_policy: &'a RetryPolicy,
}

/// One of two hosts, on its way to log in at the other.
#[derive(Clone)]
pub struct Attempt {
    /// Which of the two hosts logs in.
    pub direction: Direction,
    /// What carries the bytes.
    pub transport: Transport,
    /// How often a lost login is made again, and how long nothing may move.
    pub retry_policy: RetryPolicy,
    /// The host the bytes come from.
    pub source: Way,
    destination: Way,
    /// The address at which the host that logs in finds the other.
    address: Address,
    request: LoanRequest,
    /// Whether the login is made or only checked for.
    pub mode: DirectMode,
}

impl Attempt {
    /// An attempt by the host that `direction` says, at the other's `address` as the user gave it.
    pub fn new(direction: Direction, address: Option<&(String, u16)>, asked: DirectRequest<'_>) -> Attempt {
        let DirectRequest { source, destination, options, mode, retry_policy } = asked;
        let found = match direction {
            Direction::Push => destination,
            Direction::Pull => source,
        };
        let address = self::address(found, address);
        let request = LoanRequest {
            address: Some(address.clone()),
            weakest: options.weakest,
            auth: options.auth,
            patience: retry_policy.watchers.clock.timeout(),
            ..LoanRequest::default()
        };
        let (source, destination, retry_policy) = (source.clone(), destination.clone(), retry_policy.clone());
        Attempt { direction, transport: Transport::Streams, retry_policy, source, destination, address, request, mode }
    }

    /// The same attempt, with what carries the bytes.
    pub fn with(&self, transport: Transport) -> Attempt {
        Attempt { transport, ..self.clone() }
    }

    /// The host that logs in, and the host it logs in at.
    fn roles(&self) -> (&Way, &Way) {
        match self.direction {
            Direction::Push => (&self.source, &self.destination),
            Direction::Pull => (&self.destination, &self.source),
        }
    }

    /// Whether the user accepts nothing but a direct copy.
    pub fn is_insisted_on(&self) -> bool {
        self.mode == DirectMode::Begin(RoutePreference::Direct)
    }

    /// What can carry the bytes. A destination that only receives need not run commands.
    pub async fn transport(&self) -> Result<Transport, Obstacle> {
        match runs_commands(&self.destination).await {
            Ok(()) => Ok(Transport::Streams),
            // a line for one key runs a command
            Err(Obstacle::NoShell { .. }) if self.direction == Direction::Push && self.request.auth == Auth::Agent => {
                Ok(Transport::Sftp)
            }
            Err(obstacle) => Err(obstacle),
        }
    }

    /// Prepares a loan to the host that logs in.
    ///
    /// # Errors
    /// Why nothing can be lent.
    pub async fn lend(&self) -> Result<Loan, Obstacle> {
        let (by, at) = self.roles();
        let wanted = match self.mode {
            DirectMode::Begin(wanted) => wanted,
            DirectMode::Look => RoutePreference::Auto,
        };
        let leave = asks_nobody(by, wanted);
        let observer = Some(Arc::clone(&self.retry_policy.watchers.observer));
        let loan = Loan::prepare_given(leave, by, at, &self.request, observer);
        match Box::pin(loan).await {
            Ok(loan) => loan.ok_or_else(|| Obstacle::AsksAgain { host: by.alias().to_owned() }),
            // its own connection, beside one that has been let in
            Err(LendError::Chain(error)) if error.has_ended() && by.session(0).await.is_ok() => {
                Err(Obstacle::Lost(error))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The folder in which small files are linked once the remote helper is ready; `None` where files are not packed.
    pub fn link_folder(&self, ready: &Ready, links: Option<&LinkFolder>) -> Option<Vec<u8>> {
        let folder = match self.direction {
            Direction::Push => Some([&ready.folder[..], b"/", script::LINKS.as_bytes()].concat()),
            Direction::Pull => links.map(|links| links.folder().to_vec()),
        };
        folder.filter(|_| ready.packs)
    }

    /// Has the sshd of the host that logs in connect to the other. An sshd that forbids forwarding leaves the answer to
    /// the login itself.
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

    /// Has the host log in at the other within `limit`.
    ///
    /// # Errors
    /// What kept the host from logging in; that another process took the signature.
    pub async fn log_in(&self, loan: &Loan, far: &Far, limit: Duration) -> Result<(RemoteHelper, Ready), Obstacle> {
        if self.transport == Transport::Sftp && !loan.has("sftp") {
            return Err(Obstacle::NoShell { host: self.destination.alias().to_owned(), words: String::new() });
        }
        let (token, before) = (loan.folder(), loan.account());
        let program = loan.program(&script::dispatch(far, self.transport, token, loan.destination()));
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

    /// What it means that nothing was heard of a login within `limit`.
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

    /// A description for people: which host sends or fetches, where, and how.
    pub fn said(&self) -> String {
        let (by, address) = (self.roles().0.alias(), shown(&self.address));
        let with = match self.request.auth {
            Auth::Agent => "",
            Auth::Ephemeral => " with an ephemeral key",
        };
        match self.direction {
            Direction::Push if self.transport == Transport::Sftp => format!("{by} sends straight to {address} by sftp"),
            Direction::Push => format!("{by} sends straight to {address}{with}"),
            Direction::Pull => format!("{by} fetches straight from {address}{with}"),
        }
    }

    /// Makes the source's folder of links where the destination fetches; without one, no files are packed. `None` where
    /// the source sends: its remote helper's folder is used.
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

/// The address at which another host finds this one: what the user `told`, or what hop itself connects to.
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
