//! How does one run of a verb report, work, and end?
//!
//! Main types: [`Run`], [`VerbFailure`]. Only here does an error become words, hints and an exit code.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::config::Host;
use crate::error::{Error, ExitKind};
use crate::progress::Counters;

use super::process;
use crate::cli::advice;
use crate::cli::args::settings::{Loudness, Screen, log_level};
use crate::cli::output::display::{Level, Shows};
use crate::cli::output::reporter::Reporter;
use crate::cli::output::summary::{Record, Summary};
use crate::cli::output::{library_log, safe};

/// A verb that is running.
pub struct Run {
    /// Shows events to people and programs.
    pub reporter: Arc<Reporter>,
    /// The progress so far.
    pub counters: Arc<Counters>,
    started: Instant,
    loud: Loudness,
    ways: Mutex<Vec<Vec<Host>>>,
}

/// Whether the error of a summary was already printed when it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SummaryError {
    /// It was, as a line of its own.
    Already,
    /// It was not.
    NotYet,
}

/// How a verb failed.
#[derive(Debug, Clone, Default)]
pub struct VerbFailure {
    /// The kind of failure, which decides the exit code.
    pub kind: ExitKind,
    /// What happened, safe to print; `None` after a signal.
    pub error: Option<String>,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Run {
    /// Opens the screen.
    pub fn start(screen: &Screen) -> Arc<Run> {
        Run::start_recorded(screen, Vec::new())
    }

    /// Opens the screen, and also writes to these files.
    pub fn start_recorded(screen: &Screen, records: Vec<Box<dyn Record>>) -> Arc<Run> {
        let counters = Arc::new(Counters::default());
        let shows = Shows { face: screen.face.value, data: screen.data, level: screen.level };
        let reporter = Arc::new(Reporter::start(shows, records, counters.clone()));
        if screen.level >= Level::Library {
            library_log::listen(reporter.clone(), screen.level);
        }
        Arc::new(Run { reporter, counters, started: Instant::now(), loud: screen.loud, ways: Mutex::default() })
    }

    /// Remembers a resolved way, because hints need its hosts. From now on, as much is shown as the target's `LogLevel`
    /// asks for.
    pub fn remember(&self, way: &[Host]) {
        let level = way.last().and_then(|target| log_level(&target.log_level));
        if let (Some(level), Loudness::Configuration) = (level, self.loud) {
            self.reporter.set_level(level);
            if level >= Level::Library {
                library_log::listen(self.reporter.clone(), level);
            }
        }
        self.ways.lock().unwrap_or_else(PoisonError::into_inner).push(way.to_vec());
    }

    /// Runs the work on a runtime of its own until it is done or a signal arrives.
    pub fn carry_out<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, VerbFailure> {
        match process::run(work) {
            Err(kind) => Err(VerbFailure { kind, ..VerbFailure::default() }),
            Ok(outcome) => outcome.map_err(|error| self.failure(&error)),
        }
    }

    /// Runs the work on a runtime of its own to its end; the work handles signals itself.
    pub fn carry_out_to_the_end<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, VerbFailure> {
        match process::run_to_the_end(work) {
            Err(kind) => Err(VerbFailure { kind, ..VerbFailure::default() }),
            Ok(outcome) => outcome.map_err(|error| self.failure(&error)),
        }
    }

    /// The failure for an error, in words.
    pub fn failure(&self, error: &Error) -> VerbFailure {
        let ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        VerbFailure {
            kind: error.kind(),
            error: Some(safe::line(error.to_string())),
            hints: advice::hints(error, &ways),
        }
    }

    /// The time since the verb began.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Prints the summary, and after a failure the hints; returns the exit code.
    pub fn finish(&self, summary: Summary, told: SummaryError) -> u8 {
        let error = summary.error.clone().filter(|_| told == SummaryError::NotYet);
        let failure = VerbFailure { kind: summary.kind, error, hints: summary.hints.clone() };
        let came_to = self.reporter.finish(summary);
        failure.say();
        came_to.code()
    }

    /// Clears the screen, and prints what failed.
    pub fn close(&self, failure: Option<&VerbFailure>) {
        self.reporter.close();
        if let Some(failure) = failure {
            failure.say();
        }
    }
}

impl VerbFailure {
    /// A failure of the command line: nothing was begun.
    pub fn usage(error: &anyhow::Error) -> VerbFailure {
        VerbFailure { kind: ExitKind::Usage, error: Some(safe::line(format!("{error:#}"))), hints: Vec::new() }
    }

    /// A failure of a file of this machine: nothing was begun.
    pub fn of_file(error: &Error) -> VerbFailure {
        VerbFailure { kind: error.kind(), error: Some(safe::line(error.to_string())), hints: Vec::new() }
    }

    /// Prints the failure and returns its exit code.
    pub fn say_and_exit_code(&self) -> u8 {
        self.say();
        self.kind.code()
    }

    /// Prints `hop: …`, and the hints below it.
    pub fn say(&self) {
        if let Some(error) = &self.error {
            crate::cli::output::stderr::say(&format!("hop: {error}"));
        }
        self.hints.iter().for_each(|hint| crate::cli::output::stderr::say(&format!("hint: {hint}")));
    }
}
