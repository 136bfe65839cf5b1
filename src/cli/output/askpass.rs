//! How does a program ask the person (`SSH_ASKPASS`)? It gets the question as its one argument, and its standard output
//! is the answer.
//!
//! Main type: [`Askpass`]. As with ssh, a program that fails or says nothing has given an empty answer. It has no standard
//! input: that is the session's. When to use it instead of the terminal is decided in `person.rs`.

use std::ffi::OsString;
use std::io::{self, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::progress::{Event, Observer};
use crate::prompt::{NoAnswer, Prompt};

use super::reporter::Reporter;
use super::safe;

/// The longest answer in bytes; ssh's own limit.
const LONGEST: usize = 1023;
/// How soon it is noticed that the program has ended.
const TICK: Duration = Duration::from_millis(10);
/// Tells the program what kind of question it is.
const HINT: &str = "SSH_ASKPASS_PROMPT";

/// The program that asks at the moment.
static OPEN: Mutex<Option<Child>> = Mutex::new(None);

/// Ends the program that asks, if one does: for signals and the end of a run.
pub fn withdraw() {
    if let Some(mut program) = locked(&OPEN).take() {
        let _ = program.kill(); // it may have ended by itself
    }
}

/// The program that asks.
pub struct Askpass {
    program: OsString,
    reporter: Arc<Reporter>,
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq)]
enum Hint {
    /// A line of text.
    Text,
    /// A yes or no, which the program's exit status is.
    Confirmation,
}

impl Askpass {
    /// Has `program` ask, while `reporter` keeps the screen clear.
    pub fn new(program: OsString, reporter: Arc<Reporter>) -> Askpass {
        Askpass { program, reporter }
    }

    /// The answer, without its end of line; `None` when the program has failed.
    fn ask(&self, question: &str, hint: Hint) -> Result<Option<Zeroizing<String>>, NoAnswer> {
        self.reporter.while_silent(|| self.run(question, hint)).map_err(|error| {
            let text = format!("SSH_ASKPASS: {}: {error}", self.program.display());
            self.reporter.event(Event::Warning(text));
            NoAnswer::NobodyThere
        })
    }

    fn run(&self, question: &str, hint: Hint) -> io::Result<Option<Zeroizing<String>>> {
        let mut command = Command::new(&self.program);
        command.arg(safe::lines(question).join("\n")).stdin(Stdio::null()).stdout(Stdio::piped());
        if hint == Hint::Confirmation {
            command.env(HINT, "confirm");
        }
        let mut program = command.spawn()?;
        let output = program.stdout.take();
        *locked(&OPEN) = Some(program);
        let answer = output.map(read).transpose();
        let succeeded = end_of_open()?.is_some_and(|status| status.success());
        Ok(answer?.filter(|_| succeeded))
    }
}

impl Prompt for Askpass {
    fn secret(&self, question: &str) -> Result<Zeroizing<String>, NoAnswer> {
        self.ask(question, Hint::Text).map(Option::unwrap_or_default)
    }

    fn answer(&self, question: &str) -> Result<String, NoAnswer> {
        self.secret(question).map(|answer| answer.to_string())
    }

    fn agrees(&self, what: &str) -> Result<bool, NoAnswer> {
        let answer = self.ask(&format!("{what}?"), Hint::Confirmation)?;
        Ok(answer.is_some_and(|answer| answer.is_empty() || answer.eq_ignore_ascii_case("yes")))
    }

    fn is_there(&self) -> bool {
        true
    }
}

/// The first line of the output, up to [`LONGEST`] bytes. What is no text is an empty answer.
fn read(mut output: ChildStdout) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; LONGEST]);
    let mut length = 0;
    while length < LONGEST {
        match output.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let line = bytes[..length].split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    Ok(Zeroizing::new(std::str::from_utf8(line).unwrap_or_default().to_owned()))
}

/// Waits for the program's end; `None` when it was withdrawn.
fn end_of_open() -> io::Result<Option<ExitStatus>> {
    loop {
        let mut open = locked(&OPEN);
        let Some(program) = open.as_mut() else { return Ok(None) };
        if let Some(status) = program.try_wait()? {
            *open = None;
            return Ok(Some(status));
        }
        drop(open);
        std::thread::sleep(TICK);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
