//! What works on one host? It is checked stage by stage: each hop on the way, then what a copy needs at the end.
//!
//! Main function: [`examine`]. The way is checked hop by hop over connections that stay open, so each is made only
//! once.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::facts::{Facts, QUESTION};
use super::finding::Finding;
use super::row::{Check, Row};
use super::shell::{Agent, asked};
use super::timeline::Timeline;
use crate::auth::Authenticated;
use crate::chain::{Cause, Chain, ChainError, Session, Trail};
use crate::config::Host;
use crate::config::host::Proxy;
use crate::progress::Stage;
use crate::sftp;

/// How long the shell may take to answer.
const TIME_LIMIT: Duration = Duration::from_secs(15);
/// The free space in bytes below which files will not fit.
const ROOM: u64 = 1024 * 1024;
/// The difference between clocks, in seconds, above which certificates and logs become wrong.
const SKEW: i64 = 60;

/// The results for one host.
pub struct HostReport {
    /// The hosts of the way; the last is the one that was asked about.
    pub hops: Vec<Host>,
    /// The checks that were made, in order.
    pub rows: Vec<Row>,
    /// The session with the last host, if it was reached.
    pub session: Option<Session>,
    /// What the server reported about itself, if it has a shell.
    pub facts: Option<Facts>,
    /// The round-trip time to its SFTP server.
    pub round_trip: Option<Duration>,
}

impl HostReport {
    /// The host that was asked about.
    pub fn target(&self) -> &Host {
        self.hops.last().expect("a way has at least its target")
    }

    /// The first check that failed.
    pub fn failure(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.failure().is_some())
    }
}

/// Connects through `hops`, at least one, and examines the last, including the disk that holds `path`. `timeline` must
/// be the observer of `chain`.
pub async fn examine(chain: &Chain, hops: Vec<Host>, path: &[u8], timeline: &Timeline) -> HostReport {
    let mut report = HostReport { hops, rows: Vec::new(), session: None, facts: None, round_trip: None };
    for depth in 1..=report.hops.len() {
        let mark = timeline.mark();
        let reached = chain.way(report.hops[..depth].to_vec()).session(0).await;
        let hop = Hop { host: &report.hops[depth - 1], before: depth.checked_sub(2).map(|at| &report.hops[at]), mark };
        match reached {
            Ok(session) => {
                let rows = hop.reached(&session, timeline);
                report.rows.extend(rows);
                report.session = Some(session);
            }
            Err(error) => {
                let rows = hop.failed(error, timeline);
                report.rows.extend(rows);
                report.session = None;
                return report;
            }
        }
    }
    look_around(&mut report, path).await;
    report
}

/// A hop that was tried.
struct Hop<'a> {
    host: &'a Host,
    before: Option<&'a Host>,
    mark: usize,
}

