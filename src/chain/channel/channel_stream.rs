//! A channel that only carries bytes: a forwarded connection, in either direction (RFC 4254 §7).
//!
//! Main type: [`Conduit`]. Each direction ends by itself, as with a TCP connection.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use russh::client::Msg;
use russh::{Channel, ChannelMsg};

use super::halves::{Incoming, Outgoing, split};
use crate::chain::transport::connected::Connected;

/// A connection through a channel, in two halves. The channel is closed when [`ConduitWriter`] is dropped; without
/// [`ConduitReader`] nothing can be written either.
pub struct Conduit {
    /// What comes from the other side. It must be read all the time: a full one stops its whole session.
    pub incoming: ConduitReader,
    /// What goes there.
    pub outgoing: ConduitWriter,
}

/// The receiving half.
pub struct ConduitReader {
    incoming: Incoming,
}

/// The sending half.
pub struct ConduitWriter {
    outgoing: Outgoing,
}

/// One thing that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// Bytes.
    Data(Bytes),
    /// The other side will send nothing more; it may still take.
    End,
}

impl Conduit {
    /// Takes a channel over.
    pub(in crate::chain) fn new(channel: Channel<Msg>, connection: Arc<Connected>) -> Conduit {
        let (incoming, outgoing) = split(channel, connection);
        Conduit { incoming: ConduitReader { incoming }, outgoing: ConduitWriter { outgoing } }
    }
}

impl ConduitReader {
    /// The next thing; `None` when the channel or its connection is gone.
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

impl ConduitWriter {
    /// Sends a chunk; waits while the other side takes none; fails once the channel is gone.
    pub async fn send(&self, chunk: Bytes) -> io::Result<()> {
        self.outgoing.send(chunk).await
    }

    /// Says that nothing more will come (RFC 4254 §5.3).
    pub async fn end(&self) -> io::Result<()> {
        self.outgoing.half().eof().await.map_err(io::Error::other)
    }
}
