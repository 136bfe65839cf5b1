//! What does `hop key` do? It shows which keys the configuration names and what is wrong with them, and corrects their
//! modes.
//!
//! Main function: [`run`]. Findings and repairs are printed on standard output; the exit code is 77 as long as
//! something is wrong.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `key_files` | which files, and for which hosts |

mod key_files;

use crate::auth::{Holds, Inspection, KeyProblem, close_to_others};
use crate::config::Configuration;
use crate::error::{Error, ExitKind};
use crate::prompt::Prompt;
use crate::words::words_of;

use crate::cli::advice;
use crate::cli::args::flag_groups::OutputFlags;
use crate::cli::args::key::{Key, KeyTask};
use crate::cli::args::settings::quiet_screen;
use crate::cli::env::environment::Environment;
use crate::cli::env::host_env;
use crate::cli::output::display::Level;
use crate::cli::output::json::Object;
use crate::cli::output::person::PersonPrompt;
use crate::cli::output::safe;
use crate::cli::output::stdout::{is_closed, printed};
use crate::cli::run::verb_run::Run;
use key_files::Used;

/// Runs the command line, and returns the exit code.
pub fn run(key: &Key, environment: &Environment) -> u8 {
    let run = Run::start(&quiet_screen(&OutputFlags { quiet: false, verbose: 0 }, Level::Remarks));
    let outcome = match &key.task {
        KeyTask::Check(check) => keys(key, &check.files, environment).and_then(|keys| match check.json {
            true => printed(keys.iter().map(|key| json(key).to_string())).map(|()| verdict(&keys)),
            false => printed(described(&keys)).map(|()| verdict(&keys)),
        }),
        KeyTask::Fix(fix) => keys(key, &fix.files, environment).and_then(|keys| {
            let prompt = PersonPrompt::of(&environment.variables, &run.reporter);
            mend(&keys, if fix.yes { None } else { Some(&prompt) })
        }),
    };
    let outcome = match outcome {
        Err(error) if is_closed(&error) => Ok(ExitKind::Done),
        outcome => outcome.map_err(|error| run.failure(&error)),
    };
    run.close(outcome.as_ref().err());
    outcome.unwrap_or_else(|failure| failure.kind).code()
}

fn keys(key: &Key, files: &[std::path::PathBuf], environment: &Environment) -> Result<Vec<Used>, Error> {
    if !files.is_empty() {
        return Ok(files.iter().map(|file| Used::alone(file)).collect());
    }
    let flags = crate::config::Flags { config_file: key.config_file.clone(), ..Default::default() };
    let configuration = Configuration::load(flags, host_env::of_this_process(environment.variables.clone()))?;
    key_files::of(&configuration)
}

fn verdict(keys: &[Used]) -> ExitKind {
    if keys.iter().all(|key| key.found.is_fit()) { ExitKind::Done } else { ExitKind::Permissions }
}

fn described(keys: &[Used]) -> Vec<String> {
    let mut lines: Vec<String> = keys.iter().flat_map(paragraph).collect();
    let wrong = keys.iter().filter(|key| !key.found.is_fit()).count();
    let open = keys.iter().any(|key| is_open(&key.found));
    lines.push(match (keys.len(), wrong) {
        (0, _) => "no key files: name one with `IdentityFile` in ~/.ssh/config, or `hop hosts add … --key FILE`".into(),
        (count, 0) => format!("{}, nothing wrong", plural(count)),
        (count, wrong) if open => {
            format!("{}, {wrong} wrong; `hop key fix` closes to others what they can reach", plural(count))
        }
        (count, wrong) => format!("{}, {wrong} wrong", plural(count)),
    });
    lines
}

fn plural(count: usize) -> String {
    if count == 1 { "1 key".to_owned() } else { format!("{count} keys") }
}

fn is_open(found: &Inspection) -> bool {
    matches!(found.problem, Some(KeyProblem::TooOpen(_)))
}

