//! How does one forwarded connection work? Bytes go both ways between a local stream and a channel until both
//! directions have ended.
//!
//! Main function: [`pump`]. The channel is read as long as the bytes that wait for the local side are within its share
//! (`hold.rs`).

use std::future::pending;
use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::hold::{HoldShare, Stuck};
use crate::chain::{Arrival, ChannelReader, ChannelStream, ChannelWriter};

/// The most bytes read from the local side at once: as many as fit one channel packet.
const CHUNK: usize = 32 * 1024;

/// Copies bytes until both directions have ended, or one side is gone. [`Stuck`] if the local side took nothing while
/// the session's other connections waited for it.
pub async fn pump(
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Unpin,
    channel: ChannelStream,
    share: HoldShare,
) -> Result<(), Stuck> {
    let (queue, waiting) = unbounded_channel();
    let (all_sent, gone) = (CancellationToken::new(), CancellationToken::new());
    let ChannelStream { mut incoming, outgoing } = channel;
    let down = async {
        let receiving = receive(&mut incoming, queue, &share, &all_sent);
        let received = tokio::select! {
            received = receiving => received,
            () = gone.cancelled() => Ok(()),
        };
        if received.is_err() {
            gone.cancel();
        }
        received
    };
    let deliver = async {
        let delivered = tokio::select! {
            delivered = deliver(writer, waiting, &share) => delivered,
            () = gone.cancelled() => return,
        };
        if delivered.is_err() {
            gone.cancel();
        }
    };
    let up = async {
        match send(reader, &outgoing).await {
            Ok(()) => all_sent.cancel(),
            Err(_) => gone.cancel(), // one side is gone, no matter which
        }
        pending::<()>().await;
    };
    tokio::select! {
        (received, ()) = async { tokio::join!(down, deliver) } => received,
        () = up => Ok(()),
    }
}

/// Reads the channel until it is closed, or both sides have nothing more to send.
async fn receive(
    incoming: &mut ChannelReader,
    queue: UnboundedSender<Bytes>,
    share: &HoldShare,
    all_sent: &CancellationToken,
) -> Result<(), Stuck> {
    let mut queue = Some(queue);
    loop {
        let arrival = tokio::select! {
            arrival = incoming.next() => arrival,
            () = all_sent.cancelled(), if queue.is_none() => None,
        };
        match (arrival, &queue) {
            (Some(Arrival::Data(chunk)), Some(waiting)) => {
                share.put(chunk.len());
                if waiting.send(chunk).is_err() {
                    return Ok(());
                }
                share.room().await?;
            }
            (Some(Arrival::End), _) => queue = None,
            (Some(Arrival::Data(_)), None) => {}
            (None, _) => return Ok(()),
        }
    }
}

/// Writes the bytes that wait, then ends the stream.
async fn deliver(
    mut writer: impl AsyncWrite + Unpin,
    mut waiting: UnboundedReceiver<Bytes>,
    share: &HoldShare,
) -> io::Result<()> {
    while let Some(chunk) = waiting.recv().await {
        writer.write_all(&chunk).await?;
        share.take(chunk.len());
    }
    writer.shutdown().await
}

/// Sends the bytes of the local side, then the end of input.
async fn send(mut reader: impl AsyncRead + Unpin, outgoing: &ChannelWriter) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(CHUNK);
        match reader.read_buf(&mut buffer).await? {
            0 => return outgoing.end().await,
            _ => outgoing.send(buffer.split().freeze()).await?,
        }
    }
}
