//! Will a host do its part in a direct copy? [`runs_commands`], [`asks_nobody`], [`still_answers`]. Whether it can log
//! in at the other is not asked but tried.

use std::time::Duration;

use tokio::time::timeout;

use crate::chain::{Cause, ChainError, Output, Session, Way};
use crate::copy::obstacle::Obstacle;
use crate::copy::route::RoutePreference;
use crate::lend::{LendError, line};
use crate::progress::Stage;

/// Time for a host to show that it runs commands ([`ANSWER`]), and that it answers at all ([`ECHO`]).
const ANSWER: Duration = Duration::from_secs(15);
const ECHO: Duration = Duration::from_secs(5);

/// A command that only prints [`SHOWN`].
const SCRIPT: &str = include_str!("runs_commands.sh");
const SHOWN: &[u8] = b"hop-runs-commands";

/// Bytes read of what a login shell prints.
const GREETING: usize = 64 << 10;

/// Whether one more login at `source` asks no person, or may ask one. Unless the user insists on a direct copy, nobody
/// is asked a second time.
///
/// # Errors
/// When there is no session.
pub async fn asks_nobody(source: &Way, wanted: RoutePreference) -> Result<bool, ChainError> {
    let session = source.session(0).await?;
    Ok(wanted != RoutePreference::Auto || !session.needed_a_person())
}

/// Whether `host`, from which nothing was heard for `waited`, still answers hop over `session`. If not, its connections
/// are given up, with every connection on the way.
///
/// # Errors
/// That the host is late.
pub async fn still_answers(host: &Way, session: &Session, waited: Duration) -> Result<(), ChainError> {
    if timeout(ECHO, session.taken_in()).await.is_ok() {
        return Ok(());
    }
    host.abandon(0);
    Err(ChainError { trail: host.trail().clone(), stage: Stage::Exec, cause: Cause::TimedOut(waited) })
}

/// Checks that a host runs commands.
///
/// # Errors
/// [`Obstacle::NoShell`]; when there is no session; [`Obstacle::Lost`] when the session was lost meanwhile.
pub async fn runs_commands(host: &Way) -> Result<(), Obstacle> {
    let none = |words: &[u8]| Obstacle::NoShell {
        host: host.alias().to_owned(),
        words: String::from_utf8_lossy(&words[..words.len().min(200)]).trim().to_owned(),
    };
    let session = host.session(0).await.map_err(LendError::Chain)?;
    let command = line(SCRIPT.as_bytes());
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
    let is_late = timeout(ANSWER, listen).await.is_err();
    if heard.windows(SHOWN.len()).any(|window| window == SHOWN) {
        return Ok(());
    }
    if is_late {
        still_answers(host, &session, ANSWER).await.map_err(Obstacle::Lost)?;
    }
    if session.is_closed() {
        return Err(Obstacle::Lost(session.ended().await));
    }
    Err(none(&heard))
}
