//! What does a private server do? It serves commands and SFTP. It does not listen: its bastion connects to it in
//! memory.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey, run_stream};
use russh::{Channel, ChannelId};
use tokio::io::DuplexStream;

use super::access::Access;
use super::{pipe, process};
use crate::demo::map::Vpc;
use crate::demo::sftp::files::Files;
use crate::demo::sftp::jail::Jail;

/// The most bytes in flight between a bastion and its private server, or a channel and its SFTP server, in each
/// direction.
const WIRE: usize = 256 << 10;

/// A private server and its folder.
pub struct PrivateServer {
    pub vpc: Vpc,
    pub access: Access,
    /// The folder that SFTP shows as `/`.
    pub root: PathBuf,
}

impl PrivateServer {
    /// Makes a new connection to this server and returns the caller's end of it.
    pub fn connect(self: &Arc<Self>) -> DuplexStream {
        let (near, far) = tokio::io::duplex(WIRE);
        let server = self.clone();
        tokio::spawn(async move {
            let guest = PrivateGuest { server: server.clone(), channels: HashMap::new() };
            if let Ok(session) = run_stream(server.access.config.clone(), far, guest).await {
                let _ = session.await;
            }
        });
        near
    }

    fn jail(&self) -> Jail {
        Jail::new(self.root.clone())
    }
}

/// One connection, and its channels for which no request has come yet.
struct PrivateGuest {
    server: Arc<PrivateServer>,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl PrivateGuest {
    fn start(
        &mut self,
        id: ChannelId,
        session: &mut Session,
        what: process::ExecRequest<'_>,
    ) -> Result<(), russh::Error> {
        let Some(channel) = self.channels.remove(&id) else { return session.channel_failure(id) };
        let command = process::command(what, &self.server.jail().home(), self.server.vpc.private());
        session.channel_success(id)?;
        tokio::spawn(process::run(channel, command, session.handle()));
        Ok(())
    }
}

impl Handler for PrivateGuest {
    type Error = russh::Error;

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        Ok(self.server.access.admits(user, offer.public_key))
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(self.server.access.admits(user, key.public_key))
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(&mut self, id: ChannelId, line: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        self.start(id, session, process::ExecRequest::Line(line))
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        self.start(id, session, process::ExecRequest::Shell)
    }

    async fn subsystem_request(&mut self, id: ChannelId, name: &str, session: &mut Session) -> Result<(), Self::Error> {
        let channel = (name == "sftp").then(|| self.channels.remove(&id)).flatten();
        let Some(channel) = channel else { return session.channel_failure(id) };
        session.channel_success(id)?;
        let (near, far) = tokio::io::duplex(WIRE);
        tokio::spawn(pipe::subsystem(channel, near));
        russh_sftp::server::run(far, Files::new(self.server.jail())).await;
        Ok(())
    }

    /// Refuses a terminal: ssh prints a message and continues without one.
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

    async fn channel_close(&mut self, id: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        self.channels.remove(&id);
        Ok(())
    }
}
