//! What does a bastion do? It listens on loopback, accepts the VPC's key, and forwards to its own private server and
//! nowhere else.

use std::sync::Arc;

use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey, run_stream};
use russh::{Channel, ChannelId, ChannelOpenFailure};
use tokio::net::{TcpListener, TcpStream};

use super::access::Access;
use super::pipe;
use super::private::PrivateServer;
use crate::demo::map::Vpc;

/// The port at which private servers are reached through the bastion.
const SSH_PORT: u32 = 22;

/// A bastion and the server behind it.
pub struct Bastion {
    pub vpc: Vpc,
    pub access: Access,
    pub private: Arc<PrivateServer>,
}

impl Bastion {
    /// Serves connections until the runtime ends.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(self.clone().session(stream))),
                // Out of descriptors, for example: they become free when a connection ends.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
    }

    async fn session(self: Arc<Self>, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        if let Ok(session) = run_stream(self.access.config.clone(), stream, BastionGuest { bastion: self }).await {
            let _ = session.await;
        }
    }
}

/// One connection.
struct BastionGuest {
    bastion: Arc<Bastion>,
}

impl BastionGuest {
    /// Answers a command: a sentence on stderr and status 1.
    fn turn_away(&self, channel: ChannelId, session: &mut Session) -> Result<(), russh::Error> {
        let (bastion, private) = (self.bastion.vpc.bastion(), self.bastion.vpc.private());
        let text = format!(
            "{bastion}: no commands here, this host only forwards to {private} (ssh -J {bastion} {private})\r\n"
        );
        session.channel_success(channel)?;
        session.extended_data(channel, 1, text)?;
        session.exit_status_request(channel, 1)?;
        session.eof(channel)?;
        session.close(channel)
    }
}

impl Handler for BastionGuest {
    type Error = russh::Error;

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        Ok(self.bastion.access.admits(user, offer.public_key))
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(self.bastion.access.admits(user, key.public_key))
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _originator: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if host == self.bastion.vpc.address() && port == SSH_PORT {
            reply.accept().await;
            tokio::spawn(pipe::tunnel(channel, self.bastion.private.connect()));
        } else {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        }
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        // Data for a channel that nobody reads would stop the session, so it is drained.
        let _ = pipe::drain(channel.split().0);
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(&mut self, id: ChannelId, _: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        self.turn_away(id, session)
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        self.turn_away(id, session)
    }

    async fn subsystem_request(&mut self, id: ChannelId, _: &str, session: &mut Session) -> Result<(), Self::Error> {
        session.channel_failure(id)
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        _term: &str,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(russh::Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(id)
    }
}
