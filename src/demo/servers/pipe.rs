//! How do bytes pass between an SSH channel and a stream without either stopping the other?
//!
//! russh delivers channel data inside its session loop. A channel that is not read stops the whole session, window
//! adjusts included, and two such sessions joined end to end wait for each other for ever. So a separate task always
//! drains the channel into a [`Queue`]; only beyond 64 MiB does the peer have to wait.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use russh::server::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// The most bytes a queue holds before the peer has to wait.
const CAPACITY: usize = 64 << 20;

/// Joins a tunnel's channel and a stream until the stream ends or the client is gone.
pub async fn tunnel(channel: Channel<Msg>, stream: impl AsyncRead + AsyncWrite + Send + 'static) {
    let _ = join(channel, stream).await.close().await;
}

/// Joins a subsystem's channel and a stream; like a command it ends with an exit status.
pub async fn subsystem(channel: Channel<Msg>, stream: impl AsyncRead + AsyncWrite + Send + 'static) {
    let channel = join(channel, stream).await;
    let _ = channel.exit_status(0).await;
    let _ = channel.close().await;
}

async fn join(channel: Channel<Msg>, stream: impl AsyncRead + AsyncWrite + Send + 'static) -> ChannelWriteHalf<Msg> {
    let (read, write) = channel.split();
    let (reader, writer) = tokio::io::split(stream);
    let (queue, closed) = drain(read);
    tokio::spawn(queue.feed(writer));
    send(reader, &write, StreamKind::Data, &closed).await;
    let _ = write.eof().await;
    write
}

/// The data that a channel has received and that has not been read yet.
pub struct Queue {
    received: mpsc::UnboundedReceiver<Bytes>,
    room: Arc<Semaphore>,
}

/// Starts draining the channel. The token is cancelled when the client has closed the channel or is gone.
pub fn drain(mut channel: ChannelReadHalf) -> (Queue, CancellationToken) {
    let (sender, received) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(CAPACITY));
    let closed = CancellationToken::new();
    let queue = Queue { received, room: room.clone() };
    let token = closed.clone().drop_guard();
    tokio::spawn(async move {
        let _token = token;
        let mut sender = Some(sender);
        while let Some(message) = channel.wait().await {
            match (message, &sender) {
                (ChannelMsg::Data { data }, Some(open)) => {
                    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
                    // An error means that the queue's reader has ended: from then on data is dropped.
                    if let Ok(permit) = room.acquire_many(length).await {
                        permit.forget();
                        let _ = open.send(data);
                    }
                }
                (ChannelMsg::Eof, _) => sender = None,
                (ChannelMsg::Close, _) => break,
                _ => {}
            }
        }
    });
    (queue, closed)
}

impl Queue {
    /// Writes everything to `writer`, then shuts it down. Ends early if the writer accepts no more.
    pub async fn feed(mut self, mut writer: impl AsyncWrite + Unpin) {
        while let Some(data) = self.received.recv().await {
            if writer.write_all(&data).await.is_err() {
                break;
            }
            self.room.add_permits(data.len());
        }
        let _ = writer.shutdown().await;
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.room.close();
    }
}

/// Which stream of a channel is meant (RFC 4254 §5.2).
#[derive(Clone, Copy)]
pub enum StreamKind {
    Data,
    Stderr,
}

/// Sends everything read from `reader` to the client, until it ends or the channel is closed.
pub async fn send(
    mut reader: impl AsyncRead + Unpin,
    channel: &ChannelWriteHalf<Msg>,
    kind: StreamKind,
    closed: &CancellationToken,
) {
    let sending = async {
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(32 << 10);
            if reader.read_buf(&mut buffer).await? == 0 {
                return io::Result::Ok(());
            }
            let data = buffer.split().freeze();
            match kind {
                StreamKind::Data => channel.data_bytes(data).await,
                StreamKind::Stderr => channel.extended_data_bytes(1, data).await,
            }
            .map_err(io::Error::other)?;
        }
    };
    // A write that waits for window credit is not woken if the channel dies: the token ends it.
    tokio::select! {
        _ = sending => {}
        () = closed.cancelled() => {}
    }
}