impl Hop<'_> {
    fn reached(&self, session: &Session, timeline: &Timeline) -> Vec<Row> {
        let stages = timeline.stages(&self.host.alias, self.mark);
        stages.into_iter().map(|(stage, time)| self.row(stage, Some(session), timeline).after(time)).collect()
    }

    /// The stages that were reached, and the one that failed.
    fn failed(&self, error: ChainError, timeline: &Timeline) -> Vec<Row> {
        let stages = timeline.stages(&self.host.alias, self.mark);
        let time = stages.last().map_or(Duration::ZERO, |(_, time)| *time);
        let below = stages.into_iter().filter(|(stage, _)| *stage < error.stage);
        let mut rows: Vec<Row> = below.map(|(stage, time)| self.row(stage, None, timeline).after(time)).collect();
        let about = self.about(error.stage, None, timeline);
        let identification = timeline.identification(&self.host.alias, self.mark);
        let check = Check::Stage(error.stage);
        rows.push(Row::failed(&self.host.alias, check, about, Finding::Stage { error, identification }).after(time));
        rows
    }

    fn row(&self, stage: Stage, session: Option<&Session>, timeline: &Timeline) -> Row {
        Row::good(&self.host.alias, Check::Stage(stage), self.about(stage, session, timeline))
    }

    fn about(&self, stage: Stage, session: Option<&Session>, timeline: &Timeline) -> String {
        let host = self.host;
        match stage {
            Stage::Resolve => host.hostname.value.clone(),
            Stage::Dial => {
                let by = match (&host.proxy.value, self.before) {
                    (Proxy::Command { .. }, _) => " by ProxyCommand".to_owned(),
                    (Proxy::None, Some(before)) => format!(" through {}", before.alias),
                    (Proxy::None, None) => String::new(),
                };
                format!("{} port {}{by}", host.hostname.value, host.port.value)
            }
            Stage::Greet => {
                let said = timeline.identification(&host.alias, self.mark).unwrap_or_default();
                String::from_utf8_lossy(&said).trim_start_matches("SSH-2.0-").to_owned()
            }
            Stage::VerifyHost => session.map_or(String::new(), |session| {
                let verified = session.host_verified();
                format!("{} {}", verified.algorithm(), verified.fingerprint())
            }),
            Stage::Authenticate => {
                let method = session.map(Session::login).map(Authenticated::method);
                let with = method.map(|method| format!(" with {method}")).unwrap_or_default();
                format!("as {}{with}", host.user.value)
            }
            _ => String::new(),
        }
    }
}

/// Examines the last host: SFTP, the shell, and what they report.
async fn look_around(report: &mut HostReport, path: &[u8]) {
    let Some(session) = report.session.clone() else { return };
    let alias = report.target().alias.clone();
    let (began, files) = (Instant::now(), session.sftp().await);
    let files_took = began.elapsed();
    let (began, answer) = (Instant::now(), asked(&session, QUESTION.as_bytes(), Agent::Asked, TIME_LIMIT).await);
    let shell_took = began.elapsed();
    let facts = answer.as_ref().ok().and_then(|output| Facts::read(output));
    let noise = facts.as_ref().map(|facts| facts.noise.clone()).filter(|noise| !noise.is_empty());
    let check = Check::Stage(Stage::StartSftp);
    let (row, files) = match (files, noise) {
        (Ok(files), _) => (Row::good(&alias, check, "files".to_owned()), Some(files)),
        (Err(_), Some(said)) => (Row::failed(&alias, check, "files".to_owned(), Finding::Noisy { said }), None),
        (Err(error), None) => (Row::failed(&alias, check, "files".to_owned(), without_files(error, &answer)), None),
    };
    report.rows.push(row.after(files_took));
    report.rows.push(shell(&alias, answer, facts.as_ref(), files.is_some()).after(shell_took));
    if let Some(files) = &files {
        let looking = disk(&alias, files, path, facts.as_ref());
        report.rows.extend(tokio::time::timeout(TIME_LIMIT, looking).await.unwrap_or_else(|_| mute(&report.hops)));
        report.round_trip = files.round_trip();
    }
    report.rows.extend(facts.iter().flat_map(|facts| told(&alias, facts)));
    report.facts = facts;
}

/// The finding if SFTP does not start: a forced command, if there is one, explains it best.
fn without_files(error: ChainError, answer: &Result<Vec<u8>, ChainError>) -> Finding {
    match (&error.cause, answer) {
        (Cause::Sftp(_), Ok(said)) if Facts::read(said).is_none() => {
            Finding::NoShell { said: said.trim_ascii().to_vec() }
        }
        _ => Finding::Stage { error, identification: None },
    }
}

