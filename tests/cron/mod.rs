//! Runs that nobody watches: locks, logs and receipts, bare surroundings, signals, and what is refused before anything
//! is written.

mod bare;
mod locks;
mod records;
mod refused;
mod scheduled;
mod signals;
mod sync;

use std::process::{Child, Command, Stdio};

/// Starts a command whose words nobody reads.
fn start(command: &mut Command) -> Child {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.spawn().expect("it starts")
}
