//! This process: no core dumps, a panic is one line, a signal ends the run with its own exit code.
//!
//! Main functions: [`begin`], [`run`], [`runtime`]. The umask is left alone: new files are the user's own affair.

use std::future::Future;
use std::io;
use std::panic::PanicHookInfo;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Receiver, channel};

use crate::error::ExitKind;

use crate::cli::output::{safe, terminal};

/// How long a run may go on after a signal, to say how it ended.
const LAST_WORDS: Duration = Duration::from_secs(4);

/// Before anything else: secrets may come into memory from here on.
pub fn begin() {
    no_core_dumps();
    std::panic::set_hook(Box::new(one_line));
}

fn no_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none); // lowering a limit is always allowed
}

/// Runs `work` to its end, or until INT, TERM or HUP: then `work` is dropped where it stands, which leaves parts and
/// nothing else.
pub fn run<T>(work: impl Future<Output = T>) -> Result<T, ExitKind> {
    let runtime = runtime().map_err(|_| ExitKind::Internal)?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            kind = signalled() => Err(kind),
            done = work => Ok(done),
        }
    });
    if let Err(kind) = &outcome {
        end_anyway(*kind);
    }
    runtime.shutdown_background(); // a thread may still wait for an answer on the terminal
    outcome
}

/// Ends the process at the next signal, or when its last words take too long: a reader of ours may have stopped.
fn end_anyway(kind: ExitKind) {
    std::thread::spawn(move || {
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            // either way it is over
            let _ = runtime.block_on(async { tokio::time::timeout(LAST_WORDS, signalled()).await });
        }
        terminal::restore_terminal();
        std::process::exit(kind.code().into());
    });
}

/// Runs `work` to its end; signals are its own affair ([`endings`]).
pub fn run_to_the_end<T>(work: impl Future<Output = T>) -> Result<T, ExitKind> {
    let runtime = runtime().map_err(|_| ExitKind::Internal)?;
    let done = runtime.block_on(work);
    runtime.shutdown_background(); // a thread may still read standard input
    Ok(done)
}

/// The signals that should end the run, as they come: names without `SIG`.
pub fn endings() -> Receiver<&'static str> {
    let (names, queue) = channel(1);
    let ours = [
        ("INT", Signal::INT, SignalKind::interrupt()),
        ("TERM", Signal::TERM, SignalKind::terminate()),
        ("HUP", Signal::HUP, SignalKind::hangup()),
        ("QUIT", Signal::QUIT, SignalKind::quit()),
    ];
    for (name, which, kind) in ours {
        let names = names.clone();
        tokio::spawn(async move {
            loop {
                received(which, kind).await;
                if names.send(name).await.is_err() {
                    return; // the run has ended by itself
                }
            }
        });
    }
    queue
}

/// The exit code of a program that `name` ended.
pub fn code_of(name: &str) -> u8 {
    match name {
        "HUP" => ExitKind::Hangup.code(),
        "QUIT" => 131,
        "TERM" => ExitKind::Terminated.code(),
        _ => ExitKind::Interrupted.code(),
    }
}

/// What everything asynchronous runs on.
pub fn runtime() -> io::Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    outlive_long_files(&runtime);
    Ok(runtime)
}

/// A file beyond the limit on sizes (`ulimit -f`) is an error of that file; by default the signal that comes with it ends
/// the process. A handler, once there, stays.
fn outlive_long_files(runtime: &Runtime) {
    let _inside = runtime.enter();
    drop(signal(SignalKind::from_raw(Signal::XFSZ.as_raw())));
}

/// Resolves when the user or the system wants the run to end. Signals ignored from the start (`nohup`, a background
/// job of a script) stay ignored.
async fn signalled() -> ExitKind {
    tokio::select! {
        () = received(Signal::INT, SignalKind::interrupt()) => ExitKind::Interrupted,
        () = received(Signal::TERM, SignalKind::terminate()) => ExitKind::Terminated,
        () = received(Signal::HUP, SignalKind::hangup()) => ExitKind::Hangup,
    }
}

async fn received(which: Signal, kind: SignalKind) {
    if !is_ignored(which)
        && let Ok(mut signals) = signal(kind)
    {
        signals.recv().await;
        return;
    }
    std::future::pending().await
}

/// As the kernel has it (`SigIgn` of proc(5)); elsewhere no signal counts as ignored.
fn is_ignored(which: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (which.as_raw() - 1) & 1 == 1
}

fn one_line(info: &PanicHookInfo<'_>) {
    terminal::restore_terminal();
    let said = info.payload();
    let words = said.downcast_ref::<&str>().copied().or(said.downcast_ref::<String>().map(String::as_str));
    let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
    crate::cli::output::stderr::say(&format!(
        "hop: internal error: {}{place}",
        safe::line(words.unwrap_or("no words"))
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_ends_by_itself_gives_its_value() {
        assert_eq!(run(async { 7 }), Ok(7));
    }

    #[test]
    fn a_crash_leaves_no_secrets_on_disk() {
        no_core_dumps();
        assert_eq!(rustix::process::getrlimit(Resource::Core), Rlimit { current: Some(0), maximum: Some(0) });
    }

    #[test]
    fn the_pipe_signal_is_the_one_a_rust_program_ignores() {
        assert!(is_ignored(Signal::PIPE));
        assert!(!is_ignored(Signal::CHILD));
    }
}
