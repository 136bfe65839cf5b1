//! What holds for the whole process? No core dumps; a panic prints one line; a signal ends the run with its own exit
//! code.
//!
//! Main functions: [`begin`], [`run`], [`runtime`]. The umask is left alone: the modes of new files are up to the user.

use std::future::Future;
use std::io;
use std::panic::PanicHookInfo;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Receiver, channel};

use crate::error::ExitKind;

use crate::cli::output::person::withdraw_question;
use crate::cli::output::{safe, terminal};

/// How long a run may take after a signal to print how it ended.
const LAST_WORDS: Duration = Duration::from_secs(4);

/// Prepares the process, before any secret is in memory.
pub fn begin() {
    no_core_dumps();
    std::panic::set_hook(Box::new(one_line));
}

fn no_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none); // lowering a limit is always allowed
}

/// Runs `work` to its end, or until INT, TERM or HUP: then `work` is dropped at once, which leaves parts and nothing
/// else.
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

/// Ends the process at the next signal, or if the last output takes too long because its reader may have stopped.
fn end_anyway(kind: ExitKind) {
    std::thread::spawn(move || {
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            // in either case it is over
            let _ = runtime.block_on(async { tokio::time::timeout(LAST_WORDS, signalled()).await });
        }
        withdraw_question();
        std::process::exit(kind.code().into());
    });
}

/// Runs `work` to its end; it handles signals itself ([`endings`]).
pub fn run_to_the_end<T>(work: impl Future<Output = T>) -> Result<T, ExitKind> {
    let runtime = runtime().map_err(|_| ExitKind::Internal)?;
    let done = runtime.block_on(work);
    runtime.shutdown_background(); // a thread may still read standard input
    Ok(done)
}

/// The signals that should end the run, as they arrive, by their names without `SIG`.
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

/// The exit code of a program that the signal `name` ended.
pub fn code_of(name: &str) -> u8 {
    match name {
        "HUP" => ExitKind::Hangup.code(),
        "QUIT" => 131,
        "TERM" => ExitKind::Terminated.code(),
        _ => ExitKind::Interrupted.code(),
    }
}

/// The runtime for all asynchronous work.
pub fn runtime() -> io::Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    outlive_long_files(&runtime);
    Ok(runtime)
}

/// Makes a file beyond the size limit (`ulimit -f`) an error of that file: without a handler, the signal that comes
/// with it ends the process. A handler stays once it is set.
fn outlive_long_files(runtime: &Runtime) {
    let _inside = runtime.enter();
    drop(signal(SignalKind::from_raw(Signal::XFSZ.as_raw())));
}

/// Resolves when the user or the system wants the run to end. Signals that were ignored from the start (`nohup`, a
/// background job of a script) stay ignored.
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

/// Whether a signal is ignored, according to the kernel (`SigIgn` of proc(5)); elsewhere none counts as ignored.
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
