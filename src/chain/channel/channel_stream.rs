//! A channel that only carries bytes: a forwarded connection, in either direction (RFC 4254 §7).
//!
//! Main type: [`Conduit`]. Each direction ends by itself, as with a TCP connection.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use russh::client::Msg;
use russh::keys::agent::AgentSessionBinding;
use russh::{Channel, ChannelMsg};

use super::halves::{Incoming, Outgoing, split};
use crate::chain::connect::hop::Connected;
use crate::chain::error::Cause;
use crate::chain::transport::incoming_channels::Doors;
use crate::target::place;

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

impl Connected {
    /// A channel to `host:port` for someone who connected from `originator` (RFC 4254 §7.2).
    pub async fn direct_tcpip(&self, host: &str, port: u16, originator: (&str, u16)) -> Result<Channel<Msg>, Cause> {
        let (address, from) = originator;
        let opening = self.handle.channel_open_direct_tcpip(host, u32::from(port), address, u32::from(from));
        match opening.await {
            Ok(channel) => Ok(channel),
            Err(error) => Err(self.not_opened(place(host, port), error).await),
        }
    }

    /// A channel to a Unix socket at this hop (OpenSSH PROTOCOL §2.4).
    pub async fn direct_streamlocal(&self, path: &str) -> Result<Channel<Msg>, Cause> {
        match self.handle.channel_open_direct_streamlocal(path).await {
            Ok(channel) => Ok(channel),
            Err(error) => Err(self.not_opened(path.to_owned(), error).await),
        }
    }

    async fn not_opened(&self, to: String, error: russh::Error) -> Cause {
        match error {
            russh::Error::ChannelOpenFailure(reason) => {
                let by = self.trail.end().to_owned();
                Cause::ForwardRefused { by, to, reason: self.refusal_text(&reason).await }
            }
            error => self.lost(&error),
        }
    }

    /// Makes the server listen on a port, one of its choice for 0; the port (RFC 4254 §7.1).
    pub async fn listen_tcpip(&self, address: &str, port: u16) -> Result<u16, Cause> {
        let asked = self.handle.tcpip_forward(address, u32::from(port)).await;
        match asked.map_err(|error| self.not_listening(&error))? {
            0 => Ok(port),
            chosen => u16::try_from(chosen).map_err(|_| Cause::Protocol(format!("{chosen} is no port"))),
        }
    }

    /// Makes the server listen on a Unix socket (OpenSSH PROTOCOL §2.4).
    pub async fn listen_streamlocal(&self, path: &str) -> Result<(), Cause> {
        self.handle.streamlocal_forward(path).await.map_err(|error| self.not_listening(&error))
    }

    fn not_listening(&self, error: &russh::Error) -> Cause {
        match error {
            russh::Error::RequestDenied => Cause::Refused("the server does not listen there".to_owned()),
            error => self.lost(error),
        }
    }

    /// What the server may open.
    pub fn doors(&self) -> &Doors {
        &self.notes.doors
    }

    /// Returns when the transport has ended.
    pub async fn ended(&self) {
        self.notes.ended.cancelled().await;
    }

    /// The first key exchange, as an agent wants to know it (OpenSSH PROTOCOL.agent §1).
    pub fn binding(&self) -> Option<&AgentSessionBinding> {
        self.handle.agent_session_binding()
    }
}
