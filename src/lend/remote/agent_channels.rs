//! How does the source reach the lent agent? By agent channels, which are passed to it. Main function: [`attend`].

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use crate::agent::{AgentConnection, Armed, LentAgent};
use crate::chain::{Arrival, ChannelReader, ChannelStream, ChannelWriter, RemoteListener, Session};

/// The size of the buffer between a channel and the agent, in bytes.
const BETWEEN: usize = 16 * 1024;

/// Accepts agent channels until `armed` ends. Afterwards the source cannot open any.
pub fn attend(source: &Session, lent: LentAgent, armed: &Armed) {
    let listener = source.listen_agent();
    tokio::spawn(accept_until(listener, lent, armed.ending()));
}

async fn accept_until(mut listener: RemoteListener, lent: LentAgent, ending: impl Future<Output = ()>) {
    let mut connections = JoinSet::new();
    let mut ending = std::pin::pin!(ending);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut ending => break,
            accepted = listener.accept() => accepted,
        };
        let Some((channel, _)) = accepted else { break };
        if let Some(connection) = lent.admit() {
            connections.spawn(serve(connection, channel));
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Serves one channel until either the channel or the agent ends.
async fn serve(connection: AgentConnection, channel: ChannelStream) {
    let ChannelStream { incoming, outgoing } = channel;
    let (near, far) = tokio::io::duplex(BETWEEN);
    let (answers, questions) = tokio::io::split(near);
    tokio::select! {
        _ = async { tokio::join!(connection.serve(far), answer(answers, outgoing)) } => {}
        never = ask(incoming, questions) => never,
    }
}

/// Passes the channel's bytes to the agent, which ends by itself when they end.
async fn ask(mut incoming: ChannelReader, mut questions: impl tokio::io::AsyncWrite + Unpin) {
    while let Some(Arrival::Data(chunk)) = incoming.next().await {
        if questions.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let _ = questions.shutdown().await; // the agent has ended already
    std::future::pending().await
}

async fn answer(mut answers: impl tokio::io::AsyncRead + Unpin, outgoing: ChannelWriter) {
    let mut chunk = vec![0; BETWEEN];
    while let Ok(length @ 1..) = answers.read(&mut chunk).await {
        if outgoing.send(Bytes::copy_from_slice(&chunk[..length])).await.is_err() {
            return;
        }
    }
    let _ = outgoing.end().await; // the channel is closed right after
}
