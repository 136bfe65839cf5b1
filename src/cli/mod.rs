//! The front door: the only room that prints, prompts, reads the environment and exits.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `verbs` | one thin file for each verb |
//! | `run` | a run from start to exit code, the hosts it can reach, signals, locks |
//! | `args` `advice` | what may be typed, and what it means; from an error to what a person can do |
//! | `env` `output` | who runs hop, and where; what is printed, and to whom |

pub mod advice;
mod args;
mod env;
pub mod output;
mod run;
mod verbs;

use std::ffi::OsString;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use crate::cli::env::environment::Environment;
use args::command_line::Verb;
use args::parse::{self, NotParsed};
use output::person::withdraw_question;
use output::stderr::say;
use output::stdout;
use run::process;
use run::verb_run::VerbFailure;
#[cfg(feature = "demo")]
use verbs::demo;
use verbs::{cp, doctor, hosts, key, ls, ssh, sync};

use crate::error::ExitKind;

/// Runs the command line, whose first word is the program's name.
pub fn main(words: Vec<OsString>) -> ExitCode {
    process::begin();
    let code = catch_unwind(AssertUnwindSafe(|| dispatch(&words)));
    withdraw_question();
    ExitCode::from(code.unwrap_or(ExitKind::Internal.code()))
}

fn dispatch(words: &[OsString]) -> u8 {
    let environment = Environment::of_this_process();
    match parse::parse(words) {
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

fn refuse(refusal: NotParsed, words: &[OsString]) -> u8 {
    let usage = match words.get(1).is_some_and(|verb| verb == "ssh") {
        true => ssh::exit_status::OWN_FAILURE,
        false => ExitKind::Usage.code(),
    };
    match refusal {
        NotParsed::Shown(text) => match text.print().and_then(|()| io::stdout().flush()).map_err(stdout::unwritten) {
            Err(error) if !stdout::is_closed(&error) => VerbFailure::of_file(&error).say_and_exit_code(),
            _ => ExitKind::Done.code(),
        },
        NotParsed::Complaint(text) => {
            text.render().to_string().trim_end().lines().for_each(say);
            usage
        }
        NotParsed::Flag { verb, flag, why } => {
            say(&format!("hop {verb}: {flag}: {why}"));
            usage
        }
    }
}
