//! What happens in a whole visit? The street is set up, the story told, the street perhaps left running until a signal,
//! and taken down.

use std::io::{self, Write};
use std::path::Path;
use std::pin::pin;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{StoryOutcome, Street, story};

/// What happens after the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// The street is taken down.
    Leave,
    /// It keeps running until SIGINT, SIGTERM or SIGHUP, and how to reach it is printed.
    Keep,
}

/// Runs `hop demo`: everything happens in a temporary folder that is removed at the end, even after a signal. `hop` is
/// the program that the story runs.
///
/// # Errors
/// If the street cannot be set up, and those of [`story()`].
pub async fn visit(hop: &Path, after: After, out: &mut (dyn Write + Send)) -> io::Result<StoryOutcome> {
    let mut signals = Signals::catch()?;
    let street = Street::start_temporary()?;
    let outcome = {
        let mut story = pin!(story(hop, &street, out));
        tokio::select! {
            outcome = &mut story => outcome?,
            signal = signals.next() => return Ok(StoryOutcome::Interrupted(signal)),
        }
    };
    if after == After::Keep {
        invite(&street, out)?;
        signals.next().await;
        writeln!(out, "\nThe street is gone.")?;
    }
    Ok(outcome)
}

/// Prints how to reach the street from another terminal.
fn invite(street: &Street, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let config = street.config();
    let config = config.display();
    writeln!(
        out,
        "\nThe street stands until Ctrl-C. In another terminal:\n\
         \x20 hop ls -F {config} -l acc-pvt:\n\
         \x20 hop cp -F {config} FILE dell-pvt:\n\
         \x20 ssh -F {config} acc-pvt"
    )?;
    out.flush()
}

/// The signals that end a visit.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn catch() -> io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The number of the next signal.
    async fn next(&mut self) -> i32 {
        let kind = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hangup.recv() => SignalKind::hangup(),
        };
        kind.as_raw_value()
    }
}
