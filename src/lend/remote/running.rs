//! How does a script run on the source while the agent is armed? Main type: [`Running`].

use crate::agent::Armed;
use crate::chain::{ExitStatus, Output, Process, ProcessInput, ProcessOutput};
use crate::lend::error::LendError;

/// The first part of every such script.
pub const SCRIPT: &str = include_str!("run.sh");
/// The exit status of a script that finds no agent and so does nothing.
pub const NO_AGENT: u32 = 97;

/// The running script; dropping it disarms the agent and closes the script's channel.
pub struct Running {
    /// Its standard input.
    pub input: ProcessInput,
    output: ProcessOutput,
    armed: Armed,
    source_host: String,
    has_spoken: bool,
}

impl Running {
    pub(crate) fn new(process: Process, armed: Armed, source_host: &str) -> Running {
        let Process { input, output, .. } = process;
        Running { input, output, armed, source_host: source_host.to_owned(), has_spoken: false }
    }

    /// The next piece of output; `None` at the end. It must be asked for all the time: output that is not read also
    /// stops the agent, which uses the same connection.
    ///
    /// # Errors
    /// [`LendError::NoForwarding`], or the connection is lost.
    pub async fn next(&mut self) -> Result<Option<Output>, LendError> {
        let next = self.output.next().await?;
        match &next {
            Some(Output::Exit(ExitStatus::Code(NO_AGENT))) if !self.has_spoken => {
                Err(LendError::NoForwarding { source_host: self.source_host.clone() })
            }
            Some(Output::Stdout(_)) => {
                self.has_spoken = true;
                Ok(next)
            }
            _ => Ok(next),
        }
    }

    /// Returns after the last signature, when the agent answers no more requests.
    pub async fn spent(&self) {
        self.armed.spent().await;
    }
}
