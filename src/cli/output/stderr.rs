//! Where do lines for people go? To standard error, one at a time.
//!
//! Main function: [`say`]. Data goes to standard output: `stdout.rs`.

use std::io::{self, Write};

use rustix::termios::{OutputModes, tcgetattr};

use super::safe;

/// Prints one line on standard error, made safe whatever it quotes.
pub fn say(line: &str) {
    put_line(&safe::line(line));
}

/// Prints one safe line on standard error. On a terminal in raw mode the carriage return has to be written too.
pub fn put_line(safe_line: &str) {
    let raw = tcgetattr(io::stderr()).is_ok_and(|modes| !modes.output_modes.contains(OutputModes::OPOST));
    let end = if raw { "\r\n" } else { "\n" };
    let _ = io::stderr().lock().write_all(format!("{safe_line}{end}").as_bytes()); // there is nowhere left to report it
}