/// The lines about one key, for people.
fn paragraph(key: &Used) -> Vec<String> {
    let found = &key.found;
    let mut lines = vec![found.file.display().to_string()];
    let mut facts = vec![kind(found)];
    facts.extend(found.mode.map(|mode| format!("mode {mode:04o}")));
    facts.extend(found.owner.map(|owner| format!("owner {}", host_env::user_of(owner))));
    facts
        .extend(Some(&found.comment).filter(|comment| !comment.is_empty()).map(|comment| format!("comment {comment}")));
    if found.mode.is_some() {
        lines.push(format!("  {}", facts.join(", ")));
    }
    lines.extend(found.fingerprint.iter().map(|fingerprint| format!("  {fingerprint}")));
    if !key.hosts.is_empty() {
        lines.push(format!("  used by {}", key.hosts.join(", ")));
    }
    if let Some(problem) = &found.problem {
        lines.push(format!("  wrong: {problem}"));
        lines.extend(advice::of_key(&found.file, problem).into_iter().map(|hint| format!("  hint: {hint}")));
    }
    lines.push(String::new());
    lines
}

fn kind(found: &Inspection) -> String {
    let algorithm = found.algorithm.as_deref().unwrap_or_default();
    let bits = found.bits.map(|bits| format!(" {bits}")).unwrap_or_default();
    let what = match found.holds {
        Holds::PrivateKey => "private key without a passphrase",
        Holds::EncryptedKey => "private key with a passphrase",
        Holds::PublicKey => "public key (an agent must hold the private one)",
        Holds::Certificate => "certificate",
        Holds::Nothing => "no key",
    };
    format!("{algorithm}{bits} {what}").trim_start().to_owned()
}

fn json(key: &Used) -> Object {
    let found = &key.found;
    let holds = match found.holds {
        Holds::PrivateKey | Holds::EncryptedKey => "private_key",
        Holds::PublicKey => "public_key",
        Holds::Certificate => "certificate",
        Holds::Nothing => "nothing",
    };
    let encrypted = match found.holds {
        Holds::EncryptedKey => Some(true),
        Holds::PrivateKey => Some(false),
        _ => None,
    };
    let hint = found.problem.as_ref().and_then(|problem| advice::of_key(&found.file, problem));
    Object::default()
        .name("file", found.file.as_os_str().as_encoded_bytes())
        .with("holds", holds)
        .with("type", found.algorithm.clone())
        .with("bits", found.bits)
        .with("fingerprint", found.fingerprint.clone())
        .text("comment", &found.comment)
        .with("encrypted", encrypted)
        .with("owner", found.owner)
        .with("mode", found.mode.map(|mode| format!("{mode:04o}")))
        .with("hosts", key.hosts.iter().map(safe::line).collect::<Vec<_>>())
        .with("problem", found.problem.as_ref().map(|problem| safe::line(problem.to_string())))
        .with("hint", hint.map(safe::line))
}

/// Removes other users' access to key files; asks first if there is a prompt.
fn mend(keys: &[Used], prompt: Option<&dyn Prompt>) -> Result<ExitKind, Error> {
    let mut kind = ExitKind::Done;
    for found in keys.iter().map(|key| &key.found) {
        let Some(problem) = &found.problem else { continue };
        let hint = advice::of_key(&found.file, problem).unwrap_or_default();
        let line = match is_open(found) {
            false => Err(format!("{}: {problem}{}", found.file.display(), bracketed(&hint))),
            true if !agreed(prompt, &hint) => Err(format!("not done: {hint}")),
            true => match close_to_others(&found.file) {
                Ok(()) => Ok(format!("done: {hint}")),
                Err(error) => Err(format!("{}: {}", found.file.display(), words_of(&error))),
            },
        };
        if line.is_err() {
            kind = ExitKind::Permissions;
        }
        printed([line.unwrap_or_else(|line| line)])?;
    }
    Ok(kind)
}

fn bracketed(hint: &str) -> String {
    if hint.is_empty() { String::new() } else { format!(" ({hint})") }
}

/// Whether the person agrees. With `-y` nobody is asked; without a terminal nothing is done.
fn agreed(prompt: Option<&dyn Prompt>, what: &str) -> bool {
    let Some(prompt) = prompt else { return true };
    prompt.agrees(what).unwrap_or(false)
}
