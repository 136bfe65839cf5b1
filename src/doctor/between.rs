//! Do two hosts reach each other, and if not, why?
//!
//! Main function: [`between`]. A packet that is lost looks the same wherever it is lost. Therefore both directions are
//! tried, and each host is asked whether the other's first packet has arrived: a half-open connection stays in its
//! kernel's table for a minute. [`gap`], which is pure, draws the conclusion.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::examine::HostReport;
use super::facts::{CLOUD, cloud};
use super::finding::{Finding, Gap, PairUnreachable};
use super::network::{Networks, half_open};
use super::probe::{self, Probe, probe};
use super::row::{Check, Row};
use super::shell::{Agent, asked};
use crate::chain::Session;
use crate::copy::Route;
use crate::lend::{self, OpenSshVersion, SourceClient};

const HALF_OPEN: &str = include_str!("half_open.sh");
/// How long a server may take to report its networks.
const TIME_LIMIT: Duration = Duration::from_secs(8);
/// The number of bytes sent to measure the speed of a connection, and the longest time that may take.
const SAMPLE: (usize, Duration) = (2 * 1024 * 1024, Duration::from_secs(2));

/// The result of looking at two hosts.
pub struct Between {
    /// The checks that were made, in order.
    pub rows: Vec<Row>,
    /// The first host's networks.
    pub source: Networks,
    /// The second host's networks.
    pub destination: Networks,
}

/// One of the two hosts, as examined.
struct ExaminedHost<'a> {
    report: &'a HostReport,
    session: &'a Session,
    networks: Networks,
}

/// Examines what is between two hosts that were both reached; `None` if one was not.
pub async fn between(source: &HostReport, destination: &HostReport) -> Option<Between> {
    let ends = [source, destination].map(|report| Some((report, report.session.as_ref()?)));
    let [Some((from, from_session)), Some((to, to_session))] = ends else { return None };
    let (here, there) = tokio::join!(located(from, from_session), located(to, to_session));
    let source = ExaminedHost { report: from, session: from_session, networks: here };
    let destination = ExaminedHost { report: to, session: to_session, networks: there };
    let (there, back) = tokio::join!(source.tries(&destination), destination.tries(&source));
    let mut rows = vec![source.row(&destination, &there, &back)];
    rows.extend(source.link().await);
    let row = destination.row(&source, &back, &there);
    // one direction is enough for a copy: the first host sends, or the second fetches
    let (reaches, is_reached) = (rows[0].failure().is_none(), row.failure().is_none());
    let fetches = is_reached && !(reaches && source.takes_an_agent());
    rows.extend((reaches && !fetches).then(|| source.route(&destination, "sends straight to")));
    rows.push(if reaches { row.only_a_remark() } else { row });
    rows.extend(destination.link().await);
    rows.extend(fetches.then(|| destination.route(&source, "fetches straight from")));
    Some(Between { rows, source: source.networks, destination: destination.networks })
}

async fn located(report: &HostReport, session: &Session) -> Networks {
    let networks = report.facts.as_ref().map(|facts| facts.networks.clone()).unwrap_or_default();
    let said = match &report.facts {
        Some(_) => asked(session, CLOUD.as_bytes(), Agent::Not, TIME_LIMIT).await.unwrap_or_default(),
        None => Vec::new(),
    };
    Networks { cloud: cloud(&said), ..networks }
}

/// The result for one direction.
struct Tried {
    address: String,
    port: u16,
    probe: Probe,
    /// Whether the other host's kernel has seen the first packet; `None` if it was not asked.
    arrived: Option<bool>,
}

