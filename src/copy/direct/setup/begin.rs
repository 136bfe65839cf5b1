//! How does a direct copy begin? [`begin`] asks at once whether the source reaches the destination, whether both run
//! commands, and whether a login is lent; then the source logs in. Where the source cannot connect, or its sshd
//! forwards no agent, but the destination can connect to the source, the roles are exchanged: the destination logs in
//! at the source and fetches. When any of this fails, nothing has been written.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use super::attempt::{Attempt, DirectMode, DirectRequest, LOGIN, RetryPolicy};
use super::lent::Lent;
use super::links::LinkFolder;
use super::logins::Held;
use super::preflight::runs_commands;
use crate::agent::Account;
use crate::chain::Way;
use crate::copy::connector::Location;
use crate::copy::direct::remote::login::Login;
use crate::copy::direct::remote::script::Far;
use crate::copy::obstacle::Obstacle;
use crate::copy::options::DirectOptions;
use crate::copy::route::{Direction, Hindrance as _};

/// Time kept for what comes after the login ([`NEXT`]), and time the login has in any case ([`MOMENT`]).
const NEXT: Duration = Duration::from_secs(6);
const MOMENT: Duration = Duration::from_secs(2);

/// A login that works, and what it was made with.
pub struct Begun {
    /// Which host logged in at which.
    pub attempt: Attempt,
    /// The login.
    pub login: Login,
    /// What was lent for it.
    pub held: Held,
}

/// Has one of the hosts log in at the other. Returns the login and a description for people; in a dry run there is only
/// the description.
///
/// # Errors
/// What keeps the hosts from copying directly. Nothing is left at either end.
pub async fn begin(
    sources: &[Location],
    destination: &Location,
    options: &DirectOptions,
    mode: DirectMode,
    retry_policy: &RetryPolicy,
) -> Result<(Option<Begun>, String), Obstacle> {
    let (source, destination) = ways(sources, destination)?;
    let asked = DirectRequest { source, destination, options, mode, retry_policy };
    let push = Attempt::new(Direction::Push, options.peer.as_ref(), asked);
    let pull = Attempt::new(Direction::Pull, options.fetch_from.as_ref(), asked);
    match (&options.peer, &options.fetch_from) {
        (Some(_), None) => begin_by(&push, push.reaches()).await,
        (None, Some(_)) => begin_by(&pull, pull.reaches()).await,
        _ => either(&push, &pull).await,
    }
}

/// Lets the source send; where it does not reach the destination or is lent nothing, lets the destination fetch.
/// Whether the destination reaches the source is found out meanwhile.
async fn either(push: &Attempt, pull: &Attempt) -> Result<(Option<Begun>, String), Obstacle> {
    let mut pull_reaches = pin!(pull.reaches());
    // on the heap, as all that is large here: a test's or a worker's stack is small
    let mut pushed = Box::pin(begin_by(push, push.reaches()));
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
    match Box::pin(begin_by(pull, reached)).await {
        Ok((direct, reason)) => Ok((direct, format!("{reason} ({push})"))),
        Err(pull) if !pull.may_relay() => Err(pull),
        Err(pull) => Err(Obstacle::NeitherWay { push: Box::new(push), pull: Box::new(pull) }),
    }
}

/// Begins once one host has `reached` the other.
async fn begin_by(
    attempt: &Attempt,
    reached: impl Future<Output = Result<(), Obstacle>>,
) -> Result<(Option<Begun>, String), Obstacle> {
    let DirectMode::Begin(_) = attempt.mode else {
        let ((), (), transport) = tokio::try_join!(reached, runs_commands(&attempt.source), attempt.transport())?;
        let attempt = attempt.with(transport);
        return Ok((None, format!("{}; the login is not tried in a dry run", attempt.said())));
    };
    let asked =
        async { tokio::try_join!(reached, runs_commands(&attempt.source), attempt.transport(), attempt.lend()) };
    let clock = &attempt.retry_policy.watchers.clock;
    let ((), (), transport, mut loan) = clock.within(asked).await.unwrap_or(Err(Obstacle::Late))?;
    clock.answered();
    let limit = LOGIN.min(clock.left().saturating_sub(NEXT)).max(MOMENT);
    let attempt = attempt.with(transport);
    let far = Far::new(attempt.direction, &loan);
    let (started, links) =
        tokio::join!(Box::pin(attempt.log_in(&loan, &far, limit)), timeout(limit, Box::pin(attempt.links(&loan))));
    let links = links.ok().flatten();
    let (helper, ready) = match started {
        Ok(started) => started,
        Err(obstacle) => {
            let mut lent = Lent::of(&loan);
            let (closed, ()) = tokio::join!(loan.close(), remove(links));
            lent.add(closed);
            // whoever asked for more than the login is told of, whatever comes next
            if lent.account != Account::default() {
                lent.tell(&attempt.retry_policy.watchers.observer);
            }
            return Err(obstacle);
        }
    };
    let reason = format!("{}, tier {}, host key {}", attempt.said(), loan.tier(), loan.fingerprint());
    // a line that cannot be removed now is tried again at the end, and told then
    let _ = loan.logged_in().await;
    let login = Login { number: 0, far, helper, links: attempt.link_folder(&ready, links.as_ref()) };
    Ok((Some(Begun { attempt, login, held: (loan, links) }), reason))
}

async fn remove(links: Option<LinkFolder>) {
    if let Some(links) = links {
        links.remove().await;
    }
}

/// The one host that all sources are on, and the destination host.
fn ways<'a>(sources: &'a [Location], destination: &'a Location) -> Result<(&'a Way, &'a Way), Obstacle> {
    let all: Option<Vec<&Way>> = sources.iter().map(Location::way).collect();
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
