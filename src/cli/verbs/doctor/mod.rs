//! What does `hop doctor` do? It checks each step of the way to a host and what is between two hosts, and says what to
//! do about the first that fails.
//!
//! Main function: [`run`]. The page goes to standard output; the exit code is that of the first failure.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `fix` `page` `findings` | repairs, the page, what each finding means |
//! | `hop_failures` `pair_unreachable` | a hop that was not reached; two hosts that do not reach each other |
//! | `login_failures` | host keys and logins |
//! | `failed_hop` | the hop that failed |
//! | `explanation` | what a person reads about a finding |

mod explanation;
mod failed_hop;
mod findings;
mod fix;
mod hop_failures;
mod login_failures;
mod page;
mod pair_unreachable;

use std::ffi::OsStr;
use std::sync::Arc;

use crate::chain::Chain;
use crate::config::{ConfigError, Configuration, Flags, Host, Purpose};
use crate::doctor::{Between, Check, HostReport, Outcome, Row, Timeline, between, examine};
use crate::error::{Error, ExitKind};
use crate::prompt::{NoPrompt, Prompt};
use crate::target::{self, HostSpec, Target};

use crate::cli::args::doctor::Doctor;
use crate::cli::args::settings::quiet_screen;
use crate::cli::env::environment::Environment;
use crate::cli::env::host_env;
use crate::cli::output::display::Level;
use crate::cli::output::json::Object;
use crate::cli::output::person::PersonPrompt;
use crate::cli::output::safe;
use crate::cli::output::stdout::{is_closed, printed};
use crate::cli::run::verb_run::Run;
use explanation::Explanation;
use fix::{Done, Repair};

/// Runs the command line, and returns the exit code.
pub fn run(doctor: &Doctor, environment: &Environment) -> u8 {
    let run = Run::start(&quiet_screen(&doctor.output, Level::Remarks));
    let outcome = match run.carry_out(examine_hosts(doctor, environment, &run)) {
        Ok(examination) => {
            told(doctor, &examination, width(environment)).map_err(|error| run.failure(&error)).and_then(|kind| {
                let person = PersonPrompt::of(&environment.variables, &run.reporter);
                let prompt: &dyn Prompt = if doctor.batch { &NoPrompt } else { &person };
                match doctor.fix {
                    true => {
                        fix::offer(&examination.failures(), prompt).map(|()| kind).map_err(|error| run.failure(&error))
                    }
                    false => Ok(kind),
                }
            })
        }
        Err(failure) => Err(failure),
    };
    run.close(outcome.as_ref().err());
    outcome.unwrap_or_else(|failure| failure.kind).code()
}

/// Everything that was found.
struct Examination {
    reports: Vec<HostReport>,
    between: Option<Between>,
}

impl Examination {
    fn rows(&self) -> impl Iterator<Item = &Row> {
        let between = self.between.iter().flat_map(|between| &between.rows);
        self.reports.iter().flat_map(|report| &report.rows).chain(between)
    }

    fn failures(&self) -> Vec<&Row> {
        self.rows().filter(|row| row.failure().is_some()).collect()
    }

    fn ways(&self) -> Vec<Vec<Host>> {
        self.reports.iter().map(|report| report.hops.clone()).collect()
    }
}

async fn examine_hosts(doctor: &Doctor, environment: &Environment, run: &Arc<Run>) -> Result<Examination, Error> {
    let hosts = doctor.hosts.iter().map(|word| host(word)).collect::<Result<Vec<_>, _>>()?;
    let flags = Flags { batch: doctor.batch, ..doctor.connection.flags(Purpose::Sftp) };
    let prompt: Arc<dyn Prompt> = match doctor.batch {
        true => Arc::new(NoPrompt),
        false => Arc::new(PersonPrompt::of(&environment.variables, &run.reporter)),
    };
    let load = || Configuration::load(flags.clone(), host_env::of_this_process(environment.variables.clone()));
    let configuration = match load() {
        Err(ConfigError::Permissions { file, uid, mode }) if doctor.fix => {
            match fix::offer_for(&Repair::CloseConfig(file.clone()), &*prompt)? {
                Done::Yes => load()?,
                Done::No => return Err(ConfigError::Permissions { file, uid, mode }.into()),
            }
        }
        loaded => loaded?,
    };
    let timeline = Arc::new(Timeline::new(run.reporter.clone()));
    let chain = Chain::new(prompt, timeline.clone());
    let mut reports = Vec::new();
    for (host, path) in &hosts {
        let hops = configuration.resolve(host)?;
        run.remember(&hops);
        reports.push(examine(&chain, hops, path, &timeline).await);
    }
    let between = match reports.as_slice() {
        [source, destination] => between(source, destination).await,
        _ => None,
    };
    Ok(Examination { reports, between })
}

/// Parses `HOST`, or `HOST:PATH` as in a copy.
fn host(word: &OsStr) -> Result<(HostSpec, Vec<u8>), Error> {
    match target::parse(word) {
        Ok(Target::Remote(host, path)) => Ok((host, path)),
        _ => Ok((target::parse_host(word)?, Vec::new())),
    }
}