impl ExaminedHost<'_> {
    async fn tries(&self, other: &ExaminedHost<'_>) -> Tried {
        let host = other.report.target();
        let (mut address, mut port) = (host.hostname.value.clone(), host.port.value);
        let inside = other.inside(&address);
        // traces of an earlier attempt must not be taken for this one
        let mut before = other.heard_of(self, port).await;
        let mut outcome = probe(self.session, &address, port).await;
        // a host that is reached at a public address may have another one inside
        if let (false, Some((inside, at))) = (matches!(outcome, Probe::Reached(..)), inside) {
            (address, port) = (inside.to_string(), at);
            before = other.heard_of(self, port).await;
            outcome = probe(self.session, &address, port).await;
        }
        let after = match outcome {
            Probe::Silence => other.heard_of(self, port).await,
            _ => None,
        };
        let arrived = before.zip(after).map(|(before, after)| after.iter().any(|from| !before.contains(from)));
        Tried { address, port, probe: outcome, arrived }
    }

    /// The address that the host has by its own account, if that is a different one.
    fn inside(&self, address: &str) -> Option<(Ipv4Addr, u16)> {
        let inside = self.networks.address.filter(|inside| inside.to_string() != address && inside.is_private())?;
        Some((inside, 22))
    }

    /// The ports from which `other` has half-open connections to `port` in this host's kernel table.
    async fn heard_of(&self, other: &ExaminedHost<'_>, port: u16) -> Option<Vec<u16>> {
        self.report.facts.as_ref()?;
        let peer = other.networks.address?;
        let said = asked(self.session, HALF_OPEN.as_bytes(), Agent::Not, TIME_LIMIT).await.ok()?;
        let text = String::from_utf8_lossy(&said);
        let ports = text.lines().filter_map(|line| half_open(line, peer, port)).collect();
        text.contains("hop-end").then_some(ports)
    }

    fn row(&self, other: &ExaminedHost<'_>, tried: &Tried, back: &Tried) -> Row {
        let (from, to) = (&self.report.target().alias, &other.report.target().alias);
        let about = format!("{to} at {} port {}", tried.address, tried.port);
        if let Probe::Reached(words, took) = &tried.probe
            && words.starts_with(b"SSH-")
        {
            return Row::good(from, Check::Reach, about).after(*took);
        }
        let unreachable = PairUnreachable {
            from: from.clone(),
            to: to.clone(),
            address: tried.address.clone(),
            port: tried.port,
            gap: gap(tried, back, overlap(&self.networks, &other.networks)),
            here: self.networks.clone(),
            there: other.networks.clone(),
        };
        Row::failed(from, Check::Reach, about, Finding::PairUnreachable(Box::new(unreachable)))
    }

    /// Whether its sshd forwards an agent, as far as is known.
    fn takes_an_agent(&self) -> bool {
        self.report.facts.as_ref().is_some_and(|facts| facts.has_agent)
    }

    /// The route that a copy would take by default, what this host does in it, and how well the lent login would be
    /// guarded.
    fn route(&self, other: &ExaminedHost<'_>, does: &str) -> Row {
        let (from, to) = (&self.report.target().alias, &other.report.target().alias);
        let facts = self.report.facts.as_ref();
        let has = |tool: &str| facts.is_some_and(|facts| facts.tools.iter().any(|has| has == tool));
        let version = facts.and_then(|facts| OpenSshVersion::find(&facts.client));
        let client = SourceClient { version, can_be_overheard: has("bash") };
        let tier = lend::choose(client, OpenSshVersion::find(other.session.server_version()));
        let about = match tier.filter(|_| has("ssh") && self.takes_an_agent()) {
            Some(tier) => format!("{}: {from} {does} {to}, its login lent with tier {tier}", Route::Direct),
            None => format!("{}: {from} cannot be lent a login", Route::Relay),
        };
        Row::good(from, Check::Route, about)
    }

    /// The round-trip time to the host, and the speed of the connection from it.
    async fn link(&self) -> Option<Row> {
        self.report.facts.as_ref()?;
        let (size, limit) = SAMPLE;
        let began = Instant::now();
        let line = format!("exec head -c {size} /dev/zero");
        let came = counted(self.session, &line, limit).await;
        let rate = came as f64 / began.elapsed().as_secs_f64().max(0.001) / 1e6;
        let away = self.report.round_trip.map(|time| format!("{} ms away, ", time.as_millis())).unwrap_or_default();
        let about = format!(
            "{away}about {} MB/s to this machine",
            if rate < 10.0 { (rate * 10.0).round() / 10.0 } else { rate.round() }
        );
        Some(Row::good(&self.report.target().alias, Check::Link, about))
    }
}

/// The number of bytes that a command prints until it ends or the time is up.
async fn counted(session: &Session, line: &str, limit: Duration) -> usize {
    let mut count = 0;
    let counting = async {
        let Ok(mut process) = session.exec(line.as_bytes()).await else { return };
        while let Ok(Some(output)) = process.output.next().await {
            if let crate::chain::Output::Stdout(bytes) = output {
                count += bytes.len();
            }
        }
    };
    let _slow = tokio::time::timeout(limit, counting).await; // the bytes that came give the rate
    count
}

/// What is between two hosts, concluded from both directions.
fn gap(tried: &Tried, back: &Tried, overlap: Option<Gap>) -> Gap {
    match &tried.probe {
        Probe::Reached(words, _) => Gap::NoSsh(words.clone()),
        Probe::Refused => Gap::Refused,
        Probe::UnknownName => Gap::UnknownName,
        Probe::NotTried(why) => Gap::NotTried(why.clone()),
        Probe::Unreachable(words) => overlap.unwrap_or_else(|| Gap::Unreachable(words.clone())),
        Probe::Silence => overlap.unwrap_or_else(|| lost(tried, back)),
    }
}

fn overlap(here: &Networks, there: &Networks) -> Option<Gap> {
    here.overlap(there).map(|(mine, theirs)| Gap::Overlap(mine, theirs))
}

fn lost(tried: &Tried, back: &Tried) -> Gap {
    match (&back.probe, tried.arrived, back.arrived) {
        (Probe::Reached(..) | Probe::Refused, Some(true), _) => Gap::AnswersStopped,
        (Probe::Reached(..) | Probe::Refused, _, _) => Gap::Filtered,
        (_, Some(true), _) => Gap::NoWayBack,
        (_, _, Some(true)) => Gap::NoWayThere,
        (Probe::Silence, Some(false), Some(false)) => Gap::NothingPasses,
        _ => Gap::Silence(probe::TIME_LIMIT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(probe: Probe, arrived: Option<bool>) -> Tried {
        Tried { address: "10.20.2.20".to_owned(), port: 22, probe, arrived }
    }

    #[test]
    fn what_both_directions_show_tells_where_it_is_lost() {
        let silent = |arrived| tried(Probe::Silence, arrived);
        let between = |there: &Tried, back: &Tried| gap(there, back, None);
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(between(&silent(yes), &silent(no)), Gap::NoWayBack, "its SYN came, no answer came back");
        assert_eq!(between(&silent(no), &silent(yes)), Gap::NoWayThere);
        assert_eq!(between(&silent(no), &silent(no)), Gap::NothingPasses);
        assert_eq!(between(&silent(None), &silent(None)), Gap::Silence(probe::TIME_LIMIT));
        assert_eq!(between(&silent(no), &tried(Probe::Refused, None)), Gap::Filtered);
        assert_eq!(between(&silent(yes), &tried(Probe::Refused, None)), Gap::AnswersStopped, "as network ACLs do");
        let reached = tried(Probe::Reached(b"SSH-2.0-x".to_vec(), Duration::ZERO), None);
        assert_eq!(between(&silent(no), &reached), Gap::Filtered);
        assert_eq!(between(&tried(Probe::Refused, None), &reached), Gap::Refused);
    }
}
