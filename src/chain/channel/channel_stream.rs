//! What travels in a forwarded connection (RFC 4254 §7)? Bytes in both directions, nothing else.
//!
//! Main type: [`ChannelStream`]. Each direction ends by itself, as with a TCP connection.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use russh::client::Msg;
use russh::{Channel, ChannelMsg};

use super::halves::{Incoming, Outgoing, split};
use crate::chain::transport::connected::Connected;

/// A connection through a channel, in two halves. Dropping [`ChannelWriter`] closes the channel; without
/// [`ChannelReader`] nothing can be written either.
pub struct ChannelStream {
    /// Bytes from the other side. It must be read all the time: a full channel stops its whole session.
    pub incoming: ChannelReader,
    /// Bytes to the other side.
    pub outgoing: ChannelWriter,
}

/// The receiving half.
pub struct ChannelReader {
    incoming: Incoming,
}

/// The sending half.
pub struct ChannelWriter {
    outgoing: Outgoing,
}

/// What arrived on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// Bytes.
    Data(Bytes),
    /// The end of the other side's bytes; it may still accept ours (RFC 4254 §5.3).
    End,
}

impl ChannelStream {
    /// Takes `channel` over; both halves keep `connection` open.
    pub(crate) fn new(channel: Channel<Msg>, connection: Arc<Connected>) -> ChannelStream {
        let (incoming, outgoing) = split(channel, connection);
        ChannelStream { incoming: ChannelReader { incoming }, outgoing: ChannelWriter { outgoing } }
    }
}

impl ChannelReader {
    /// What comes next; `None` when the channel or its connection has ended.
    pub async fn next(&mut self) -> Option<Arrival> {
        loop {
            match self.incoming.read.wait().await? {
                ChannelMsg::Data { data } => return Some(Arrival::Data(data)),
                ChannelMsg::Eof => return Some(Arrival::End),
                ChannelMsg::Close => return None,
                _ => {}
            }
        }
    }
}

impl ChannelWriter {
    /// Sends a chunk. Waits while the other side accepts none; fails when the channel has ended.
    pub async fn send(&self, chunk: Bytes) -> io::Result<()> {
        self.outgoing.send(chunk).await
    }

    /// Ends our bytes (RFC 4254 §5.3).
    pub async fn end(&self) -> io::Result<()> {
        self.outgoing.half().eof().await.map_err(io::Error::other)
    }
}
