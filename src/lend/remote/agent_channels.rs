//! Agent channels of the source, handed to the lent agent. Main function: [`attend`].

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use crate::agent::{AgentConnection, Armed, LentAgent};
use crate::chain::{Arrival, Conduit, ConduitReader, ConduitWriter, RemoteListener, Session};

/// Bytes that wait between a channel and the agent.
const BETWEEN: usize = 16 * 1024;

/// Opens the door now, and lets channels in until `armed` ends. Afterwards the source cannot open any.
pub fn attend(source: &Session, lent: LentAgent, armed: &Armed) {
    let door = source.listen_agent();
    tokio::spawn(stand_at(door, lent, armed.ending()));
}

async fn stand_at(mut door: RemoteListener, lent: LentAgent, ending: impl Future<Output = ()>) {
    let mut visits = JoinSet::new();
    let mut ending = std::pin::pin!(ending);
    loop {
        let guest = tokio::select! {
            biased;
            () = &mut ending => break,
            guest = door.accept() => guest,
        };
        let Some((conduit, _)) = guest else { break };
        if let Some(visit) = lent.admit() {
            visits.spawn(carry(visit, conduit));
        }
        while visits.try_join_next().is_some() {}
    }
    drop(door);
    while visits.join_next().await.is_some() {}
}

/// One channel, until it or the agent ends it.
async fn carry(visit: AgentConnection, conduit: Conduit) {
    let Conduit { incoming, outgoing } = conduit;
    let (near, far) = tokio::io::duplex(BETWEEN);
    let (answers, questions) = tokio::io::split(near);
    tokio::select! {
        _ = async { tokio::join!(visit.serve(far), answer(answers, outgoing)) } => {}
        never = ask(incoming, questions) => never,
    }
}

/// The channel's bytes; when it ends the agent sees the end, and ends by itself.
async fn ask(mut incoming: ConduitReader, mut questions: impl tokio::io::AsyncWrite + Unpin) {
    while let Some(Arrival::Data(chunk)) = incoming.next().await {
        if questions.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let _ = questions.shutdown().await; // the agent has ended already
    std::future::pending().await
}

async fn answer(mut answers: impl tokio::io::AsyncRead + Unpin, outgoing: ConduitWriter) {
    let mut chunk = vec![0; BETWEEN];
    while let Ok(length @ 1..) = answers.read(&mut chunk).await {
        if outgoing.send(Bytes::copy_from_slice(&chunk[..length])).await.is_err() {
            return;
        }
    }
    let _ = outgoing.end().await; // the channel is closed right after
}
