//! What can be repaired on this machine? Each repair is offered with a question. Nothing is ever changed on a server.
//!
//! Main functions: [`offer`], and [`offer_for`] for a configuration that cannot even be read.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::auth::{AuthError, close_to_others};
use crate::chain::Cause;
use crate::doctor::{Finding, Row};
use crate::error::Error;
use crate::prompt::Prompt;
use crate::trust::{KnownAt, TrustError, forget};
use crate::words::words_of;

use crate::cli::advice::shell_word;
use crate::cli::output::stdout::printed;

/// A repair that can be made here.
pub enum Repair {
    /// A key file that others can read.
    CloseKey(PathBuf),
    /// A configuration file that others can change.
    CloseConfig(PathBuf),
    /// Keys that a host no longer has.
    Forget(String, Vec<KnownAt>),
}

/// Whether a repair was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It was agreed to and made.
    Yes,
    /// It was not.
    No,
}

/// Offers the repairs on this machine for what was found.
pub fn offer(failures: &[&Row], prompt: &dyn Prompt) -> Result<(), Error> {
    let mut repairs: Vec<Repair> = failures.iter().filter_map(|row| Repair::of(row.failure()?)).collect();
    repairs.dedup_by(|one, other| one.line() == other.line());
    if repairs.is_empty() && !failures.is_empty() {
        printed(["--fix: nothing to repair on this machine"])?;
    }
    repairs.iter().try_for_each(|repair| offer_for(repair, prompt).map(drop))
}

/// Offers one repair.
pub fn offer_for(repair: &Repair, prompt: &dyn Prompt) -> Result<Done, Error> {
    let what = repair.line();
    let (line, done) = match repair.is_agreed(prompt) {
        false => (format!("not done: {what}"), Done::No),
        true => match repair.make() {
            Ok(()) => (format!("done: {what}"), Done::Yes),
            Err(error) => (format!("{what}: {}", words_of(&error)), Done::No),
        },
    };
    printed([line]).map(|()| done)
}

impl Repair {
    fn of(finding: &Finding) -> Option<Repair> {
        let Finding::Stage { error, .. } = finding else { return None };
        match &error.cause {
            Cause::Auth(AuthError::Permissions { file, .. }) => Some(Repair::CloseKey(file.clone())),
            Cause::Trust(TrustError::Changed { host, known, .. }) => Some(Repair::Forget(host.clone(), known.clone())),
            _ => None,
        }
    }

    fn line(&self) -> String {
        match self {
            Repair::CloseKey(file) => format!("chmod 400 {}", word(file)),
            Repair::CloseConfig(file) => format!("chmod go-w {}", word(file)),
            Repair::Forget(host, known) => {
                let file = known.first().map(|at| format!(" -f {}", word(&at.file))).unwrap_or_default();
                format!("ssh-keygen -R {}{file}", shell_word(host))
            }
        }
    }

    /// Whether the person wants it; what may hide an attack needs a yes in full.
    fn is_agreed(&self, prompt: &dyn Prompt) -> bool {
        let Repair::Forget(host, _) = self else { return prompt.agrees(&self.line()).unwrap_or(false) };
        let question = format!(
            "The key of {host} changed. This may be an attack: go on only if you know why it changed.\n{}? Type yes in \
             full to do it: ",
            self.line()
        );
        prompt.answer(&question).is_ok_and(|answer| answer.trim() == "yes")
    }

    fn make(&self) -> io::Result<()> {
        match self {
            Repair::CloseKey(file) => close_to_others(file),
            Repair::CloseConfig(file) => close_config(file),
            Repair::Forget(host, known) => match forget(host, known)? {
                0 => Err(io::Error::other("the lines are no longer there")),
                _ => Ok(()),
            },
        }
    }
}

/// Removes write permission from everybody but the owner, who must be the caller.
fn close_config(file: &Path) -> io::Result<()> {
    let file = File::open(file)?;
    let metadata = file.metadata()?;
    if metadata.uid() != rustix::process::getuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to somebody else"));
    }
    file.set_permissions(Permissions::from_mode(metadata.mode() & 0o7755))
}

fn word(file: &Path) -> String {
    shell_word(&file.to_string_lossy())
}
