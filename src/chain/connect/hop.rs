//! How is one host reached? Dial, exchange keys, verify the host key, authenticate.
//!
//! Main type: [`HopConnector`]. There is no [`Connected`] without [`HostVerified`](crate::trust::HostVerified) and
//! [`Authenticated`].

use std::sync::Arc;

use russh::client::{self, Handle};
use russh::keys::PublicKey;
use tokio::sync::oneshot;

use super::dial::{self, Dialled};
use super::early_keepalive::send_early_keepalives;
use super::error::{greeting_failed, unresolved_there};
use super::host_key_lookup::lookup;
use super::host_key_updates::{self, Person};
use super::proxy_command::{ProxyCommand, ProxyErrors};
use crate::auth::{self, AuthError, Authenticated, Keyring};
use crate::chain::error::{Cause, ChainError, Trail};
use crate::chain::stage_timeout::{limit, silence};
use crate::chain::transport::abortable::{AbortHandle, AbortableStream};
use crate::chain::transport::algorithms::transport_config;
use crate::chain::transport::byte_counts::ByteCounts;
use crate::chain::transport::client_handler::{ClientHandler, ConnectionState};
use crate::chain::transport::connected::Connected;
use crate::chain::transport::host_key_log;
use crate::chain::transport::rekey::Rekeying;
use crate::chain::transport::version_banner::BannerStream;
use crate::chain::transport::weak_crypto::{WarnedHosts, WeakCrypto};
use crate::chain::transport::window::FlowControl;
use crate::config::Host;
use crate::config::host::{Proxy, ProxyCarrier};
use crate::progress::{Event, Observer, Stage};
use crate::prompt::Asking;
use crate::trust::{self, KnownAlgorithms, Lookup};

/// What connecting to a host needs besides its configuration.
#[derive(Clone)]
pub struct HopConnector {
    pub keyring: Keyring,
    pub asking: Arc<Asking>,
    pub observer: Arc<dyn Observer>,
    /// Where ProxyCommands write their errors.
    pub proxy_errors: ProxyErrors,
    /// Limits the number of logins at the same time: servers drop unauthenticated connections beyond `MaxStartups`.
    pub logins: Arc<tokio::sync::Semaphore>,
    /// The hosts whose key exchange was warned about.
    pub weak_crypto_told: WarnedHosts,
}

impl HopConnector {
    /// Connects to `host` from `before` (this machine when `None`) and logs in.
    pub async fn connect(
        &self,
        before: Option<Arc<Connected>>,
        host: &Host,
        flow: FlowControl,
    ) -> Result<Arc<Connected>, ChainError> {
        let _turn = self.logins.acquire().await;
        self.attempt(before, host, flow).begin().await?.log_in().await
    }

    /// Connects to `host` and verifies its key without asking a person, which succeeds only if the key is known.
    /// [`Unauthenticated::log_in`] then logs in.
    pub async fn connect_ahead<'a>(
        &'a self,
        before: Option<Arc<Connected>>,
        host: &'a Host,
        flow: FlowControl,
    ) -> Result<Unauthenticated<'a>, ChainError> {
        let _turn = self.logins.acquire().await;
        let attempt = HopAttempt { is_ahead: true, ..self.attempt(before, host, flow) };
        attempt.begin().await
    }

    fn attempt<'a>(&'a self, before: Option<Arc<Connected>>, host: &'a Host, flow: FlowControl) -> HopAttempt<'a> {
        let mut trail = before.as_ref().map_or(Trail(Vec::new()), |before| before.trail.clone());
        trail.0.push(host.alias.clone());
        HopAttempt { connector: self, host, before, trail, flow, is_ahead: false }
    }
}

/// A connection to a host whose key is verified, before the login.
pub struct Unauthenticated<'a> {
    attempt: HopAttempt<'a>,
    handle: Handle<ClientHandler>,
    state: Arc<ConnectionState>,
    abort: AbortHandle,
    byte_counts: Arc<ByteCounts>,
    lookup: Lookup,
    announced: oneshot::Receiver<Vec<PublicKey>>,
}

