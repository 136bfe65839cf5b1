//! The client's side of one SSH connection: judges the host key, keeps what the server says on the way out, and
//! refuses every channel the server opens but those that were asked for (`incoming_channels.rs`).
//!
//! Main types: [`Greeter`], [`Notes`]. Callbacks run inside the session's loop, so none of them waits for that session.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use russh::client::{ChannelOpenHandle, DisconnectReason, Handler, Msg, Session};
use russh::keys::{PublicKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelId, ChannelOpenFailure};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use super::incoming_channels::{Door, Doors};
use super::rekey::{Keys, Rekeying};
use crate::progress::{Event, Observer, Stage};
use crate::prompt::Prompt;
use crate::trust::{self, HostVerified, Lookup, Presented, TrustError};

/// The longest banner, refusal or farewell that is kept, in bytes.
const TEXT_LIMIT: usize = 8 * 1024;
/// The text of a refusal is there by then.
const MOMENT: Duration = Duration::from_secs(1);

/// What a connection's server has shown and said.
#[derive(Default)]
pub struct Notes {
    /// The proof, once the key exchange is done.
    pub verified: OnceLock<HostVerified>,
    /// Its version line, which the key exchange signs (RFC 4253 §4.2, §8).
    pub version: OnceLock<String>,
    farewell: Mutex<Option<String>>,
    refusal: Mutex<Option<String>>,
    refused: Notify,
    /// What the server may open.
    pub doors: Doors,
    /// Cancelled when the connection has ended.
    pub ended: CancellationToken,
}