/// The terminal's width, if the shell tells it.
fn width(environment: &Environment) -> usize {
    let columns = environment.variables.get("COLUMNS").and_then(|columns| columns.to_str()?.parse().ok());
    columns.unwrap_or(page::WIDTH).max(40)
}

fn told(doctor: &Doctor, examination: &Examination, width: usize) -> Result<ExitKind, Error> {
    let lines = if doctor.json { objects(examination) } else { page(doctor, examination, width) };
    match printed(lines) {
        Err(error) if is_closed(&error) => {}
        printed => printed?,
    }
    Ok(examination.failures().first().and_then(|row| row.failure()).map_or(ExitKind::Done, findings::kind))
}

/// The tables, then an explanation of the first failure, or otherwise what is worth knowing.
fn page(doctor: &Doctor, examination: &Examination, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for report in &examination.reports {
        let is_short = examination.reports.len() > 1 && report.failure().is_none() && doctor.output.verbose == 0;
        match is_short {
            true => lines.push(page::summary(&trail(report), &report.rows)),
            false => lines.extend(page::rows(&report.rows)),
        }
    }
    lines.extend(examination.between.iter().flat_map(|between| page::rows(&between.rows)));
    let ways = examination.ways();
    match examination.failures().first() {
        Some(row) => {
            lines.push(String::new());
            lines.extend(explanation(row, &ways).iter().flat_map(|explanation| page::advice(explanation, width)));
            lines.extend(examination.between.as_ref().map(until_then));
        }
        None => lines.extend(remarks(examination, &ways)),
    }
    lines
}

/// The sentence about copies if both ends were reached: they work whatever is between the hosts.
fn until_then(between: &Between) -> String {
    let fetches = |row: &&Row| row.check == Check::Route && row.about.contains(" fetches ");
    match between.rows.iter().find(fetches) {
        Some(route) => {
            format!("Until then `hop cp` has {} fetch the files: nothing needs to be said for it.", route.host)
        }
        None => "Until then `hop cp` carries files between the two through this machine: --route relay.".to_owned(),
    }
}

fn remarks(examination: &Examination, ways: &[Vec<Host>]) -> Vec<String> {
    let noted = examination.rows().filter(|row| matches!(row.outcome, Outcome::Remark(_)));
    let texts: Vec<String> = noted
        .filter_map(|row| explanation(row, ways))
        .flat_map(|explanation| {
            let todo = explanation.causes.first().into_iter().flat_map(|cause| cause.todo.iter()).take(1);
            std::iter::once(format!("note: {}", explanation.meaning))
                .chain(todo.map(|line| format!("       {line}")))
                .collect::<Vec<_>>()
        })
        .collect();
    let end = if texts.is_empty() { "All is well." } else { "Nothing is broken." };
    std::iter::once(String::new()).chain(texts).chain([end.to_owned()]).collect()
}

fn explanation(row: &Row, ways: &[Vec<Host>]) -> Option<Explanation> {
    match &row.outcome {
        Outcome::Good => None,
        Outcome::Remark(finding) | Outcome::Failed(finding) => Some(findings::explain(finding, &row.host, ways)),
    }
}

fn trail(report: &HostReport) -> String {
    let names = report.hops.iter().map(|hop| hop.alias.as_str());
    std::iter::once("laptop").chain(names).collect::<Vec<_>>().join(" > ")
}

/// One object for each row, then one for the whole.
fn objects(examination: &Examination) -> Vec<String> {
    let ways = examination.ways();
    let mut lines: Vec<String> = examination.rows().map(|row| object(row, &ways).to_string()).collect();
    let first = examination.failures().first().copied();
    let kind = first.and_then(Row::failure).map_or(ExitKind::Done, findings::kind);
    let last = Object::event("diagnosis").with("exit_code", kind.code()).with("result", kind.name());
    let last =
        last.with("host", first.map(|row| safe::line(&row.host))).with("check", first.map(|row| page::name(row.check)));
    lines.push(last.to_string());
    lines
}

fn object(row: &Row, ways: &[Vec<Host>]) -> Object {
    let outcome = match &row.outcome {
        Outcome::Good => "good",
        Outcome::Remark(_) => "remark",
        Outcome::Failed(_) => "failed",
    };
    let explanation = explanation(row, ways).unwrap_or_default();
    let causes: Vec<serde_json::Value> = explanation
        .causes
        .iter()
        .map(|cause| {
            let todo: Vec<String> = cause.todo.iter().map(safe::line).collect();
            serde_json::json!({ "cause": safe::line(&cause.what), "todo": todo })
        })
        .collect();
    let meaning = Some(&explanation.meaning).filter(|meaning| !meaning.is_empty());
    Object::event("check")
        .text("host", &row.host)
        .with("check", page::name(row.check))
        .with("outcome", outcome)
        .text("about", &row.about)
        .with("seconds", row.time.map(|time| time.as_secs_f64()))
        .with("meaning", meaning.map(safe::line))
        .with("causes", causes)
}
