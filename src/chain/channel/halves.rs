//! What are the two halves of a channel? Bytes in, bytes out; no writer waits for window credit from a channel that has
//! ended.
//!
//! Main types: [`Incoming`], [`Outgoing`].

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::chain::transport::connected::Connected;
use crate::sftp::{Receive, Transmit};

/// Splits `channel`; both halves keep `connection` open.
pub fn split(channel: Channel<Msg>, connection: Arc<Connected>) -> (Incoming, Outgoing) {
    let (read, write) = channel.split();
    let closed = CancellationToken::new();
    let refused = Arc::new(AtomicBool::new(false));
    let incoming = Incoming { read, refused, connection, _closes: closed.clone().drop_guard() };
    (incoming, Outgoing { write: Some(write), closed })
}

/// The receiving half. Its holder must keep reading: a full channel stops its whole SSH session.
pub struct Incoming {
    pub read: ChannelReadHalf,
    pub connection: Arc<Connected>,
    refused: Arc<AtomicBool>,
    _closes: DropGuard,
}

impl Incoming {
    /// Becomes true when the server answers the channel's request with a failure (RFC 4254 §5.4).
    pub fn refused(&self) -> Arc<AtomicBool> {
        self.refused.clone()
    }

    /// An error that names the lost connection of the way, and the text of its server's last message.
    fn lost(&self) -> io::Error {
        let broken = self.connection.broken_at().unwrap_or(&self.connection);
        let words = match broken.disconnect_reason() {
            words if words.is_empty() => String::new(),
            words => format!(": {words}"),
        };
        let text = format!("the connection to {} was lost{words}", broken.trail.end());
        io::Error::new(io::ErrorKind::ConnectionReset, text)
    }
}

impl Receive for Incoming {
    async fn receive(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            match self.read.wait().await {
                Some(ChannelMsg::Data { data }) if !data.is_empty() => return Ok(Some(data)),
                Some(ChannelMsg::Failure) => {
                    self.refused.store(true, Ordering::Release);
                    return Err(io::Error::other("the server refused the request"));
                }
                Some(ChannelMsg::Eof | ChannelMsg::Close) => return Ok(None),
                None if self.connection.broken_at().is_some() => return Err(self.lost()),
                None => return Ok(None),
                Some(_) => {}
            }
        }
    }
}

/// The transmitting half; dropping it closes the channel.
pub struct Outgoing {
    write: Option<ChannelWriteHalf<Msg>>,
    closed: CancellationToken,
}

impl Outgoing {
    /// russh's half of the channel, for requests.
    pub fn half(&self) -> &ChannelWriteHalf<Msg> {
        self.write.as_ref().expect("taken only when dropped")
    }

    /// Sends a chunk. Waits for window credit; fails when the receiving half has ended.
    pub async fn send(&self, chunk: Bytes) -> io::Result<()> {
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the channel is closed");
        tokio::select! {
            sent = self.half().data_bytes(chunk) => sent.map_err(gone),
            () = self.closed.cancelled() => Err(gone(russh::Error::Disconnect)),
        }
    }
}

impl Transmit for Outgoing {
    async fn transmit(&mut self, chunk: Bytes) -> io::Result<()> {
        self.send(chunk).await
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        if let (Some(write), Ok(runtime)) = (self.write.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { write.close().await });
        }
    }
}