impl Notes {
    /// The text of its DISCONNECT message, or why the transport failed (RFC 4253 §11.1).
    pub fn farewell(&self) -> Option<String> {
        self.farewell.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The text of the last channel it would not open (RFC 4254 §5.1). russh tells whoever opens the channel first, and
    /// the handler, who gets the text, a moment later.
    pub async fn refusal(&self) -> Option<String> {
        let _ = tokio::time::timeout(MOMENT, self.refused.notified()).await; // then it has no text
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a session's loop fails with.
#[derive(Debug)]
pub enum GreetError {
    /// The host key did not pass.
    Trust(TrustError),
    /// The transport failed.
    Transport(russh::Error),
}

impl From<russh::Error> for GreetError {
    fn from(error: russh::Error) -> Self {
        GreetError::Transport(error)
    }
}

/// One connection's handler.
pub struct Greeter {
    pub hop: String,
    pub lookup: Lookup,
    pub prompt: Arc<dyn Prompt>,
    pub observer: Arc<dyn Observer>,
    pub notes: Arc<Notes>,
    /// Whoever waits for the keys the server announces, once.
    pub announce: Option<oneshot::Sender<Vec<PublicKey>>>,
    pub rekeying: Rekeying,
}

impl Drop for Greeter {
    fn drop(&mut self) {
        self.notes.ended.cancel();
    }
}

impl Greeter {
    /// New keys, when the configuration wants them by now.
    fn change_keys(&mut self, session: &mut Session) -> Result<(), GreetError> {
        let text = match self.rekeying.proceed(session)? {
            Keys::Serve => return Ok(()),
            Keys::Change => format!("{}: new keys (RekeyLimit)", self.hop),
            Keys::PutOff => format!("{}: new keys are due and wait until fewer connections are open", self.hop),
        };
        self.observer.event(Event::Detail(text));
        Ok(())
    }

    async fn judge(&self, presented: Presented) -> Result<(), TrustError> {
        self.observer.event(Event::Stage { hop: self.hop.clone(), stage: Stage::VerifyHost });
        let prompt = self.prompt.clone();
        let verified = trust::verify(&self.lookup, &presented, prompt, self.observer.as_ref()).await?;
        let _first = self.notes.verified.set(verified);
        Ok(())
    }
}

/// Refuses a channel the server opens.
macro_rules! refuse {
    ($($name:ident($($argument:ident: $kind:ty),*);)*) => {
        $(async fn $name(
            &mut self,
            _: Channel<Msg>,
            $(#[allow(unused_variables)] $argument: $kind,)*
            reply: ChannelOpenHandle,
            _: &mut Session,
        ) -> Result<(), GreetError> {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
            Ok(())
        })*
    };
}

impl Handler for Greeter {
    type Error = GreetError;

    async fn check_server_key(&mut self, presented: &PublicKeyOrCertificate) -> Result<bool, GreetError> {
        let presented = match presented {
            PublicKeyOrCertificate::PublicKey { key, .. } => Presented::Key(key.clone()),
            PublicKeyOrCertificate::Certificate(certificate) => Presented::Certificate(Box::new(certificate.clone())),
        };
        self.judge(presented).await.map(|()| true).map_err(GreetError::Trust)
    }

    async fn kex_done(&mut self, _: Option<&[u8]>, _: &russh::Names, session: &mut Session) -> Result<(), GreetError> {
        let _rekeyed = self.notes.version.set(bounded(&String::from_utf8_lossy(session.remote_sshid())));
        self.rekeying.renewed();
        Ok(())
    }

    async fn channel_open_confirmation(
        &mut self,
        channel: ChannelId,
        _: u32,
        _: u32,
        _: &mut Session,
    ) -> Result<(), GreetError> {
        self.rekeying.opened(channel);
        Ok(())
    }

    async fn data(&mut self, _: ChannelId, _: &[u8], session: &mut Session) -> Result<(), GreetError> {
        self.change_keys(session)
    }

    async fn extended_data(&mut self, _: ChannelId, _: u32, _: &[u8], session: &mut Session) -> Result<(), GreetError> {
        self.change_keys(session)
    }

    async fn window_adjusted(&mut self, _: ChannelId, _: u32, session: &mut Session) -> Result<(), GreetError> {
        self.change_keys(session)
    }

    async fn auth_banner(&mut self, banner: &str, _: &mut Session) -> Result<(), GreetError> {
        self.observer.event(Event::Banner { hop: self.hop.clone(), text: bounded(banner) });
        Ok(())
    }

    async fn openssh_ext_host_keys_announced(
        &mut self,
        keys: Vec<PublicKey>,
        _: &mut Session,
    ) -> Result<(), GreetError> {
        if let Some(announce) = self.announce.take() {
            let _nobody_waits = announce.send(keys);
        }
        Ok(())
    }

    async fn channel_open_failure(
        &mut self,
        _: ChannelId,
        _: ChannelOpenFailure,
        description: &str,
        _: &str,
        _: &mut Session,
    ) -> Result<(), GreetError> {
        *self.notes.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(bounded(description));
        self.notes.refused.notify_one();
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<GreetError>) -> Result<(), GreetError> {
        let (text, outcome) = match reason {
            DisconnectReason::ReceivedDisconnect(info) => (Some(info.message), Ok(())),
            DisconnectReason::Error(GreetError::Transport(russh::Error::Disconnect)) => (None, Ok(())),
            DisconnectReason::Error(error) => (Some(describe(&error)), Err(error)),
        };
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            *self.notes.farewell.lock().unwrap_or_else(PoisonError::into_inner) = Some(bounded(&text));
        }
        outcome
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        channel: Channel<Msg>,
        address: &str,
        port: u32,
        originator: &str,
        originator_port: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), GreetError> {
        self.rekeying.opened(channel.id());
        let guest = (channel, bounded(&format!("{originator} port {originator_port}")));
        self.notes.doors.knock(&Door::Tcpip(address.to_owned(), port), guest, reply).await;
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        channel: Channel<Msg>,
        path: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), GreetError> {
        self.rekeying.opened(channel.id());
        self.notes.doors.knock(&Door::Streamlocal(path.to_owned()), (channel, String::new()), reply).await;
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), GreetError> {
        self.rekeying.opened(channel.id());
        self.notes.doors.knock(&Door::Agent, (channel, String::new()), reply).await;
        Ok(())
    }

    refuse! {
        server_channel_open_unknown();
        server_channel_open_session();
        server_channel_open_direct_tcpip(host: &str, port: u32, originator: &str, originator_port: u32);
        server_channel_open_direct_streamlocal(path: &str);
        server_channel_open_x11(originator: &str, originator_port: u32);
    }
}

fn describe(error: &GreetError) -> String {
    match error {
        GreetError::Trust(error) => error.to_string(),
        GreetError::Transport(russh::Error::KeepaliveTimeout) => "the server does not answer any more".to_owned(),
        GreetError::Transport(error) => error.to_string(),
    }
}

fn bounded(text: &str) -> String {
    let end = (0..=TEXT_LIMIT.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
    text[..end.unwrap_or(0)].to_owned()
}
