//! How is a direct copy begun? [`begin`]: can the source reach the destination, do both run commands, will a login be lent?
//! All of it is asked at once, then the source logs in. Nothing has been written when any of it fails.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::super::reach::End;
use super::super::route::Wanted;
use super::obstacle::{Names, Obstacle, understood};
use super::script::{self, Ready};
use super::{Courier, Direct};
use crate::chain::{Cause, ChainError, Output, Way};
use crate::lend::{Address, LendError, Loan, Weakest, Wish, line};

/// How long the source may try to connect before it counts as unreachable.
const PROBE: Duration = Duration::from_secs(5);

/// How long the source may take to show that it runs commands.
const ANSWER: Duration = Duration::from_secs(15);

/// What shows that a command was run.
const SHOWN: &[u8] = b"hop-runs-commands";

/// Bytes of a stranger's greeting that are looked at.
const GREETING: usize = 64 << 10;

/// What is wanted of a direct copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Where the source finds the destination; its `HostName` and `Port` where nothing else is said. Port 0 is the
    /// destination's own.
    pub peer: Option<(String, u16)>,
    /// How weak a proof will do.
    pub weakest: Weakest,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms { peer: None, weakest: Weakest::Any }
    }
}

/// Begins; a direct way, and how it goes, for people.
///
/// # Errors
/// What stands in the way; nothing is left at either end.
pub async fn begin(
    sources: &[End],
    destination: &End,
    (terms, wanted): (&Terms, Wanted),
) -> Result<(Arc<Direct>, String), Obstacle> {
    let (source, destination) = ways(sources, destination)?;
    let address = address(destination, terms);
    let wish = Wish { weakest: terms.weakest, ..Wish::default() };
    let lend = async {
        asks_nobody(source, wanted).await?;
        Ok(Loan::prepare(source, destination, Some(address.clone()), &wish).await?)
    };
    let ((), (), (), loan) =
        tokio::try_join!(reaches(source, &address), runs_commands(source), runs_commands(destination), lend)?;
    let courier = match login(&loan, source, &address).await {
        Ok(courier) => courier,
        Err(obstacle) => {
            loan.close().await;
            return Err(obstacle);
        }
    };
    let reason = format!(
        "{} sends straight to {}, tier {}, host key {}",
        source.alias(),
        shown(&address),
        loan.tier(),
        loan.fingerprint()
    );
    Ok((Arc::new(Direct::new(courier, loan)), reason))
}

/// Whether the source reaches the destination, for a plan; how it goes, for people.
///
/// # Errors
/// What stands in the way.
pub async fn look(sources: &[End], destination: &End, terms: &Terms) -> Result<((), String), Obstacle> {
    let (source, destination) = ways(sources, destination)?;
    let address = address(destination, terms);
    tokio::try_join!(reaches(source, &address), runs_commands(source), runs_commands(destination))?;
    Ok(((), format!("{} sends straight to {}; the login is not tried in a dry run", source.alias(), shown(&address))))
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

fn address(destination: &Way, terms: &Terms) -> Address {
    let host = destination.hops().last().expect("a way has at least its target");
    match &terms.peer {
        Some((name, 0)) => Address { host: name.clone(), port: host.port.value },
        Some((name, port)) => Address { host: name.clone(), port: *port },
        None => Address { host: host.hostname.value.clone(), port: host.port.value },
    }
}

fn shown(address: &Address) -> String {
    match address.host.contains(':') {
        true => format!("[{}]:{}", address.host, address.port),
        false => format!("{}:{}", address.host, address.port),
    }
}

/// Where nobody insists on a direct copy, no person is asked a second time for it.
async fn asks_nobody(source: &Way, wanted: Wanted) -> Result<(), Obstacle> {
    let session = source.session(0).await.map_err(LendError::Chain)?;
    match session.needed_a_person() && wanted == Wanted::Auto {
        true => Err(Obstacle::AsksAgain { host: source.alias().to_owned() }),
        false => Ok(()),
    }
}

/// Asks the source's sshd to connect. One that forbids forwarding does not tell; the login will.
async fn reaches(source: &Way, address: &Address) -> Result<(), Obstacle> {
    let session = source.session(0).await.map_err(LendError::Chain)?;
    let unreachable = |reason: String| {
        let (by, to) = (source.alias().to_owned(), shown(address));
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

/// Has a host run a command that only says so.
async fn runs_commands(host: &Way) -> Result<(), Obstacle> {
    let none = |words: &[u8]| Obstacle::NoShell {
        host: host.alias().to_owned(),
        words: String::from_utf8_lossy(&words[..words.len().min(200)]).trim().to_owned(),
    };
    let session = host.session(0).await.map_err(LendError::Chain)?;
    let command = line(&[b"echo ", SHOWN].concat());
    let mut process = match session.exec(&command).await {
        Ok(process) => process,
        Err(ChainError { cause: Cause::Refused(words), .. }) => return Err(none(words.as_bytes())),
        Err(error) => return Err(Obstacle::Lend(LendError::Chain(error))),
    };
    // what serves files instead of running commands ends with its input
    let _ = process.input.end().await;
    let mut heard = Vec::new();
    let listen = async {
        while let Ok(Some(said)) = process.output.next().await {
            if let Output::Stdout(data) | Output::Stderr(data) = said {
                heard.extend_from_slice(&data[..data.len().min(GREETING.saturating_sub(heard.len()))]);
            }
        }
    };
    // what has not been said until then will not be
    let _ = timeout(ANSWER, listen).await;
    match heard.windows(SHOWN.len()).any(|window| window == SHOWN) {
        true => Ok(()),
        false => Err(none(&heard)),
    }
}

/// Has the source log in.
async fn login(loan: &Loan, source: &Way, address: &Address) -> Result<(Courier, Ready), Obstacle> {
    let token = loan.folder();
    let program = loan.program(&script::dispatch(token, loan.destination()));
    // from the login on the agent hears nobody any more
    let armed = loan.arm();
    let process = loan.source().start(&program).await.map_err(LendError::Chain)?;
    let began = Courier::start(process, token).await;
    drop(armed);
    let ended = match began {
        Ok(courier) => return Ok(courier),
        Err(ended) => ended,
    };
    if let Some(misused) = loan.misused(ended.words.as_bytes()) {
        return Err(Obstacle::Lend(misused));
    }
    let address = shown(address);
    let names =
        Names { by: source.alias(), destination: loan.destination(), address: &address, pinned: loan.fingerprint() };
    Err(understood(&ended, &names))
}