impl Unauthenticated<'_> {
    /// Whether the connection has ended, as it does if the server no longer waits for the login.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed() || self.abort.is_aborted()
    }

    /// Authenticates.
    pub async fn log_in(self) -> Result<Arc<Connected>, ChainError> {
        let Unauthenticated { attempt, mut handle, state, abort, byte_counts, lookup, announced } = self;
        let login = attempt.authenticate(&mut handle, &state).await?;
        byte_counts.logged_in();
        let verified = state.verified.get().cloned();
        let unproven = || attempt.failed(Stage::VerifyHost, Cause::Protocol("no host key was verified".to_owned()));
        let verified = verified.ok_or_else(unproven)?;
        let HopAttempt { connector, host, before, trail, .. } = attempt;
        let (asking, observer) = (connector.asking.clone(), connector.observer.clone());
        let connected = Arc::new(Connected {
            verified,
            login,
            handle,
            state,
            asking: asking.clone(),
            host: host.clone(),
            trail,
            before,
            abort,
            byte_counts,
        });
        observer.event(Event::Connected {
            way: connected.trail.to_string(),
            user: host.user.value.clone(),
            algorithm: connected.verified.algorithm().to_string(),
            fingerprint: connected.verified.fingerprint(),
        });
        if connected.before.is_some() {
            send_early_keepalives(&connected);
        }
        host_key_updates::watch(&connected, announced, lookup, Person { asking, observer });
        Ok(connected)
    }
}

/// One attempt to reach a host.
struct HopAttempt<'a> {
    connector: &'a HopConnector,
    host: &'a Host,
    before: Option<Arc<Connected>>,
    trail: Trail,
    flow: FlowControl,
    /// Set for [`HopConnector::connect_ahead`]: no person is asked, no host key recorded.
    is_ahead: bool,
}

