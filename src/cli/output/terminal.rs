//! How is the person at the terminal asked? [`TerminalPrompt`] implements the engine's [`Prompt`].
//!
//! Questions go to `/dev/tty`, never to standard input or output, which are for data. Only one question is open at a
//! time, and whatever the reporter draws is off the screen meanwhile. A question may quote a server, so it is made safe
//! first.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::prompt::{NoAnswer, Prompt};

use super::reporter::Reporter;
use super::safe;

/// The longest answer in bytes; canonical input ends at 4 KiB anyway.
const LONGEST: usize = 4096;

/// The terminal whose echo is off at the moment, and its modes before that.
static SILENCED: Mutex<Option<(File, Termios)>> = Mutex::new(None);

/// Turns the echo on again if a question has turned it off: for signals and panics.
pub fn restore_terminal() {
    if let Some((tty, before)) = locked(&SILENCED).take() {
        let _ = tcsetattr(&tty, OptionalActions::Now, &before); // nothing more can be done for it
    }
}

/// The controlling terminal of this process.
pub struct TerminalPrompt {
    reporter: Arc<Reporter>,
}

impl TerminalPrompt {
    /// A prompt for which `reporter` keeps the screen clear.
    pub fn new(reporter: Arc<Reporter>) -> TerminalPrompt {
        TerminalPrompt { reporter }
    }

    fn ask(&self, question: &str, echo: Echo) -> Result<Zeroizing<String>, NoAnswer> {
        let mut tty = open().map_err(|_| NoAnswer::NobodyThere)?;
        self.reporter.while_silent(|| conversation(&mut tty, question, echo)).map_err(|_| NoAnswer::GivenUp)
    }
}

impl Prompt for TerminalPrompt {
    fn secret(&self, question: &str) -> Result<Zeroizing<String>, NoAnswer> {
        self.ask(question, Echo::Off)
    }

    fn answer(&self, question: &str) -> Result<String, NoAnswer> {
        self.ask(question, Echo::On).map(|answer| answer.to_string())
    }

    fn is_there(&self) -> bool {
        open().is_ok()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Echo {
    On,
    Off,
}

fn open() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty")
}

fn conversation(tty: &mut File, question: &str, echo: Echo) -> io::Result<Zeroizing<String>> {
    let silence = (echo == Echo::Off).then(|| EchoOff::begin(tty)).transpose()?;
    tty.write_all(safe::lines(question).join("\n").as_bytes())?;
    let answer = read_line(tty);
    if silence.is_some() {
        tty.write_all(b"\n")?;
    }
    answer
}

/// Reads a line byte by byte, because whatever is typed after it belongs to the next question.
fn read_line(input: &mut impl Read) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::with_capacity(LONGEST));
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut byte = Zeroizing::new([0]);
    loop {
        match input.read(&mut *byte) {
            Ok(0) if bytes.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) if bytes.len() == LONGEST => return Err(io::ErrorKind::InvalidData.into()),
            Ok(_) => bytes.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    line.push_str(std::str::from_utf8(&bytes).map_err(|_| io::ErrorKind::InvalidData)?);
    Ok(line)
}

/// Turns the echo off while this value exists.
struct EchoOff;

impl EchoOff {
    fn begin(tty: &File) -> io::Result<EchoOff> {
        let before = tcgetattr(tty)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ECHOE | LocalModes::ECHOK | LocalModes::ECHONL);
        *locked(&SILENCED) = Some((tty.try_clone()?, before));
        tcsetattr(tty, OptionalActions::Flush, &silent)?;
        Ok(EchoOff)
    }
}

impl Drop for EchoOff {
    fn drop(&mut self) {
        restore_terminal();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_line_and_leaves_the_rest() {
        let mut input = &b"first\nsecond"[..];
        assert_eq!(read_line(&mut input).unwrap().as_str(), "first");
        assert_eq!(read_line(&mut input).unwrap().as_str(), "second");
        assert_eq!(read_line(&mut input).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn an_answer_without_end_is_no_answer() {
        assert!(read_line(&mut io::repeat(b'x')).is_err());
    }
}
