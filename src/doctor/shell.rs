//! What does a script of POSIX sh print on a server? Output and time are bounded.
//!
//! Main function: [`asked`].

use std::time::Duration;

use crate::chain::{ChainError, Output, Program, Session, Task};
use crate::lend;

/// The most bytes of output that are kept.
const MOST: usize = 64 * 1024;

/// Whether an agent is requested for the script, so that it can look for one; requests to that agent are never
/// answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agent {
    Asked,
    Not,
}

/// What a script printed on both streams, or had printed when the time was up.
pub(super) async fn asked(
    session: &Session,
    script: &[u8],
    agent: Agent,
    limit: Duration,
) -> Result<Vec<u8>, ChainError> {
    let program = Program { agent: agent == Agent::Asked, ..Program::new(Task::Command(lend::line(script))) };
    let mut said = Vec::new();
    let talking = async {
        let mut process = session.start(&program).await?;
        drop(process.input.end().await); // it may have ended by itself
        while let Some(output) = process.output.next().await? {
            if let Output::Stdout(bytes) | Output::Stderr(bytes) = output {
                said.extend_from_slice(&bytes[..bytes.len().min(MOST - said.len())]);
            }
        }
        Ok(())
    };
    match tokio::time::timeout(limit, talking).await {
        Ok(Err(error)) => Err(error),
        Ok(Ok(())) | Err(_) => Ok(said),
    }
}
