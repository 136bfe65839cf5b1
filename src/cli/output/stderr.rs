//! Where do lines for people go? To standard error, one at a time.
//!
//! Main function: [`say`]. Data goes to standard output: `stdout.rs`.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::sync::OnceLock;

use rustix::termios::{OutputModes, tcgetattr};

use super::safe;

/// Prints one line on standard error, made safe whatever it quotes.
pub fn say(line: &str) {
    put_line(&safe::line(line));
}

/// The standard error that this process began with, once `-E` has put a file in its place.
static FIRST: OnceLock<File> = OnceLock::new();

/// From now on a server's banner goes to `first`, the standard error of the beginning, though lines go elsewhere: as with
/// ssh, it is no message of its own.
pub fn banners_to(first: OwnedFd) {
    let _set_before = FIRST.set(File::from(first));
}

/// Prints one safe line of a server's banner.
pub fn put_banner_line(safe_line: &str) {
    match FIRST.get() {
        Some(mut first) => drop(first.write_all(format!("{safe_line}\n").as_bytes())),
        None => put_line(safe_line),
    }
}

/// Prints one safe line on standard error. On a terminal in raw mode the carriage return has to be written too.
pub fn put_line(safe_line: &str) {
    let raw = tcgetattr(io::stderr()).is_ok_and(|modes| !modes.output_modes.contains(OutputModes::OPOST));
    let end = if raw { "\r\n" } else { "\n" };
    let _ = io::stderr().lock().write_all(format!("{safe_line}{end}").as_bytes()); // there is nowhere left to report it
}
