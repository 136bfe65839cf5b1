//! How does one SSH session carry another? In a direct-tcpip channel of the outer session, as a stream that never
//! blocks.
//!
//! Main type: [`Tunnel`]. An SSH session does not read while it writes. If the inner session's bytes stayed in the
//! outer channel meanwhile, the outer session would stop too, and with it the window adjusts that the inner one waits
//! for. So one task always drains the channel into a queue, another writes from a short queue, and a token tells both
//! when either ends.
//!
//! Memory: [`INCOMING_LIMIT`] bytes in, [`OUTGOING_CHUNKS`] × [`CHUNK`] bytes out. A peer that keeps within the windows
//! of the inner session cannot reach the first; one that does not is cut off.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, PollSender};

use crate::chain::transport::window::WINDOW;

/// The most bytes queued towards the inner session: the windows of two bulk channels, and 4 MiB for what surrounds
/// data.
pub const INCOMING_LIMIT: usize = 2 * WINDOW as usize + 4 * 1024 * 1024;
/// The most chunks queued towards the outer session.
const OUTGOING_CHUNKS: usize = 4;
/// The most bytes of a chunk.
const CHUNK: usize = 64 * 1024;

/// A direct-tcpip channel as a byte stream that never blocks the session it runs on.
pub struct Tunnel {
    incoming: mpsc::UnboundedReceiver<Bytes>,
    queued: Arc<AtomicUsize>,
    unread: Bytes,
    outgoing: PollSender<Bytes>,
}

impl Tunnel {
    /// Takes the channel over; the tasks end when the tunnel is dropped or the channel closes.
    pub fn new(channel: Channel<Msg>) -> Self {
        let (read, write) = channel.split();
        let (incoming_tx, incoming) = mpsc::unbounded_channel();
        let (outgoing_tx, outgoing) = mpsc::channel(OUTGOING_CHUNKS);
        let queued = Arc::new(AtomicUsize::new(0));
        let closed = CancellationToken::new();
        tokio::spawn(drain(read, incoming_tx, queued.clone(), closed.clone()));
        tokio::spawn(feed(write, outgoing, closed));
        Tunnel { incoming, queued, unread: Bytes::new(), outgoing: PollSender::new(outgoing_tx) }
    }
}

/// Moves arriving bytes into the queue until the channel ends, the tunnel is dropped, or the peer ignores flow control.
async fn drain(
    mut read: ChannelReadHalf,
    incoming: mpsc::UnboundedSender<Bytes>,
    queued: Arc<AtomicUsize>,
    closed: CancellationToken,
) {
    let _ends_the_writer = closed.clone().drop_guard();
    loop {
        let message = tokio::select! {
            message = read.wait() => message,
            () = incoming.closed() => return,
            () = closed.cancelled() => return,
        };
        match message {
            Some(ChannelMsg::Data { data }) => {
                let total = queued.fetch_add(data.len(), Ordering::AcqRel) + data.len();
                if total > INCOMING_LIMIT || incoming.send(data).is_err() {
                    return;
                }
            }
            Some(ChannelMsg::Eof | ChannelMsg::Close) | None => return,
            Some(_) => {}
        }
    }
}

/// Writes queued chunks until the tunnel is dropped or the channel ends. russh never wakes a writer that waits for
/// window credit when its channel dies, hence the token.
async fn feed(write: ChannelWriteHalf<Msg>, mut outgoing: mpsc::Receiver<Bytes>, closed: CancellationToken) {
    let _ends_the_reader = closed.clone().drop_guard();
    let work = async {
        while let Some(chunk) = outgoing.recv().await {
            write.data_bytes(chunk).await?;
        }
        write.close().await
    };
    tokio::select! {
        _ = work => {}
        () = closed.cancelled() => drop(write.close().await),
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            match ready!(self.incoming.poll_recv(cx)) {
                Some(chunk) => self.unread = chunk,
                None => return Poll::Ready(Ok(())),
            }
        }
        let taken = self.unread.len().min(buf.remaining());
        let head = self.unread.split_to(taken);
        buf.put_slice(&head);
        self.queued.fetch_sub(taken, Ordering::AcqRel);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.outgoing.poll_reserve(cx)).map_err(|_| broken())?;
        let taken = buf.len().min(CHUNK);
        self.outgoing.send_item(Bytes::copy_from_slice(&buf[..taken])).map_err(|_| broken())?;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.close();
        Poll::Ready(Ok(()))
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the channel to the hop before is closed")
}
