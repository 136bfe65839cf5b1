//! Climbs one hop: dial, greet, verify the host key, authenticate.
//!
//! Main type: [`Ladder`]. There is no way to a [`Connected`] around
//! [`HostVerified`](crate::trust::HostVerified) and [`Authenticated`].

use std::sync::Arc;

use russh::client::{self, Handle};
use russh::keys::PublicKey;
use tokio::sync::oneshot;

use super::dial::{self, Dialled};
use super::early_keepalive::nudge;
use super::error::{greeting_failed, unresolved_there};
use super::host_key_lookup::lookup;
use super::host_key_updates;
use super::proxy_command;
use crate::auth::{self, AuthError, Authenticated, Keyring};
use crate::chain::error::{Cause, ChainError, Trail};
use crate::chain::greeter::{Greeter, Notes};
use crate::chain::overhear::Overheard;
use crate::chain::rekey::Rekeying;
use crate::chain::stage_timeout::{Asking, limit, silence};
use crate::chain::transport::abortable::{Severable, Severed};
use crate::chain::transport::algorithms::transport_config;
use crate::chain::transport::byte_counts::Odometer;
use crate::chain::transport::connected::Connected;
use crate::chain::transport::window::Flow;
use crate::config::Host;
use crate::config::host::Proxy;
use crate::progress::{Event, Observer, Stage};
use crate::prompt::{NoPrompt, Prompt};
use crate::trust::{self, KnownAlgorithms, Lookup};

/// What climbing needs besides the host.
#[derive(Clone)]
pub struct Ladder {
    pub keyring: Keyring,
    pub asking: Arc<Asking>,
    pub observer: Arc<dyn Observer>,
    /// Logins under way at once: servers drop unauthenticated connections beyond `MaxStartups`.
    pub logins: Arc<tokio::sync::Semaphore>,
}

impl Ladder {
    /// Climbs from `before` (this machine when `None`) to `host`, whose channels get what `flow` says.
    pub async fn climb(
        &self,
        before: Option<Arc<Connected>>,
        host: &Host,
        flow: Flow,
    ) -> Result<Arc<Connected>, ChainError> {
        let _turn = self.logins.acquire().await;
        self.rung(before, host, flow).begin().await?.log_in().await
    }

    /// Climbs as far as nobody is asked anything, and only to a host whose key is known: the rest is [`Greeted::log_in`].
    pub async fn climb_ahead<'a>(
        &'a self,
        before: Option<Arc<Connected>>,
        host: &'a Host,
        flow: Flow,
    ) -> Result<Greeted<'a>, ChainError> {
        let _turn = self.logins.acquire().await;
        let rung = Rung { is_ahead: true, ..self.rung(before, host, flow) };
        rung.begin().await
    }

    fn rung<'a>(&'a self, before: Option<Arc<Connected>>, host: &'a Host, flow: Flow) -> Rung<'a> {
        let mut trail = before.as_ref().map_or(Trail(Vec::new()), |before| before.trail.clone());
        trail.0.push(host.alias.clone());
        Rung { ladder: self, host, before, trail, flow, is_ahead: false }
    }
}

/// A host that has shown who it is, and does not know yet who we are.
pub struct Greeted<'a> {
    rung: Rung<'a>,
    handle: Handle<Greeter>,
    notes: Arc<Notes>,
    cord: Severed,
    odometer: Arc<Odometer>,
    lookup: Lookup,
    announced: oneshot::Receiver<Vec<PublicKey>>,
}

impl Greeted<'_> {
    /// The server has not waited for so long.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed() || self.cord.is_cut()
    }

    /// Authenticates.
    pub async fn log_in(self) -> Result<Arc<Connected>, ChainError> {
        let Greeted { rung, mut handle, notes, cord, odometer, lookup, announced } = self;
        let login = rung.authenticate(&mut handle, &notes).await?;
        let verified = notes.verified.get().cloned();
        let unproven = || rung.failed(Stage::VerifyHost, Cause::Protocol("no host key was verified".to_owned()));
        let verified = verified.ok_or_else(unproven)?;
        let Rung { ladder, host, before, trail, .. } = rung;
        let (asking, observer) = (ladder.asking.clone(), ladder.observer.clone());
        let connected = Arc::new(Connected {
            verified,
            login,
            handle,
            notes,
            asking: asking.clone(),
            host: host.clone(),
            trail,
            before,
            cord,
            odometer,
        });
        observer.event(Event::Connected {
            way: connected.trail.to_string(),
            user: host.user.value.clone(),
            algorithm: connected.verified.algorithm().to_string(),
            fingerprint: connected.verified.fingerprint(),
        });
        if connected.before.is_some() {
            nudge(&connected);
        }
        host_key_updates::follow(&connected, announced, lookup, (asking, observer));
        Ok(connected)
    }
}

/// One host being climbed.
struct Rung<'a> {
    ladder: &'a Ladder,
    host: &'a Host,
    before: Option<Arc<Connected>>,
    trail: Trail,
    flow: Flow,
    /// Nobody is asked, and nothing is learnt.
    is_ahead: bool,
}

