//! Will a host do its part in a direct copy? [`runs_commands`], [`asks_nobody`], [`still_answers`]; its login at the other
//! is tried, not asked for.

use std::time::Duration;

use tokio::time::timeout;

use crate::chain::{Cause, ChainError, Output, Session, Way};
use crate::copy::obstacle::Obstacle;
use crate::copy::route::RoutePreference;
use crate::lend::{LendError, line};
use crate::progress::Stage;

/// How long a host may take to show that it runs commands, and then whether it is there at all.
const ANSWER: Duration = Duration::from_secs(15);
const ECHO: Duration = Duration::from_secs(5);

/// A command that only says so, and what shows that it was run.
const SCRIPT: &str = include_str!("runs_commands.sh");
const SHOWN: &[u8] = b"hop-runs-commands";

/// Bytes of a stranger's greeting that are looked at.
const GREETING: usize = 64 << 10;

/// Where nobody insists on a direct copy, no person is asked a second time for it: whether one more login asks nobody, or
/// may ask.
///
/// # Errors
/// That there is no session.
pub async fn asks_nobody(source: &Way, wanted: RoutePreference) -> Result<bool, ChainError> {
    let session = source.session(0).await?;
    Ok(wanted != RoutePreference::Auto || !session.needed_a_person())
}

/// `host` has not answered for `waited`: an error when it does not answer hop either, over the session it should do it on.
/// It is given up then, with every connection on its way.
///
/// # Errors
/// That it is late.
pub async fn still_answers(host: &Way, session: &Session, waited: Duration) -> Result<(), ChainError> {
    if timeout(ECHO, session.taken_in()).await.is_ok() {
        return Ok(());
    }
    host.abandon(0);
    Err(ChainError { trail: host.trail().clone(), stage: Stage::Exec, cause: Cause::TimedOut(waited) })
}

/// Has a host run a command that only says so.
///
/// # Errors
/// [`Obstacle::NoShell`]; that there is no session; [`Obstacle::Lost`] when there is none any more.
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
