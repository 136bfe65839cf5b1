//! Every word a person or a script sees: help, refusals, reports, advice, and the terminal.
//!
//! Texts are snapshots (`snapshots/`); after a wanted change: `INSTA_UPDATE=always cargo test --test suite cli::`.

mod askpass;
mod devices;
mod help;
mod in_sshs_place;
mod keys;
mod keywords;
mod ls;
mod reports;
mod street;
mod terminal;
mod usage;
mod words;

use std::path::Path;
use std::process::Command;

use crate::street::{Outcome, run};

/// The real binary, in a home folder of its own, with an empty environment.
fn hop(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hop"));
    command.env_clear().env("HOME", home).env("HOP_HOME", home).env("PATH", "/usr/bin:/bin").current_dir(home);
    command
}

/// Runs it in an empty home folder with these words.
fn say(words: &str) -> Outcome {
    let home = tempfile::tempdir().expect("a home folder");
    run(hop(home.path()).args(words.split_whitespace()))
}

/// What the caller is called.
fn user_here() -> String {
    run(Command::new("id").arg("-un")).stdout.trim_end().to_owned()
}