impl<'a> HopAttempt<'a> {
    /// Dials, exchanges keys and verifies the host key.
    async fn begin(self) -> Result<Unauthenticated<'a>, ChainError> {
        let (transport, address) = self.dial().await?;
        let transport = BannerStream::new(transport, &self.host.alias, self.connector.observer.clone());
        let (transport, abort) = AbortableStream::new(Box::new(transport), silence(self.host));
        let byte_counts = transport.byte_counts();
        let lookup = lookup(self.host, address);
        let (announce, announced) = oneshot::channel();
        let (handle, state) = self.greet(transport, lookup.clone(), announce).await?;
        Ok(Unauthenticated { attempt: self, handle, state, abort, byte_counts, lookup, announced })
    }

    fn failed(&self, stage: Stage, cause: Cause) -> ChainError {
        ChainError { trail: self.trail.clone(), stage, cause }
    }

    /// Reports the stage and does its work within the stage's time limit.
    async fn stage<T>(&self, stage: Stage, work: impl Future<Output = Result<T, Cause>>) -> Result<T, ChainError> {
        self.connector.observer.event(Event::Stage { hop: self.host.alias.clone(), stage });
        let outcome = self.connector.asking.within(limit(stage, self.host), work).await;
        let outcome = outcome.unwrap_or_else(|limit| Err(Cause::TimedOut(limit)));
        self.unless_held_up(outcome.map_err(|cause| self.failed(stage, cause))).await
    }

    /// Passes on the outcome of a stage, but first looks at the hops before this host: one that has died is given up if
    /// the stage was late, and a host key that changed is the error that counts.
    async fn unless_held_up<T>(&self, outcome: Result<T, ChainError>) -> Result<T, ChainError> {
        let (Err(error), Some(before)) = (&outcome, &self.before) else { return outcome };
        if error.is_late() {
            before.abort_if_silent().await;
        }
        before.host_key_change().map_or(outcome, Err)
    }

    async fn dial(&self) -> Result<Dialled, ChainError> {
        match (&self.host.proxy.value, &self.before) {
            (Proxy::Command { shell, line, carrier }, _) => {
                let command = ProxyCommand { shell, line, hop: &self.host.alias, errors: &self.connector.proxy_errors };
                let dial = async {
                    let transport = match carrier {
                        ProxyCarrier::Streams => command.run()?,
                        ProxyCarrier::PassedSocket => command.run_for_socket().await?,
                    };
                    Ok((transport, None))
                };
                self.stage(Stage::Dial, dial).await
            }
            (Proxy::None, Some(before)) => {
                let outcome = self.stage(Stage::Dial, dial::through(before, self.host)).await;
                outcome.map_err(unresolved_there)
            }
            (Proxy::None, None) => {
                let addresses = self.stage(Stage::Resolve, dial::resolve(self.host)).await?;
                self.connector.observer.event(Event::Stage { hop: self.host.alias.clone(), stage: Stage::Dial });
                let dialling = dial::straight(self.host, &addresses, limit(Stage::Dial, self.host));
                dialling.await.map_err(|cause| self.failed(Stage::Dial, cause))
            }
        }
    }

    async fn greet(
        &self,
        transport: AbortableStream,
        lookup: Lookup,
        announce: oneshot::Sender<Vec<PublicKey>>,
    ) -> Result<(Handle<ClientHandler>, Arc<ConnectionState>), ChainError> {
        let known = trust::known_algorithms(&lookup).await;
        let known = known.map_err(|error| self.failed(Stage::VerifyHost, error.into()))?;
        if self.is_ahead && known == KnownAlgorithms::default() {
            return Err(self.failed(Stage::VerifyHost, Cause::Protocol("its host key is not known yet".to_owned())));
        }
        let config =
            transport_config(self.host, &known, self.flow).map_err(|cause| self.failed(Stage::Greet, cause))?;
        host_key_log::install();
        let state = Arc::new(ConnectionState::default());
        let limit = self.host.rekey_limit.as_ref().map(|limit| limit.value);
        let handler = ClientHandler {
            hop: self.host.alias.clone(),
            lookup,
            asking: self.whom_to_ask(),
            observer: self.connector.observer.clone(),
            state: state.clone(),
            announce: Some(announce),
            rekeying: Rekeying::new(limit, self.flow, transport.byte_counts()),
            weak_crypto: WeakCrypto::of(self.host, &self.connector.weak_crypto_told),
        };
        let greeting = async { client::connect_stream(config, transport, handler).await.map_err(greeting_failed) };
        let outcome = self.stage(Stage::Greet, greeting).await;
        let handle = outcome.map_err(|error| match error.cause {
            Cause::Trust(_) => ChainError { stage: Stage::VerifyHost, ..error },
            _ => error,
        })?;
        Ok((handle, state))
    }

    /// `BatchMode yes` leaves nobody to ask about a host key.
    fn whom_to_ask(&self) -> Arc<Asking> {
        match *self.host.batch_mode || self.is_ahead {
            true => Asking::nobody(),
            false => self.connector.asking.clone(),
        }
    }

    async fn authenticate(
        &self,
        handle: &mut Handle<ClientHandler>,
        state: &ConnectionState,
    ) -> Result<Authenticated, ChainError> {
        self.connector.observer.event(Event::Stage { hop: self.host.alias.clone(), stage: Stage::Authenticate });
        let login = auth::authenticate(handle, self.host, &self.connector.keyring).await;
        let login = login.map_err(|mut error| {
            if let AuthError::Disconnected { reason, .. } = &mut error
                && reason.is_empty()
            {
                *reason = state.disconnect_reason().unwrap_or_default();
            }
            match state.host_key_change() {
                Some(change) => self.failed(Stage::VerifyHost, Cause::Trust(change)),
                None => self.failed(Stage::Authenticate, error.into()),
            }
        });
        self.unless_held_up(login).await
    }
}
