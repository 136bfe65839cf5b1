//! How does a program run on the remote host? Its start, its input, its output, its exit status (RFC 4254 §6).
//!
//! Main types: [`Program`], the request; [`Process`], the running program. Bytes are passed on unchanged.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use russh::{ChannelMsg, Pty, Sig};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::halves::{Incoming, Outgoing, split};
use crate::chain::error::{Cause, ChainError};
use crate::chain::transport::connected::Connected;
use crate::progress::Stage;

/// How long a server may take to start a program: sshd's own limit for a login, since the server may have to ask other
/// services.
const STARTING: Duration = Duration::from_secs(120);

/// A program to start, with its terminal and environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Shell, command or subsystem.
    pub task: Task,
    /// Its terminal, if any.
    pub terminal: Option<RemoteTerminal>,
    /// Environment variables, in order. Servers set those that `AcceptEnv` allows and ignore the rest.
    pub environment: Vec<(String, String)>,
    /// True when it may use the user's agent, through [`Session::listen_agent`](super::session::Session::listen_agent).
    pub agent: bool,
}

/// The kind of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// The user's login shell.
    Shell,
    /// A command line for the user's shell.
    Command(Vec<u8>),
    /// A subsystem of the server, by name.
    Subsystem(String),
}

/// A pseudo-terminal to request (RFC 4254 §6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteTerminal {
    /// `TERM`.
    pub term: String,
    /// Its size.
    pub size: Size,
    /// Terminal modes: opcode and argument (RFC 4254 §8).
    pub modes: Vec<(u8, u32)>,
}

/// The size of a terminal; zero where it is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Columns of characters.
    pub columns: u32,
    /// Rows of characters.
    pub rows: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Program {
    /// A program without terminal and environment.
    pub fn new(task: Task) -> Program {
        Program { task, terminal: None, environment: Vec::new(), agent: false }
    }
}

/// A request the server has still to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PendingReply {
    Terminal,
    Start,
}

/// Opens a channel and starts `program` on it.
pub async fn start(connection: &Arc<Connected>, program: &Program) -> Result<Process, ChainError> {
    let channel = connection.open_session().await?;
    let (incoming, outgoing) = split(channel, connection.clone());
    let asked = connection.within(Stage::Exec, ask(&outgoing, program)).await?;
    let asked = asked.map_err(|error| connection.failed(Stage::Exec, connection.lost(&error)))?;
    let terminal_refused = CancellationToken::new();
    let due = Instant::now() + STARTING;
    let output = ProcessOutput { incoming, asked, due, terminal_refused: terminal_refused.clone() };
    Ok(Process { input: ProcessInput { outgoing }, output, terminal_refused })
}

/// Sends every request; the server answers in the same order.
async fn ask(outgoing: &Outgoing, program: &Program) -> Result<VecDeque<PendingReply>, russh::Error> {
    let half = outgoing.half();
    let mut asked = VecDeque::new();
    if program.agent {
        half.agent_forward(false).await?;
    }
    if let Some(terminal) = &program.terminal {
        let modes = terminal.modes.iter().filter_map(|(code, value)| Some((Pty::from_u8(*code)?, *value)));
        let modes: Vec<_> = modes.collect();
        let Size { columns, rows, width, height } = terminal.size;
        half.request_pty(true, &terminal.term, columns, rows, width, height, &modes).await?;
        asked.push_back(PendingReply::Terminal);
    }
    for (name, value) in &program.environment {
        half.set_env(false, name.as_str(), value.as_str()).await?;
    }
    match &program.task {
        Task::Shell => half.request_shell(true).await?,
        Task::Command(line) => half.exec(true, line.as_slice()).await?,
        Task::Subsystem(name) => half.request_subsystem(true, name.as_str()).await?,
    }
    asked.push_back(PendingReply::Start);
    Ok(asked)
}

/// A remote program that runs.
pub struct Process {
    /// Its standard input.
    pub input: ProcessInput,
    /// Its standard output, standard error and exit status.
    pub output: ProcessOutput,
    /// Cancelled when the server refuses the terminal; the program runs without one.
    pub terminal_refused: CancellationToken,
}

/// A remote program's standard input. Dropping it closes the channel, which ends most programs.
pub struct ProcessInput {
    outgoing: Outgoing,
}

impl ProcessInput {
    /// Sends a chunk. Waits while the program reads none; fails when the channel has ended.
    pub async fn send(&self, chunk: Bytes) -> std::io::Result<()> {
        self.outgoing.send(chunk).await
    }

