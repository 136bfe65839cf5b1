//! How does the client answer its server? It verifies the host key, keeps the text of the server's last message, and
//! refuses every channel that the server opens unless it was asked for (`incoming_channels.rs`).
//!
//! Main types: [`ClientHandler`], [`ConnectionState`]. Callbacks run inside the session's loop, so none of them waits
//! for that session.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use russh::client::{ChannelOpenHandle, DisconnectReason, Handler, Msg, Session};
use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelId, ChannelOpenFailure};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use super::exchange_lines::exchange_lines;
use super::host_key_log;
use super::incoming_channels::{IncomingChannel, IncomingChannels, IncomingType};
use super::rekey::{RekeyDecision, Rekeying};
use super::weak_crypto::WeakCrypto;
use crate::progress::{Event, Observer, Stage};
use crate::prompt::Asking;
use crate::trust::{self, HostVerified, Lookup, Presented, TrustError};

/// The longest refusal or disconnect message that is kept, in bytes.
const TEXT_LIMIT: usize = 8 * 1024;
/// The longest text sent before a login that is shown, in bytes.
const BANNER_LIMIT: usize = 128 * 1024;
/// The most banners of a connection that are passed on (RFC 4252 §5.4): a server may send as many as it likes.
const MOST_BANNERS: usize = 16;
/// How long the text of a refusal may take to arrive.
const MOMENT: Duration = Duration::from_secs(1);

/// What is known about a connection: what its server has proven and sent, and which channels it may open.
#[derive(Default)]
pub struct ConnectionState {
    /// The proof of the host's identity, once the key exchange is done.
    pub verified: OnceLock<HostVerified>,
    /// The server's version string, which the key exchange signs (RFC 4253 §4.2, §8).
    pub version: OnceLock<String>,
    disconnect_reason: Mutex<Option<String>>,
    refusal: Mutex<Option<String>>,
    refused: Notify,
    banners: AtomicUsize,
    changed: OnceLock<ChangedHostKey>,
    /// The channels that the server may open.
    pub incoming_channels: IncomingChannels,
    /// Cancelled when the connection has ended.
    pub ended: CancellationToken,
}

/// A host key that is not the one that was verified.
#[derive(Clone)]
struct ChangedHostKey {
    /// The name looked up in known_hosts.
    host: String,
    /// Type and fingerprint of the key; `None` if it could not be seen.
    shown: Option<String>,
}

impl ConnectionState {
    /// The error if the host key changed at a rekey; the host must not be connected to again.
    pub fn host_key_change(&self) -> Option<TrustError> {
        let ChangedHostKey { host, shown } = self.changed.get()?.clone();
        Some(TrustError::ChangedAtRekey { host, shown })
    }

