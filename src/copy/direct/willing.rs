//! Will a host do its part in a direct copy? [`runs_commands`], [`asks_nobody`]; its login at the other is tried, not asked for.

use std::time::Duration;

use tokio::time::timeout;

use super::super::route::Wanted;
use super::obstacle::Obstacle;
use crate::chain::{Cause, ChainError, Output, Way};
use crate::lend::{LendError, line};

/// How long a host may take to show that it runs commands.
const ANSWER: Duration = Duration::from_secs(15);

/// What shows that a command was run.
const SHOWN: &[u8] = b"hop-runs-commands";

/// Bytes of a stranger's greeting that are looked at.
const GREETING: usize = 64 << 10;

/// Where nobody insists on a direct copy, no person is asked a second time for it: whether one more login asks nobody, or
/// may ask.
///
/// # Errors
/// That there is no session.
pub async fn asks_nobody(source: &Way, wanted: Wanted) -> Result<bool, ChainError> {
    let session = source.session(0).await?;
    Ok(wanted != Wanted::Auto || !session.needed_a_person())
}

/// Has a host run a command that only says so.
///
/// # Errors
/// [`Obstacle::NoShell`]; that there is no session.
pub async fn runs_commands(host: &Way) -> Result<(), Obstacle> {
    let none = |words: &[u8]| Obstacle::NoShell {
        host: host.alias().to_owned(),
        words: String::from_utf8_lossy(&words[..words.len().min(200)]).trim().to_owned(),
    };
    let session = host.session(0).await.map_err(LendError::Chain)?;
    let command = line(&[b"echo ", SHOWN].concat());
    let mut process = match session.exec(&command).await {
        Ok(process) => process,
        Err(ChainError { cause: Cause::Refused(words), .. }) => return Err(none(words.as_bytes())),
        Err(error) => return Err(Obstacle::Lend(LendError::Chain(error))),
    };
    // what serves files instead of running commands ends with its input
    let _ = process.input.end().await;
    let mut heard = Vec::new();
    let listen = async {
        while let Ok(Some(said)) = process.output.next().await {
            if let Output::Stdout(data) | Output::Stderr(data) = said {
                heard.extend_from_slice(&data[..data.len().min(GREETING.saturating_sub(heard.len()))]);
            }
        }
    };
    // what has not been said until then will not be
    let _ = timeout(ANSWER, listen).await;
    match heard.windows(SHOWN.len()).any(|window| window == SHOWN) {
        true => Ok(()),
        false => Err(none(&heard)),
    }
}
