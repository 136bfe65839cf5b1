//! A shell or a command on a remote host, with streams and a terminal of this machine.
//!
//! Main function: [`run`]. Streams are queues of chunks, so the tasks that read and write the real ones do so at their
//! own pace: a full queue makes the other side wait, and nothing is buffered beyond the queues. Whether a terminal is
//! requested is decided in `request_tty.rs`, escapes are parsed in `escape.rs`, and raw mode is handled in
//! `terminal.rs`. The only text written here is the answers to escapes, on the error stream.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `terminal` | a terminal of this machine, and its raw mode |
//! | `modes` `escape` `request_tty` | terminal modes of the protocol; escapes; whether a terminal is requested |

mod escape;
mod modes;
mod request_tty;
mod terminal;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender};

pub use request_tty::{Input, RequestTty, TtyRequest, tty_request};
pub use terminal::{Terminal, without_local};

use crate::chain::{ChainError, ExitStatus, Output, Process, ProcessInput, ProcessOutput, Program, Session};
use crate::progress::{Event, Observer};
use escape::{Escape, Escapes, Typed};
use terminal::{Raw, Resizes};

/// How long the server has to receive a last signal; a further signal ends the wait.
const FAREWELL: Duration = Duration::from_secs(5);

/// The three streams of a program, as chunks. The lengths of the queues bound the memory.
pub struct Streams {
    /// The program's input; closed at its end.
    pub input: Receiver<Bytes>,
    /// The program's standard output.
    pub output: Sender<Bytes>,
    /// The program's standard error, and the answers to escapes.
    pub error: Sender<Bytes>,
}

/// What a program is connected to on this machine.
pub struct Here {
    /// The streams.
    pub streams: Streams,
    /// The terminal to put in raw mode while the program has a terminal of its own.
    pub terminal: Option<Terminal>,
    /// The escape character; it counts only if the program has a terminal.
    pub escape: Option<u8>,
    /// Signals that end the session, as names without `SIG`; they are first passed on to the program.
    pub signals: Receiver<&'static str>,
    /// The observer that is told if a terminal is refused.
    pub observer: Arc<dyn Observer>,
}

/// How the session with a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConversationEnd {
    /// The program ended and its status arrived.
    Exit(ExitStatus),
    /// The channel was closed without a status.
    Unsaid,
    /// The escape `~.`.
    Left,
    /// A signal arrived here.
    Signal(&'static str),
    /// Our own output was closed, so nobody reads it any more.
    Unheard,
}

/// Starts `program` and connects it to `here` until it ends.
///
/// # Errors
/// The program cannot be started, or the connection is lost. The terminal is restored in each case.
pub async fn run(session: &Session, program: &Program, here: Here) -> Result<ConversationEnd, ChainError> {
    let Here { streams: Streams { input, output, error }, terminal, escape, mut signals, observer } = here;
    let has_terminal = program.terminal.is_some();
    let raw = terminal.filter(|_| has_terminal).and_then(|terminal| Raw::begin(terminal).ok());
    let Process { input: remote, output: mut said, terminal_refused } = session.start(program).await?;
    let speaker = Speaker { remote: &remote, raw: raw.as_ref(), error: error.clone() };
    tokio::select! {
        ended = listen(&mut said, output, error) => ended,
        ended = speaker.speak(input, escape.filter(|_| has_terminal)) => Ok(ended),
        never = resize(&remote, raw.as_ref()) => never,
        Some(name) = signals.recv() => {
            let passed = async {
                let _ = remote.signal(name).await; // a program that is gone needs no signal
                session.taken_in().await;
            };
            tokio::select! {
                () = passed => {}
                () = until_closed(&mut said) => {}
                _ = signals.recv() => {}
                () = tokio::time::sleep(FAREWELL) => {}
            }
            Ok(ConversationEnd::Signal(name))
        }
        never = async {
            terminal_refused.cancelled().await;
            raw.iter().for_each(Raw::end);
            observer.event(Event::Warning("PTY allocation request failed".to_owned()));
            pending().await
        } => never,
    }
}

/// Passes on the program's output until it ends.
async fn listen(
    said: &mut ProcessOutput,
    output: Sender<Bytes>,
    error: Sender<Bytes>,
) -> Result<ConversationEnd, ChainError> {
    let mut ended = ConversationEnd::Unsaid;
    while let Some(next) = said.next().await? {
        match next {
            Output::Stdout(chunk) => {
                if output.send(chunk).await.is_err() {
                    return Ok(ConversationEnd::Unheard);
                }
            }
            Output::Stderr(chunk) => drop(error.send(chunk).await), // a closed standard error stops nothing
            Output::Exit(status) => ended = ConversationEnd::Exit(status),
        }
    }
    Ok(ended)
}

/// Discards the rest of the program's output: a full channel would hold back the server's answers.
async fn until_closed(said: &mut ProcessOutput) {
    while let Ok(Some(_)) = said.next().await {}
}

/// Passes on the size of the terminal whenever it changes.
async fn resize(remote: &ProcessInput, raw: Option<&Raw>) -> Result<ConversationEnd, ChainError> {
    if let Some((raw, mut resizes)) = raw.zip(Resizes::new().ok()) {
        while resizes.next().await.is_some() && remote.resize(raw.size()).await.is_ok() {}
    }
    pending().await
}

/// The sender of our input.
struct Speaker<'a> {
    remote: &'a ProcessInput,
    raw: Option<&'a Raw>,
    error: Sender<Bytes>,
}

impl Speaker<'_> {
    /// Sends our input and then its end. Returns only for an escape, because `listen` finds out how the program ends.
    async fn speak(&self, mut input: Receiver<Bytes>, escape: Option<u8>) -> ConversationEnd {
        let mut escapes = escape.map(Escapes::new);
        while let Some(chunk) = input.recv().await {
            let pieces = match &mut escapes {
                Some(escapes) => escapes.read(&chunk),
                None => vec![Typed::Text(chunk)],
            };
            for piece in pieces {
                let sent = match piece {
                    Typed::Text(text) => self.remote.send(text).await,
                    Typed::Escape(Escape::Leave) => return self.leave(escape.unwrap_or_default()).await,
                    Typed::Escape(escaped) => self.obey(escaped, escape.unwrap_or_default()).await,
                };
                if sent.is_err() {
                    return pending().await;
                }
            }
        }
        let _ = self.remote.end().await; // likewise: a program that is gone needs no end of input
        pending().await
    }

    async fn leave(&self, character: u8) -> ConversationEnd {
        self.answer(format!("{}.\r\n", escape::named(character))).await;
        ConversationEnd::Left
    }

    async fn obey(&self, escaped: Escape, character: u8) -> std::io::Result<()> {
        let name = escape::named(character);
        match escaped {
            Escape::Help => self.answer(escape::help(character)).await,
            Escape::Unsupported(byte) => {
                let letter = char::from(byte);
                self.answer(format!("{name}{letter}\r\nhop does not have the escape {name}{letter}\r\n")).await;
            }
            Escape::Suspend => {
                self.answer(format!("{name}^Z [suspend hop]\r\n")).await;
                if let Some(raw) = self.raw {
                    raw.suspend().await?;
                    return self.remote.resize(raw.size()).await;
                }
            }
            Escape::Leave => {}
        }
        Ok(())
    }

    async fn answer(&self, text: String) {
        let _ = self.error.send(text.into()).await; // a closed error stream needs no answer
    }
}
