//! What runs on this machine once the login is done (`LocalCommand`)? A line for the user's shell, with hop's own streams.
//!
//! Main function: [`run`]. As with ssh, the session waits for its end, whatever that is.

use std::os::fd::OwnedFd;
use std::process::Stdio;

use tokio::process::Command;

use crate::cli::output::stderr::say;
use crate::config::LocalCommand;

/// Runs the command to its end; `errors` is its standard error.
pub async fn run(command: &LocalCommand, errors: &OwnedFd) {
    let LocalCommand { shell, line } = command;
    let stderr = errors.try_clone().map_or_else(|_| Stdio::inherit(), Stdio::from);
    if let Err(error) = Command::new(shell).arg("-c").arg(line).stderr(stderr).status().await {
        say(&format!("hop ssh: LocalCommand: {}: {error}", shell.display()));
    }
}