    /// Ends the program's input (RFC 4254 §5.3).
    pub async fn end(&self) -> std::io::Result<()> {
        self.outgoing.half().eof().await.map_err(std::io::Error::other)
    }

    /// Changes the size of the program's terminal (RFC 4254 §6.7).
    pub async fn resize(&self, size: Size) -> std::io::Result<()> {
        let change = self.outgoing.half().window_change(size.columns, size.rows, size.width, size.height);
        change.await.map_err(std::io::Error::other)
    }

    /// Sends a signal, the name without `SIG` (RFC 4254 §6.9). Servers before OpenSSH 7.9 ignore it.
    pub async fn signal(&self, name: &str) -> std::io::Result<()> {
        self.outgoing.half().signal(signal(name)).await.map_err(std::io::Error::other)
    }
}

/// A remote program's output and exit status.
pub struct ProcessOutput {
    incoming: Incoming,
    asked: VecDeque<PendingReply>,
    /// The time by which all of these must be answered.
    due: Instant,
    terminal_refused: CancellationToken,
}

/// One piece of a remote program's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Bytes of its standard output.
    Stdout(Bytes),
    /// Bytes of its standard error.
    Stderr(Bytes),
    /// The exit status; more output may still follow.
    Exit(ExitStatus),
}

/// How a remote program ended (RFC 4254 §6.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitStatus {
    /// `exit-status`.
    Code(u32),
    /// `exit-signal`, the name without `SIG`.
    Signal(String),
}

impl ProcessOutput {
    /// The next piece; `None` when the channel is closed. A connection that breaks is an error.
    pub async fn next(&mut self) -> Result<Option<Output>, ChainError> {
        loop {
            let said = match self.message().await? {
                Some(ChannelMsg::Data { data }) => Output::Stdout(data),
                Some(ChannelMsg::ExtendedData { data, ext: 1 }) => Output::Stderr(data),
                Some(ChannelMsg::ExitStatus { exit_status }) => Output::Exit(ExitStatus::Code(exit_status)),
                Some(ChannelMsg::ExitSignal { signal_name, .. }) => Output::Exit(ExitStatus::Signal(name(signal_name))),
                Some(ChannelMsg::Success) => {
                    self.asked.pop_front();
                    continue;
                }
                Some(ChannelMsg::Failure) => {
                    self.refused()?;
                    continue;
                }
                Some(ChannelMsg::Close) => return Ok(None),
                None if self.incoming.connection.is_closed() => {
                    let lost = self.incoming.connection.lost(&russh::Error::Disconnect);
                    return Err(self.incoming.connection.failed(Stage::Exec, lost));
                }
                None => return Ok(None),
                Some(_) => continue,
            };
            return Ok(Some(said));
        }
    }

    /// The next message. The server has a time limit only until it has started the program.
    async fn message(&mut self) -> Result<Option<ChannelMsg>, ChainError> {
        if self.asked.is_empty() {
            return Ok(self.incoming.read.wait().await);
        }
        let message = tokio::time::timeout_at(self.due, self.incoming.read.wait()).await;
        message.map_err(|_| self.incoming.connection.failed(Stage::Exec, Cause::TimedOut(STARTING)))
    }

    fn refused(&mut self) -> Result<(), ChainError> {
        if self.asked.pop_front() == Some(PendingReply::Terminal) {
            self.terminal_refused.cancel();
            return Ok(());
        }
        let cause = Cause::Refused("the server refused to run a command".to_owned());
        Err(self.incoming.connection.failed(Stage::Exec, cause))
    }
}

fn signal(name: &str) -> Sig {
    match name {
        "ABRT" => Sig::ABRT,
        "ALRM" => Sig::ALRM,
        "FPE" => Sig::FPE,
        "HUP" => Sig::HUP,
        "ILL" => Sig::ILL,
        "INT" => Sig::INT,
        "KILL" => Sig::KILL,
        "PIPE" => Sig::PIPE,
        "QUIT" => Sig::QUIT,
        "SEGV" => Sig::SEGV,
        "TERM" => Sig::TERM,
        "USR1" => Sig::USR1,
        other => Sig::Custom(other.to_owned()),
    }
}

fn name(signal: Sig) -> String {
    match signal {
        Sig::Custom(name) => name,
        known => format!("{known:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_keep_their_names() {
        for known in
            ["ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"]
        {
            assert_eq!(name(signal(known)), known);
        }
    }
}