/// The row for the shell. Without a shell files are still copied; a shell that prints something breaks what runs in it.
fn shell(alias: &str, answer: Result<Vec<u8>, ChainError>, facts: Option<&Facts>, has_files: bool) -> Row {
    let row = |finding, about: &str| match has_files {
        true => Row::remark(alias, Check::Shell, about.to_owned(), finding),
        false => Row::failed(alias, Check::Shell, about.to_owned(), finding),
    };
    match (answer, facts) {
        (_, Some(facts)) if !facts.noise.is_empty() => {
            row(Finding::Noisy { said: facts.noise.clone() }, "runs commands, and prints of its own")
        }
        (_, Some(_)) => Row::good(alias, Check::Shell, "runs commands".to_owned()),
        (Ok(said), None) => row(Finding::NoShell { said: said.trim_ascii().to_vec() }, "runs no command"),
        (Err(error), None) if matches!(error.cause, Cause::Refused(_)) => {
            row(Finding::NoShell { said: Vec::new() }, "runs no command")
        }
        (Err(error), None) => {
            Row::failed(alias, Check::Shell, String::new(), Finding::Stage { error, identification: None })
        }
    }
}

/// The row for an SFTP server that has started but does not answer requests.
fn mute(hops: &[Host]) -> Option<Row> {
    let trail = Trail(hops.iter().map(|hop| hop.alias.clone()).collect());
    let alias = trail.end().to_owned();
    let error = ChainError { trail, stage: Stage::List, cause: Cause::TimedOut(TIME_LIMIT) };
    Some(Row::failed(&alias, Check::Disk, "files".to_owned(), Finding::Stage { error, identification: None }))
}

/// The row for free space and permissions where files would go; none if the server does not report on disks.
async fn disk(alias: &str, files: &sftp::Client, path: &[u8], facts: Option<&Facts>) -> Option<Row> {
    let is_home = path.is_empty() || path == b"~";
    let place = if is_home { "the home folder".to_owned() } else { String::from_utf8_lossy(path).into_owned() };
    let failed = |finding| Some(Row::failed(alias, Check::Disk, place.clone(), finding));
    if is_home && facts.is_some_and(|facts| !facts.has_home) {
        return failed(Finding::NoHome);
    }
    let path = if is_home { b".".to_vec() } else { files.expand_path(path).await.ok()? };
    let system = files.statvfs(&path).await.ok();
    let is_locked = is_home && facts.is_some_and(|facts| !facts.home_is_writable);
    if is_locked || system.is_some_and(|system| system.is_read_only) {
        return failed(Finding::ReadOnly { place: place.clone() });
    }
    let free = system?.bytes_available();
    match free < ROOM {
        true => failed(Finding::DiskFull { place: place.clone(), free }),
        false => Some(Row::good(alias, Check::Disk, format!("{place}: {} free", size(free)))),
    }
}

/// The size in whole units: precise enough to know whether a file fits.
fn size(bytes: u64) -> String {
    match bytes >> 20 {
        mib @ ..10_240 => format!("{mib} MiB"),
        mib => format!("{} GiB", mib >> 10),
    }
}

/// The rows for clock, agent and tools.
fn told(alias: &str, facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64);
    if let Some(ahead) = facts.clock.map(|clock| clock.saturating_sub(now)) {
        rows.push(match ahead.abs() > SKEW {
            true => Row::remark(alias, Check::Clock, "not ours".to_owned(), Finding::ClockSkew { ahead }),
            false => Row::good(alias, Check::Clock, "as here".to_owned()),
        });
    }
    rows.push(match facts.has_agent {
        true => Row::good(alias, Check::Agent, "may be forwarded".to_owned()),
        false => Row::remark(alias, Check::Agent, "not forwarded".to_owned(), Finding::NoAgent),
    });
    let missing: Vec<String> = ["ssh", "sftp"]
        .into_iter()
        .filter(|tool| !facts.tools.iter().any(|has| has == tool))
        .map(str::to_owned)
        .collect();
    rows.push(match missing.is_empty() {
        true => Row::good(alias, Check::Tools, "ssh, sftp".to_owned()),
        false => Row::remark(alias, Check::Tools, String::new(), Finding::Missing(missing)),
    });
    rows
}
