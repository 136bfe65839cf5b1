//! How is a direct copy begun? [`begin`]: can the source reach the destination, do both run commands, will a login be lent?
//! All of it is asked at once, then the source logs in. Where it cannot connect, or its sshd forwards no agent, but the
//! destination can connect to it, everything is done with the roles exchanged: the destination logs in at the source and
//! fetches. Nothing has been written when any of it fails.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use super::course::{Course, Endurance, Extent, LOGIN};
use super::lent::Lent;
use super::links::LinkFolder;
use super::logins::Held;
use super::willing::runs_commands;
use crate::agent::Account;
use crate::chain::Way;
use crate::copy::direct::remote::login::Login;
use crate::copy::direct::remote::script::Far;
use crate::copy::obstacle::Obstacle;
use crate::copy::options::Terms;
use crate::copy::reach::End;
use crate::copy::route::{Direction, Hindrance as _};

/// Where less time is left for a login, so much of it is for what comes next; a moment there always is.
const NEXT: Duration = Duration::from_secs(6);
const MOMENT: Duration = Duration::from_secs(2);

/// A login that works, and what it was had with.
pub struct Begun {
    /// Who has logged in at whom.
    pub course: Course,
    /// The login.
    pub login: Login,
    /// What it was lent.
    pub held: Held,
}

/// Has one of the hosts log in at the other; and how it goes, for people. Nobody logs in where it is only looked at.
///
/// # Errors
/// What stands in the way; nothing is left at either end.
pub async fn begin(
    sources: &[End],
    destination: &End,
    (terms, extent): (&Terms, Extent),
    endurance: &Endurance,
) -> Result<(Option<Begun>, String), Obstacle> {
    let ends = ways(sources, destination)?;
    let course = |direction, address: &Option<_>| Course::new(direction, ends, (address, terms, extent), endurance);
    let (push, pull) = (course(Direction::Push, &terms.peer), course(Direction::Pull, &terms.fetch_from));
    match (&terms.peer, &terms.fetch_from) {
        (Some(_), None) => begin_by(&push, push.reaches()).await,
        (None, Some(_)) => begin_by(&pull, pull.reaches()).await,
        _ => either(&push, &pull).await,
    }
}

/// The source sends; where it does not reach the destination, or is lent nothing, the destination fetches. Whether that
/// could is found out meanwhile.
async fn either(push: &Course, pull: &Course) -> Result<(Option<Begun>, String), Obstacle> {
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

/// Begins, once the one has `reached` the other.
async fn begin_by(
    course: &Course,
    reached: impl Future<Output = Result<(), Obstacle>>,
) -> Result<(Option<Begun>, String), Obstacle> {
    let Extent::Begin(_) = course.extent else {
        let ((), (), engine) = tokio::try_join!(reached, runs_commands(&course.source), course.engine())?;
        let course = course.with(engine);
        return Ok((None, format!("{}; the login is not tried in a dry run", course.said())));
    };
    let asked = async { tokio::try_join!(reached, runs_commands(&course.source), course.engine(), course.lend()) };
    let clock = &course.endurance.watchers.clock;
    let ((), (), engine, mut loan) = clock.within(asked).await.unwrap_or(Err(Obstacle::Late))?;
    clock.answered();
    let limit = LOGIN.min(clock.left().saturating_sub(NEXT)).max(MOMENT);
    let course = course.with(engine);
    let far = Far::new(course.direction, &loan);
    let (courier, links) =
        tokio::join!(Box::pin(course.log_in(&loan, &far, limit)), timeout(limit, Box::pin(course.links(&loan))));
    let links = links.ok().flatten();
    let courier = match courier {
        Ok(courier) => courier,
        Err(obstacle) => {
            let mut lent = Lent::of(&loan);
            let (closed, ()) = tokio::join!(loan.close(), remove(links));
            lent.add(closed);
            // whoever asked for more than the login is told of, whatever comes next
            if lent.account != Account::default() {
                lent.tell(&course.endurance.watchers.observer);
            }
            return Err(obstacle);
        }
    };
    let reason = format!("{}, tier {}, host key {}", course.said(), loan.tier(), loan.fingerprint());
    // a line that cannot be removed now is tried again at the end, and told then
    let _ = loan.logged_in().await;
    let login = course.login((0, far), courier, links.as_ref());
    Ok((Some(Begun { course, login, held: (loan, links) }), reason))
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
