//! Where do lines for people go? To standard error, one at a time.
//!
//! Main function: [`say`]. What is shown as data goes to standard output: `stdout.rs`.

use std::io::{self, Write};

use rustix::termios::{OutputModes, tcgetattr};

use super::safe;

/// One line on standard error, made safe whatever it quotes.
pub fn say(line: &str) {
    put_line(&safe::line(line));
}

/// One line on standard error. A terminal in raw mode does not go back to the first column by itself.
pub fn put_line(safe_line: &str) {
    let raw = tcgetattr(io::stderr()).is_ok_and(|modes| !modes.output_modes.contains(OutputModes::OPOST));
    let end = if raw { "\r\n" } else { "\n" };
    let _ = io::stderr().lock().write_all(format!("{safe_line}{end}").as_bytes()); // nowhere is left to complain to
}