    /// The text of the server's DISCONNECT message, or why the transport failed (RFC 4253 §11.1).
    pub fn disconnect_reason(&self) -> Option<String> {
        self.disconnect_reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The server's text for the last channel that it refused to open (RFC 4254 §5.1). russh notifies the opener first,
    /// and a moment later the handler, which gets the text.
    pub async fn refusal(&self) -> Option<String> {
        let _ = tokio::time::timeout(MOMENT, self.refused.notified()).await; // after that there is no text
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Why a session's loop ended.
#[derive(Debug)]
pub enum HandlerError {
    /// The host key was not accepted.
    Trust(TrustError),
    /// The transport failed.
    Transport(russh::Error),
}

impl From<russh::Error> for HandlerError {
    fn from(error: russh::Error) -> Self {
        HandlerError::Transport(error)
    }
}

/// The callbacks of one connection.
pub struct ClientHandler {
    pub hop: String,
    pub lookup: Lookup,
    pub asking: Arc<Asking>,
    pub observer: Arc<dyn Observer>,
    pub state: Arc<ConnectionState>,
    /// Receives the host keys that the server announces, once.
    pub announce: Option<oneshot::Sender<Vec<PublicKey>>>,
    pub rekeying: Rekeying,
    pub weak_crypto: WeakCrypto,
}

impl Drop for ClientHandler {
    fn drop(&mut self) {
        drop(host_key_log::shown()); // the line of an unfinished key exchange
        self.state.ended.cancel();
    }
}

impl ClientHandler {
    /// Asks for new keys when they are due.
    fn change_keys(&mut self, session: &mut Session) -> Result<(), HandlerError> {
        let text = match self.rekeying.proceed(session)? {
            RekeyDecision::Keep => return Ok(()),
            RekeyDecision::Rekey => format!("{}: new keys (RekeyLimit)", self.hop),
            RekeyDecision::Postpone => {
                format!("{}: new keys are due and wait until fewer connections are open", self.hop)
            }
        };
        self.observer.event(Event::Detail(text));
        Ok(())
    }

    /// Accepts or refuses a channel that the server opens.
    async fn offer(
        &mut self,
        kind: &IncomingType,
        incoming: IncomingChannel,
        reply: ChannelOpenHandle,
        session: &mut Session,
    ) -> Result<(), HandlerError> {
        let channel = incoming.channel.id();
        if self.state.incoming_channels.offer(kind, incoming, reply).await {
            self.rekeying.opened(channel, session);
        }
        Ok(())
    }

    /// Ends the session unless the host key presented at a rekey is the verified one. At that point the new keys are
    /// not in use yet.
    fn compare_host_key(&self, shown: Option<&str>) -> Result<(), HandlerError> {
        let verified = self.state.verified.get().map(|verified| host_key_log::line_of(verified.key()));
        if let (Some(verified), Some(shown)) = (&verified, shown)
            && shown.starts_with(verified)
        {
            return Ok(());
        }
        let key = shown.and_then(|line| PublicKey::from_openssh(line.split('"').nth(1)?).ok());
        let shown = key.map(|key| format!("{} {}", key.algorithm(), key.fingerprint(HashAlg::Sha256)));
        let _first = self.state.changed.set(ChangedHostKey { host: self.lookup.name.as_known(), shown });
        let change = self.state.host_key_change();
        Err(change.map_or(HandlerError::Transport(russh::Error::Disconnect), HandlerError::Trust))
    }

    async fn judge(&self, presented: Presented) -> Result<(), TrustError> {
        self.observer.event(Event::Stage { hop: self.hop.clone(), stage: Stage::VerifyHost });
        let asking = self.asking.clone();
        let verified = trust::verify(&self.lookup, &presented, asking, self.observer.as_ref()).await?;
        let _first = self.state.verified.set(verified);
        Ok(())
    }
}

/// Callbacks that refuse a channel that the server opens.
macro_rules! refuse {
    ($($name:ident($($argument:ident: $kind:ty),*);)*) => {
        $(async fn $name(
            &mut self,
            _: Channel<Msg>,
            $(#[allow(unused_variables)] $argument: $kind,)*
            reply: ChannelOpenHandle,
            _: &mut Session,
        ) -> Result<(), HandlerError> {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
            Ok(())
        })*
    };
}

impl Handler for ClientHandler {
    type Error = HandlerError;

    async fn check_server_key(&mut self, presented: &PublicKeyOrCertificate) -> Result<bool, HandlerError> {
        let presented = match presented {
            PublicKeyOrCertificate::PublicKey { key, .. } => Presented::Key(key.clone()),
            PublicKeyOrCertificate::Certificate(certificate) => Presented::Certificate(Box::new(certificate.clone())),
        };
        self.judge(presented).await.map(|()| true).map_err(HandlerError::Trust)
    }

    async fn kex_done(
        &mut self,
        _: Option<&[u8]>,
        names: &russh::Names,
        session: &mut Session,
    ) -> Result<(), HandlerError> {
        self.observer.event(Event::KeysExchanged { hop: self.hop.clone(), lines: exchange_lines(names) });
        self.weak_crypto.look(&self.hop, names.kex.as_ref(), self.observer.as_ref());
        let shown = host_key_log::shown();
        let first = self.state.version.set(bounded(&String::from_utf8_lossy(session.remote_sshid()), TEXT_LIMIT));
        if first.is_err() {
            self.compare_host_key(shown.as_deref())?;
        }
        self.rekeying.renewed();
        Ok(())
    }

    async fn channel_open_confirmation(
        &mut self,
        channel: ChannelId,
        _: u32,
        _: u32,
        session: &mut Session,
    ) -> Result<(), HandlerError> {
        self.rekeying.opened(channel, session);
        Ok(())
    }

    async fn data(&mut self, _: ChannelId, _: &[u8], session: &mut Session) -> Result<(), HandlerError> {
        self.change_keys(session)
    }

    async fn extended_data(
        &mut self,
        _: ChannelId,
        _: u32,
        _: &[u8],
        session: &mut Session,
    ) -> Result<(), HandlerError> {
        self.change_keys(session)
    }

    async fn window_adjusted(&mut self, _: ChannelId, _: u32, session: &mut Session) -> Result<(), HandlerError> {
        self.change_keys(session)
    }

    async fn auth_banner(&mut self, banner: &str, _: &mut Session) -> Result<(), HandlerError> {
        if self.state.banners.fetch_add(1, Ordering::Relaxed) < MOST_BANNERS {
            self.observer.event(Event::Banner { hop: self.hop.clone(), text: bounded(banner, BANNER_LIMIT) });
        }
        Ok(())
    }

    async fn openssh_ext_host_keys_announced(
        &mut self,
        keys: Vec<PublicKey>,
        _: &mut Session,
    ) -> Result<(), HandlerError> {
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
    ) -> Result<(), HandlerError> {
        *self.state.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(bounded(description, TEXT_LIMIT));
        self.state.refused.notify_one();
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<HandlerError>) -> Result<(), HandlerError> {
        let (text, outcome) = match reason {
            DisconnectReason::ReceivedDisconnect(info) => (Some(info.message), Ok(())),
            DisconnectReason::Error(HandlerError::Transport(russh::Error::Disconnect)) => (None, Ok(())),
            DisconnectReason::Error(error) => (Some(describe(&error)), Err(error)),
        };
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            *self.state.disconnect_reason.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(bounded(&text, TEXT_LIMIT));
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
        session: &mut Session,
    ) -> Result<(), HandlerError> {
        let originator = bounded(&format!("{originator} port {originator_port}"), TEXT_LIMIT);
        let incoming = IncomingChannel { channel, originator };
        self.offer(&IncomingType::Tcpip(address.to_owned(), port), incoming, reply, session).await
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        channel: Channel<Msg>,
        path: &str,
        reply: ChannelOpenHandle,
        session: &mut Session,
    ) -> Result<(), HandlerError> {
        let incoming = IncomingChannel { channel, originator: String::new() };
        self.offer(&IncomingType::Streamlocal(path.to_owned()), incoming, reply, session).await
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        session: &mut Session,
    ) -> Result<(), HandlerError> {
        let incoming = IncomingChannel { channel, originator: String::new() };
        self.offer(&IncomingType::Agent, incoming, reply, session).await
    }

    refuse! {
        server_channel_open_unknown();
        server_channel_open_session();
        server_channel_open_direct_tcpip(host: &str, port: u32, originator: &str, originator_port: u32);
        server_channel_open_direct_streamlocal(path: &str);
        server_channel_open_x11(originator: &str, originator_port: u32);
    }
}

fn describe(error: &HandlerError) -> String {
    match error {
        HandlerError::Trust(error) => error.to_string(),
        HandlerError::Transport(russh::Error::KeepaliveTimeout) => "the server does not answer any more".to_owned(),
        HandlerError::Transport(error) => error.to_string(),
    }
}

fn bounded(text: &str, limit: usize) -> String {
    let end = (0..=limit.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
    text[..end.unwrap_or(0)].to_owned()
}
