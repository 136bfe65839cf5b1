//! Repairs on this machine, each after a question. Nothing is ever changed on a server.
//!
//! Main function: [`offer`]. A host key that changed is not forgotten here: that is a decision, not a repair.

use std::path::PathBuf;

use crate::auth::{AuthError, close_to_others};
use crate::chain::Cause;
use crate::doctor::{Finding, Row};
use crate::error::Error;
use crate::prompt::Prompt;
use crate::words::words_of;

use crate::cli::advice::shell_word;
use crate::cli::print::printed;

/// A repair that can be made here.
enum Repair {
    /// A key file that others can read.
    CloseKey(PathBuf),
}

/// Offers what can be repaired here of what was found.
pub fn offer(failures: &[&Row], prompt: &dyn Prompt) -> Result<(), Error> {
    let mut repairs: Vec<Repair> = failures.iter().filter_map(|row| repair(row.failure()?)).collect();
    repairs.dedup_by(|one, other| line(one) == line(other));
    if repairs.is_empty() {
        let nothing = "--fix: nothing to repair on this machine";
        return if failures.is_empty() { Ok(()) } else { printed([nothing]) };
    }
    for repair in repairs {
        let what = line(&repair);
        let agreed =
            prompt.answer(&format!("{what}? [y/N] ")).is_ok_and(|answer| matches!(answer.trim(), "y" | "Y" | "yes"));
        printed([match agreed {
            false => format!("not done: {what}"),
            true => match done(&repair) {
                Ok(()) => format!("done: {what}; run hop doctor again"),
                Err(error) => format!("{what}: {}", words_of(&error)),
            },
        }])?;
    }
    Ok(())
}

fn repair(finding: &Finding) -> Option<Repair> {
    match finding {
        Finding::Rung { error, .. } => match &error.cause {
            Cause::Auth(AuthError::Permissions { file, .. }) => Some(Repair::CloseKey(file.clone())),
            _ => None,
        },
        _ => None,
    }
}

fn line(repair: &Repair) -> String {
    match repair {
        Repair::CloseKey(file) => format!("chmod 400 {}", shell_word(&file.to_string_lossy())),
    }
}

fn done(repair: &Repair) -> std::io::Result<()> {
    match repair {
        Repair::CloseKey(file) => close_to_others(file),
    }
}
