//! What can be done at the end of the chain: start SFTP, run a program.
//!
//! Main type: [`Session`]. What runs is a [`Process`] (`process.rs`). A session is shared by cloning; its connection ends with the last clone and
//! the last channel.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::channel::split;
use super::error::{Cause, ChainError, Trail};
use super::hop::Connected;
use super::process::{self, Process, Program, Task};
use crate::progress::Stage;
use crate::sftp;
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
        self.start(&Program::new(Task::Command(command.to_vec()))).await
    }

    /// Starts a program on a channel of its own (RFC 4254 §6), its terminal and its environment before it. As with
    /// [`Session::exec`], output that is not taken stops the whole session.
    pub async fn start(&self, program: &Program) -> Result<Process, ChainError> {
        process::start(&self.connection, program).await
    }
}
