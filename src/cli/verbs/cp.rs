//! What does `hop cp` do? Words become a job, the job is run, and its result is printed.

use std::sync::Arc;
use std::time::Duration;

use crate::copy::{self, Job, Location, Options, Report, copy};
use crate::error::{Error, ExitKind};
use crate::lend::{Auth, Weakest};
use crate::progress::Counters;
use crate::target::{self, Target};

use crate::cli::args::cp::Cp;
use crate::cli::args::settings::{Spread, copy_screen, spread};
use crate::cli::args::unattended::Unattended;
use crate::cli::args::values::{Count, DirectAuth, RouteChoice, SymlinkChoice};
use crate::cli::env::environment::Environment;
use crate::cli::output::numbers;
use crate::cli::output::summary::Summary;
use crate::cli::run::network::Network;
use crate::cli::run::unattended::LockedDestination;
use crate::cli::run::verb_run::{Run, SummaryError, VerbFailure};

/// Copies, and returns the exit code.
pub fn run(cp: &Cp, environment: &Environment) -> u8 {
    carry_out(cp, environment, |options| options)
}

/// Copies with options that `change` has adjusted for the verb, and returns the exit code.
pub fn carry_out(cp: &Cp, environment: &Environment, change: impl FnOnce(Options) -> Options) -> u8 {
    let settings = copy_screen(environment, &cp.output, &cp.progress, &cp.copying)
        .and_then(|screen| Ok((screen, spread(environment, &cp.copying)?)))
        .and_then(|(screen, spread)| {
            let options = change(cp.reliability.apply(environment, options(cp, &spread))?);
            Ok((screen, spread, options))
        });
    let (screen, spread, options) = match settings {
        Ok(settings) => settings,
        Err(wrong) => return VerbFailure::usage(&wrong).say_and_exit_code(),
    };
    let records = match cp.unattended.records(&cp.sources, &cp.destination) {
        Ok(records) => records,
        Err(error) => return VerbFailure::of_file(&error).say_and_exit_code(),
    };
    let run = Run::start_recorded(&screen, records);
    let outcome = run.carry_out(async {
        let (job, destination) = job(cp, &spread, options, environment, &run)?;
        let wanted = if cp.copying.dry_run { &Unattended::default() } else { &cp.unattended };
        let _lock = wanted.lock(&cp.destination, &destination, environment, &run).await?;
        Ok(copy(job, run.reporter.clone(), run.counters.clone()).await?)
    });
    let (summary, told) = match outcome {
        Ok(report) => arrived(report, cp, &run),
        Err(failure) => (broken(failure, cp, &run), SummaryError::NotYet),
    };
    run.finish(summary, told)
}

/// The job, and its destination in the form that a lock needs.
fn job(
    cp: &Cp,
    spread: &Spread,
    options: Options,
    environment: &Environment,
    run: &Arc<Run>,
) -> Result<(Job, LockedDestination), Error> {
    let words = cp.sources.iter().chain([&cp.destination]);
    let targets = words.map(|word| target::parse(word)).collect::<Result<Vec<_>, _>>()?;
    let network = Network::read(cp.flags(), environment, run)?.spread_over(spread.connections.value);
    let mut ends = targets.into_iter().map(|target| end(target, &network)).collect::<Result<Vec<_>, _>>()?;
    let (destination, place) = ends.pop().ok_or_else(|| Error::Internal("a copy without a destination".to_owned()))?;
    let sources = ends.into_iter().map(|(end, _)| end).collect();
    Ok((Job { sources, destination, options }, place))
}

fn end(target: Target, network: &Network) -> Result<(Location, LockedDestination), Error> {
    Ok(match target {
        Target::Local(path) => (Location::Local(path.clone()), LockedDestination::Here(path)),
        Target::Remote(host, path) => {
            let hosts = network.resolve(&host)?;
            let way = network.way_over(hosts.clone());
            (Location::Remote(Arc::new(way), path.clone()), LockedDestination::There(hosts, path))
        }
    })
}

fn options(cp: &Cp, spread: &Spread) -> Options {
    Options {
        recursive: cp.copying.recursive,
        preserve: cp.copying.preserve,
        symlinks: match cp.copying.symlinks.unwrap_or(SymlinkChoice::Follow) {
            SymlinkChoice::Follow => copy::Symlinks::Follow,
            SymlinkChoice::Keep => copy::Symlinks::Keep,
            SymlinkChoice::Skip => copy::Symlinks::Skip,
        },
        dry_run: cp.copying.dry_run,
        lanes: match spread.lanes.value {
            Count::Auto => None,
            Count::Exactly(lanes) => Some(lanes),
        },
        route: match spread.route.value {
            RouteChoice::Auto => copy::RoutePreference::Auto,
            RouteChoice::Direct => copy::RoutePreference::Direct,
            RouteChoice::Relay => copy::RoutePreference::Relay,
        },
        direct: copy::DirectOptions {
            peer: cp.copying.peer_address.clone(),
            fetch_from: cp.copying.fetch_from.clone(),
            weakest: if cp.copying.require_hostbound { Weakest::Hostbound } else { Weakest::Any },
            auth: match spread.direct_auth.value {
                DirectAuth::Agent => Auth::Agent,
                DirectAuth::Ephemeral => Auth::Ephemeral,
            },
        },
        ..Options::default()
    }
}

/// The summary of a run that came to its end; some files may have failed, which was printed when it happened.
fn arrived(report: Report, cp: &Cp, run: &Run) -> (Summary, SummaryError) {
    let came_to = report.kind();
    let counted = Summary { route: Some(report.route.to_string()), ..counted(cp, run) };
    let (failures, files) = (report.failures, report.files);
    let first = report.failed.into_iter().next().map(|failed| run.failure(&Error::from(failed.error)));
    let (Some(came_to), Some(first)) = (came_to, first) else { return (counted, SummaryError::NotYet) };
    let kind = if came_to == copy::Kind::Several { ExitKind::SomeFailed } else { first.kind };
    let is_alone = failures == 1 && files == 0;
    let counts = format!("{} failed, {} arrived", numbers::files(failures), numbers::files(files));
    let (error, told) =
        if is_alone { (first.error, SummaryError::Already) } else { (Some(counts), SummaryError::NotYet) };
    (Summary { kind, error, hints: first.hints, ..counted }, told)
}

/// The summary of a run that was given up.
fn broken(failure: VerbFailure, cp: &Cp, run: &Run) -> Summary {
    let signal = || "stopped by a signal; a file on its way is left as .NAME.hop-ID.part".to_owned();
    let error = failure.error.unwrap_or_else(signal);
    Summary { kind: failure.kind, error: Some(error), hints: failure.hints, ..counted(cp, run) }
}

fn counted(cp: &Cp, run: &Run) -> Summary {
    let get = Counters::get;
    let (files, bytes) = match cp.copying.dry_run {
        true => (get(&run.counters.files_total), get(&run.counters.bytes_total)),
        false => (get(&run.counters.files_done), get(&run.counters.bytes_done)),
    };
    Summary {
        files_done: files,
        files_failed: get(&run.counters.files_failed),
        unchanged: get(&run.counters.files_unchanged),
        skipped: get(&run.counters.skipped),
        kept: get(&run.counters.bytes_kept),
        removed: get(&run.counters.removed),
        bytes,
        elapsed: run.elapsed().max(Duration::from_millis(1)),
        dry_run: cp.copying.dry_run,
        ..Summary::default()
    }
}
