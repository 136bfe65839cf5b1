//! Straight from one private server to the other, on real sshds: the source's own ssh sends the bytes, with a login that
//! is lent to it. Or the other's own ssh fetches them ([`fetching`]).

mod again;
mod attacked;
mod begins;
mod busybox;
mod edits;
mod ends;
mod ephemeral;
mod files;
mod gone;
mod life;
mod put;
mod refusals;
mod reverse;
mod staged;
pub mod tools;
mod traces;
mod unreachable;

use std::ffi::OsStr;
use std::process::Command;

use crate::street::{Outcome, Street, run};

/// `hop cp` with these words, telling what it does.
fn cp<W: AsRef<OsStr>>(street: &Street, words: impl IntoIterator<Item = W>) -> Command {
    let mut command = street.hop("cp");
    command.args(["--progress", "plain"]).args(words);
    command
}

/// The options with which the destination fetches from `source`.
fn fetching(street: &Street, source: &str) -> [String; 2] {
    ["--fetch-from".to_owned(), street.server(source).address.to_string()]
}

/// Whether what is told begins so; on a busy machine a line of progress may come before.
fn begins(ran: &Outcome, with: &str) -> bool {
    ran.stderr.lines().find(|line| !line.contains(" of 0 files")).is_some_and(|line| line.starts_with(with))
}

/// Runs it; it succeeds, goes straight, and one signature is lent for it.
fn goes_straight(mut command: Command) -> Outcome {
    let ran = run(&mut command);
    let is_well = ran.code == Some(0) && is_direct(&ran.stderr);
    assert!(
        is_well && ran.stderr.contains("\nagent: 1 signature for ") && ran.stderr.contains(", 0 refused\n"),
        "{ran}"
    );
    ran
}

/// Whether it says so; before that it may have told how far it was.
fn is_direct(stderr: &str) -> bool {
    stderr.lines().any(|line| line.starts_with("direct: "))
}

/// Whether bytes have arrived at dell-pvt, in a part.
fn under_way(street: &Street) -> bool {
    let has_some = |part: &std::path::PathBuf| part.metadata().is_ok_and(|found| found.len() > 0);
    Street::parts(street.home(crate::street::DELL_PVT)).iter().any(has_some)
}

/// Does all of it at the same time, in the test's name: what waits for links and limits need not wait in turn.
pub fn at_once<T: Send>(of: impl IntoIterator<Item = T>, each: impl Fn(T) + Sync) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    std::thread::scope(|scope| {
        for one in of {
            let (each, thread) = (&each, std::thread::Builder::new().name(name.clone()));
            thread.spawn_scoped(scope, move || each(one)).expect("a thread");
        }
    });
}
