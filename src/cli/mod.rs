//! The front door: the only room that prints, prompts, reads the environment and exits.
//!
//! | file | question |
//! | --- | --- |
//! | `args` `options` `refused` `help` | what may be typed, what is refused and why, what a person reads about it |
//! | [`amounts`] | times and rates as they are typed |
//! | `settings` | flag > `HOP_*` > ssh_config > default, each value with its origin |
//! | `cp` `sync` `ls` `ssh` `doctor` `key` `hosts` `demo` | one thin file a verb |
//! | `folder` `table` | what `ls` finds on a host, and how it looks |
//! | `run` `network` `print` | what the verbs share: a run from start to exit code, the hosts it can reach, lines |
//! | [`report`] | what is said while a verb works: bars, plain lines, JSON |
//! | `library` | what the SSH library logs, under `-vv` |
//! | [`ask`] | questions on the terminal |
//! | [`advice`] | from an error to what a person can do |
//! | [`safe`] | strangers' bytes made harmless |
//! | `process` `surroundings` | core dumps, panics, signals; who runs this, and where |
//! | `unattended` `moment` | a lock, a log and a receipt for runs that nobody watches; dates |

pub mod advice;
pub mod amounts;
mod args;
pub mod ask;
mod cp;
#[cfg(feature = "demo")]
mod demo;
mod doctor;
mod folder;
mod help;
mod hosts;
mod key;
mod lasting;
mod library;
mod ls;
mod moment;
mod network;
mod options;
mod print;
mod process;
mod refused;
pub mod report;
mod run;
pub mod safe;
mod settings;
mod ssh;
mod surroundings;
mod sync;
mod table;
mod unattended;

use std::ffi::OsString;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use rustix::termios::{OutputModes, tcgetattr};

use args::Verb;
use refused::Refusal;
use run::Failure;
use settings::Environment;

use crate::error::Kind;

/// Does what the command line says (its first word is the program's name).
pub fn main(words: Vec<OsString>) -> ExitCode {
    process::begin();
    let code = catch_unwind(AssertUnwindSafe(|| dispatch(&words)));
    ask::restore_terminal();
    ExitCode::from(code.unwrap_or(Kind::Internal.code()))
}

fn dispatch(words: &[OsString]) -> u8 {
    let environment = Environment::of_this_process();
    match refused::parse(words) {
        Err(refusal) => refuse(refusal, words),
        Ok(args) => match args.verb {
            Verb::Cp(cp) => cp::run(&cp, &environment),
            Verb::Sync(sync) => sync::run(*sync, &environment),
            Verb::Ls(ls) => ls::run(&ls, &environment),
            Verb::Ssh(ssh) => ssh::run(&ssh, &environment),
            Verb::Doctor(doctor) => doctor::run(&doctor, &environment),
            Verb::Key(key) => key::run(&key, &environment),
            Verb::Hosts(hosts) => hosts::run(&hosts, &environment),
            #[cfg(feature = "demo")]
            Verb::Demo(demo) => demo::run(&demo),
        },
    }
}

fn refuse(refusal: Refusal, words: &[OsString]) -> u8 {
    let usage = match words.get(1).is_some_and(|verb| verb == "ssh") {
        true => ssh::OWN_FAILURE,
        false => Kind::Usage.code(),
    };
    match refusal {
        Refusal::Shown(text) => match text.print().and_then(|()| io::stdout().flush()).map_err(print::unwritten) {
            Err(error) if !print::is_closed(&error) => Failure::of_file(&error).say_and_exit_code(),
            _ => Kind::Done.code(),
        },
        Refusal::Complaint(text) => {
            text.render().to_string().trim_end().lines().for_each(say);
            usage
        }
        Refusal::Flag { verb, flag, why } => {
            say(&format!("hop {verb}: {flag}: {why}"));
            usage
        }
    }
}

/// One line on standard error, made safe whatever it quotes.
fn say(line: &str) {
    put_line(&safe::line(line));
}

/// One line on standard error. A terminal in raw mode does not go back to the first column by itself.
fn put_line(safe_line: &str) {
    let raw = tcgetattr(io::stderr()).is_ok_and(|modes| !modes.output_modes.contains(OutputModes::OPOST));
    let end = if raw { "\r\n" } else { "\n" };
    let _ = io::stderr().lock().write_all(format!("{safe_line}{end}").as_bytes()); // nowhere is left to complain to
}