impl<'a> Rung<'a> {
    /// Dials, and has the host show who it is.
    async fn begin(self) -> Result<Greeted<'a>, ChainError> {
        let (transport, address) = self.dial().await?;
        let transport = Overheard::new(transport, &self.host.alias, self.ladder.observer.clone());
        let (transport, cord) = Severable::new(Box::new(transport), silence(self.host));
        let odometer = transport.odometer();
        let lookup = lookup(self.host, address);
        let (announce, announced) = oneshot::channel();
        let (handle, notes) = self.greet(transport, lookup.clone(), announce).await?;
        Ok(Greeted { rung: self, handle, notes, cord, odometer, lookup, announced })
    }

    fn failed(&self, stage: Stage, cause: Cause) -> ChainError {
        ChainError { trail: self.trail.clone(), stage, cause }
    }

    /// Tells the stage and does its work within its limit.
    async fn stage<T>(&self, stage: Stage, work: impl Future<Output = Result<T, Cause>>) -> Result<T, ChainError> {
        self.ladder.observer.event(Event::Stage { hop: self.host.alias.clone(), stage });
        let outcome = self.ladder.asking.within(limit(stage, self.host), work).await;
        let outcome = outcome.unwrap_or_else(|limit| Err(Cause::TimedOut(limit)));
        self.unless_held_up(outcome.map_err(|cause| self.failed(stage, cause))).await
    }

    /// What was late may have been held up before this host: a hop there of which nothing is heard any more is given up.
    async fn unless_held_up<T>(&self, outcome: Result<T, ChainError>) -> Result<T, ChainError> {
        if let (Err(error), Some(before)) = (&outcome, &self.before)
            && error.is_late()
        {
            before.cut_if_silent().await;
        }
        outcome
    }

    async fn dial(&self) -> Result<Dialled, ChainError> {
        match (&self.host.proxy.value, &self.before) {
            (Proxy::Command { shell, line }, _) => {
                let run = || proxy_command::run(shell, line, &self.host.alias, &self.ladder.observer);
                let dial = async { run().map(|transport| (transport, None)) };
                self.stage(Stage::Dial, dial).await
            }
            (Proxy::None, Some(before)) => {
                let outcome = self.stage(Stage::Dial, dial::through(before, self.host)).await;
                outcome.map_err(unresolved_there)
            }
            (Proxy::None, None) => {
                let addresses = self.stage(Stage::Resolve, dial::resolve(self.host)).await?;
                self.ladder.observer.event(Event::Stage { hop: self.host.alias.clone(), stage: Stage::Dial });
                let dialling = dial::straight(self.host, &addresses, limit(Stage::Dial, self.host));
                dialling.await.map_err(|cause| self.failed(Stage::Dial, cause))
            }
        }
    }

    async fn greet(
        &self,
        transport: Severable,
        lookup: Lookup,
        announce: oneshot::Sender<Vec<PublicKey>>,
    ) -> Result<(Handle<Greeter>, Arc<Notes>), ChainError> {
        let known = trust::known_algorithms(&lookup).await;
        let known = known.map_err(|error| self.failed(Stage::VerifyHost, error.into()))?;
        if self.is_ahead && known == KnownAlgorithms::default() {
            return Err(self.failed(Stage::VerifyHost, Cause::Protocol("its host key is not known yet".to_owned())));
        }
        let config =
            transport_config(self.host, &known, self.flow).map_err(|cause| self.failed(Stage::Greet, cause))?;
        let notes = Arc::new(Notes::default());
        let limit = self.host.rekey_limit.as_ref().map(|limit| limit.value);
        let greeter = Greeter {
            hop: self.host.alias.clone(),
            lookup,
            prompt: self.whom_to_ask(),
            observer: self.ladder.observer.clone(),
            notes: notes.clone(),
            announce: Some(announce),
            rekeying: Rekeying::new(limit, self.flow, transport.odometer()),
        };
        let greeting = async { client::connect_stream(config, transport, greeter).await.map_err(greeting_failed) };
        let outcome = self.stage(Stage::Greet, greeting).await;
        let handle = outcome.map_err(|error| match error.cause {
            Cause::Trust(_) => ChainError { stage: Stage::VerifyHost, ..error },
            _ => error,
        })?;
        Ok((handle, notes))
    }

    /// `BatchMode yes` leaves nobody to ask about a host key.
    fn whom_to_ask(&self) -> Arc<dyn Prompt> {
        match *self.host.batch_mode || self.is_ahead {
            true => Arc::new(NoPrompt),
            false => self.ladder.asking.clone(),
        }
    }

    async fn authenticate(&self, handle: &mut Handle<Greeter>, notes: &Notes) -> Result<Authenticated, ChainError> {
        self.ladder.observer.event(Event::Stage { hop: self.host.alias.clone(), stage: Stage::Authenticate });
        let login = auth::authenticate(handle, self.host, &self.ladder.keyring).await;
        let login = login.map_err(|mut error| {
            if let AuthError::Disconnected { reason, .. } = &mut error
                && reason.is_empty()
            {
                *reason = notes.farewell().unwrap_or_default();
            }
            self.failed(Stage::Authenticate, error.into())
        });
        self.unless_held_up(login).await
    }
}
