//! How is a channel opened, and why was one not? Sessions, forwarded connections, and ports or sockets on which the
//! server listens for us (RFC 4254 §5.1, §7).
//!
//! Methods of [`Connected`]; what the channel carries is not known here.

use russh::client::Msg;
use russh::{Channel, ChannelOpenFailure};

use crate::chain::error::{Cause, ChainError};
use crate::chain::stage_timeout::limit;
use crate::chain::transport::connected::Connected;
use crate::chain::transport::incoming_channels::IncomingChannels;
use crate::progress::Stage;
use crate::target::place;

impl Connected {
    /// Opens a session channel (RFC 4254 §6.1).
    pub async fn open_session(&self) -> Result<Channel<Msg>, ChainError> {
        let opening = self.asking.within(limit(Stage::OpenChannel, &self.host), self.handle.channel_open_session());
        let cause = match opening.await {
            Ok(Ok(channel)) => return Ok(channel),
            Ok(Err(russh::Error::ChannelOpenFailure(reason))) => {
                Cause::Refused(format!("the server opens no session channel: {}", self.refusal_text(&reason).await))
            }
            Ok(Err(error)) => self.lost(&error),
            Err(limit) => {
                self.abort_if_silent().await;
                Cause::TimedOut(limit)
            }
        };
        Err(self.failed(Stage::OpenChannel, cause))
    }

    /// Opens a channel to `host:port` for a client that connected from `originator` (RFC 4254 §7.2).
    pub async fn direct_tcpip(&self, host: &str, port: u16, originator: (&str, u16)) -> Result<Channel<Msg>, Cause> {
        let (address, from) = originator;
        let opening = self.handle.channel_open_direct_tcpip(host, u32::from(port), address, u32::from(from));
        match opening.await {
            Ok(channel) => Ok(channel),
            Err(error) => Err(self.not_opened(place(host, port), error).await),
        }
    }

    /// Opens a channel to a Unix socket on the server's host (OpenSSH PROTOCOL §2.4).
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

    async fn refusal_text(&self, reason: &ChannelOpenFailure) -> String {
        let code = match reason {
            ChannelOpenFailure::AdministrativelyProhibited => "administratively prohibited".to_owned(),
            ChannelOpenFailure::ConnectFailed => "connect failed".to_owned(),
            ChannelOpenFailure::UnknownChannelType => "unknown channel type".to_owned(),
            ChannelOpenFailure::ResourceShortage => "resource shortage".to_owned(),
            ChannelOpenFailure::Other { code, .. } => format!("reason {code}"),
        };
        match self.state.refusal().await {
            Some(text) if !text.is_empty() && text != code => format!("{code} ({text})"),
            _ => code,
        }
    }

    /// Makes the server listen on a port and returns it; for 0 the server chooses one (RFC 4254 §7.1).
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

    /// The channels that the server may open.
    pub fn incoming_channels(&self) -> &IncomingChannels {
        &self.state.incoming_channels
    }
}
