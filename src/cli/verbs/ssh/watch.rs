//! What does `-N` do? It runs tunnels without a session until a signal arrives or the connection is lost; with
//! `--reconnect` they are built again, and the ports here stay open meanwhile.

use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;

use crate::chain::{Cause, ChainError, Session};
use crate::error::{Error, ExitKind};
use crate::progress::Event;

use super::background::Awaiter;
use super::exit_status::OWN_FAILURE;
use super::tunnels::Building;
use crate::cli::args::ssh::Ssh;

/// The shortest and the longest pause between two attempts; it doubles each time.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Watches the tunnels until the run ends, and returns its exit status.
pub async fn over(
    building: Building<'_>,
    ssh: &Ssh,
    session: Session,
    signals: &mut Receiver<&'static str>,
    ready: Awaiter,
) -> Result<u8, Error> {
    let (mut here, mut there) = (JoinSet::new(), JoinSet::new());
    building.here(&mut here).await?;
    building.there(&mut there).await?;
    ready.tell();
    let watching = async {
        let mut session = session;
        loop {
            let lost = session.ended().await;
            if !ssh.tunnels.reconnect || matches!(lost.cause, Cause::Trust(_)) {
                return lost;
            }
            building.tunnels.observer.event(Event::Warning(format!("{lost}; connecting again")));
            there.abort_all();
            session = again(&building, &mut there).await;
        }
    };
    tokio::select! {
        lost = watching => Err(lost.into()),
        // as with ssh: ending a run that only has tunnels is not a failure
        Some(name) = signals.recv() => Ok(if name == "TERM" { ExitKind::Done.code() } else { OWN_FAILURE }),
    }
}

/// Connects until it succeeds.
async fn again(building: &Building<'_>, there: &mut JoinSet<()>) -> Session {
    let (mut pause, longest) = BACKOFF;
    loop {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest);
        let error: ChainError = match building.way.session(building.lane).await {
            Err(error) => error,
            Ok(session) => match building.there(there).await {
                Ok(()) => return session,
                Err(error) => {
                    building.tunnels.observer.event(Event::Warning(error.to_string()));
                    continue;
                }
            },
        };
        building.tunnels.observer.event(Event::Warning(error.to_string()));
    }
}
