//! What can be done at the end of the chain: start SFTP, run a command.
//!
//! Main types: [`Session`], [`Process`]. A session is shared by cloning; its connection ends with the last clone and
//! the last channel.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use russh::ChannelMsg;

use super::channel::{Incoming, Outgoing, split};
use super::error::{Cause, ChainError, Trail};
use super::hop::Connected;
use crate::progress::Stage;
use crate::sftp::{self, Transmit};
use crate::trust::HostVerified;

/// An authenticated session with a verified host.
#[derive(Clone)]
pub struct Session {
    connection: Arc<Connected>,
}

impl Session {
    pub(super) fn new(connection: Arc<Connected>) -> Self {
        Session { connection }
    }

    /// The hosts from this machine to here.
    pub fn trail(&self) -> &Trail {
        &self.connection.trail
    }

    /// The proof of who this host is.
    pub fn host_verified(&self) -> &HostVerified {
        &self.connection.verified
    }

    /// Whether a person had to answer something to log in here: a further login would ask again.
    pub fn needed_a_person(&self) -> bool {
        self.connection.login.needed_a_person()
    }

    /// Starts the `sftp` subsystem on a channel of its own (RFC 4254 §6.5).
    pub async fn sftp(&self) -> Result<sftp::Client, ChainError> {
        let channel = self.connection.open_session().await?;
        let (incoming, outgoing) = split(channel, self.connection.clone());
        let refused = incoming.refused();
        let failed = |cause| self.connection.failed(Stage::StartSftp, cause);
        let asked = outgoing.half().request_subsystem(true, "sftp").await;
        asked.map_err(|error| failed(self.connection.lost(&error)))?;
        let starting = self.connection.within(Stage::StartSftp, sftp::Client::start(incoming, outgoing)).await?;
        starting.map_err(|error| match refused.load(Ordering::Acquire) {
            true => failed(Cause::Refused("the server has no sftp subsystem".to_owned())),
            false => failed(Cause::Sftp(error)),
        })
    }

    /// Runs `command` in the remote user's shell (RFC 4254 §6.5). The bytes are passed as they are: quote what must not
    /// be read by a shell. Output that is not taken stops the whole session, so a process gets a session of its own.
    pub async fn exec(&self, command: &[u8]) -> Result<Process, ChainError> {
        let channel = self.connection.open_session().await?;
        let (incoming, outgoing) = split(channel, self.connection.clone());
        let asked = outgoing.half().exec(true, command).await;
        asked.map_err(|error| self.connection.failed(Stage::Exec, self.connection.lost(&error)))?;
        Ok(Process { input: ProcessInput { outgoing }, output: ProcessOutput { incoming } })
    }
}

/// A remote command that runs.
pub struct Process {
    /// Its standard input.
    pub input: ProcessInput,
    /// Its standard output, standard error and exit status.
    pub output: ProcessOutput,
}

/// A remote command's standard input. Dropping it closes the channel, which ends most commands.
pub struct ProcessInput {
    outgoing: Outgoing,
}

impl ProcessInput {
    /// Sends a chunk; waits while the command takes none; fails once the command is gone.
    pub async fn send(&mut self, chunk: Bytes) -> std::io::Result<()> {
        self.outgoing.transmit(chunk).await
    }

    /// Says that nothing more will come (RFC 4254 §5.3).
    pub async fn end(&mut self) -> std::io::Result<()> {
        self.outgoing.half().eof().await.map_err(std::io::Error::other)
    }
}

/// What a remote command says.
pub struct ProcessOutput {
    incoming: Incoming,
}

/// One thing a remote command said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Bytes of its standard output.
    Stdout(Bytes),
    /// Bytes of its standard error.
    Stderr(Bytes),
    /// How it ended; more output may still follow.
    Exit(ExitStatus),
}

/// How a remote command ended (RFC 4254 §6.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitStatus {
    /// `exit-status`.
    Code(u32),
    /// `exit-signal`, the name without `SIG`.
    Signal(String),
}

impl ProcessOutput {
    /// The next thing said; `None` when the channel is closed. A connection that breaks is an error.
    pub async fn next(&mut self) -> Result<Option<Output>, ChainError> {
        loop {
            let said = match self.incoming.read.wait().await {
                Some(ChannelMsg::Data { data }) => Output::Stdout(data),
                Some(ChannelMsg::ExtendedData { data, ext: 1 }) => Output::Stderr(data),
                Some(ChannelMsg::ExitStatus { exit_status }) => Output::Exit(ExitStatus::Code(exit_status)),
                Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                    Output::Exit(ExitStatus::Signal(format!("{signal_name:?}")))
                }
                Some(ChannelMsg::Failure) => {
                    let cause = Cause::Refused("the server refused to run a command".to_owned());
                    return Err(self.incoming.connection.failed(Stage::Exec, cause));
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
}
