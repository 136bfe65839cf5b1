//! The sessions of one end: [`Pool`] opens the SFTP session of a lane when it is first asked for, and keeps what is
//! known of the end as a whole.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;

use super::remote::Remote;
use super::remote_sha256::RemoteSha256;
use super::side::Side;
use super::umask::Umask;
use super::watchdog;
use crate::copy::connector::{Connector, Location, ShellPipe};
use crate::copy::error::{Cause, CopyError};
use crate::copy::idle::IdleClock;
use crate::copy::place::Place;
use crate::progress::Stage;

/// Least and most time for something to begin that the copy can do without; in between, a quarter of the run's timeout.
const OPTIONAL: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));

/// One end's sessions.
pub struct Pool {
    host: Option<RemoteEnd>,
    /// The permission bits that the end takes from a new file.
    pub umask: Umask,
    /// The absolute paths of folders that the user typed; `None` of one that cannot be told.
    bases: Mutex<HashMap<Vec<u8>, Option<Vec<u8>>>>,
}

/// What is known of the host's shell.
#[derive(Default)]
enum ShellState {
    #[default]
    NotAsked,
    Tells(RemoteSha256),
    Lacks,
}

struct RemoteEnd {
    connector: Arc<dyn Connector>,
    trail: Arc<str>,
    lanes: Mutex<Vec<Arc<OnceCell<Remote>>>>,
    sums: tokio::sync::Mutex<ShellState>,
    clock: Arc<IdleClock>,
}

impl Pool {
    /// A pool for the end that `end` is at. Opens nothing yet.
    pub fn of(end: &Location, clock: &Arc<IdleClock>) -> Pool {
        let host = match end {
            Location::Local(_) => None,
            Location::Remote(connector, _) => Some(RemoteEnd {
                trail: connector.trail().into(),
                connector: Arc::clone(connector),
                lanes: Mutex::default(),
                sums: tokio::sync::Mutex::default(),
                clock: Arc::clone(clock),
            }),
        };
        Pool { host, umask: Umask::default(), bases: Mutex::default() }
    }

    /// True when both are this machine, or the same host by the same way as the same user.
    pub fn is_same_place(&self, other: &Pool) -> bool {
        match (&self.host, &other.host) {
            (None, None) => true,
            (Some(one), Some(two)) => one.trail == two.trail && one.whose() == two.whose(),
            _ => false,
        }
    }

    /// True when both are this machine, or one host under two names or for two users, as far as its addresses tell.
    pub fn is_same_host(&self, other: &Pool) -> bool {
        let dialled = |pool: &Pool| pool.host.as_ref().and_then(|host| host.dialled());
        self.is_same_place(other) || dialled(self).is_some_and(|place| dialled(other) == Some(place))
    }

    /// The host's alias, which tells files of one path on two hosts apart.
    pub fn alias(&self) -> &str {
        self.host.as_ref().map_or("", |host| host.connector.alias())
    }

    /// The host's tools for checksums; `None` on this machine, and where there are none.
    pub async fn sums(&self) -> Option<RemoteSha256> {
        match &self.host {
            Some(host) => host.sums().await,
            None => None,
        }
    }

    /// A shell of its own on the host; `None` on this machine, and where there is none.
    pub async fn shell(&self) -> Option<ShellPipe> {
        self.host.as_ref()?.begin_shell().await
    }

    /// The absolute path of the folder that the user typed for `place`; `None` where the end does not tell.
    ///
    /// # Errors
    /// When the session is lost.
    pub async fn absolute_base(&self, side: &Side, place: &Place) -> Result<Option<Vec<u8>>, CopyError> {
        // nothing panics while it holds this
        let known = || self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = known().get(place.base()) {
            return Ok(path.clone());
        }
        let real = match side.real(&Place::typed(place.base())).await {
            Err(error) if error.ends_the_run() => return Err(error),
            real => real.ok(),
        };
        known().insert(place.base().to_vec(), real.clone());
        Ok(real)
    }

    /// The end by way of one lane. The session is opened when this is the first call, or the first since it was lost.
    pub async fn side(&self, lane: usize) -> Result<Side, CopyError> {
        let Some(host) = &self.host else { return Ok(Side::Local) };
        let cell = host.cell(lane);
        let remote = cell.get_or_try_init(|| host.open(lane)).await?;
        Ok(Side::Remote(remote.clone()))
    }
}

impl RemoteEnd {
    /// The host's name as typed, and the user and port where hop itself connects.
    fn whose(&self) -> (&str, Option<(&str, u16)>) {
        let last = self.connector.way().and_then(|way| way.hops().last());
        (self.connector.alias(), last.map(|host| (host.user.value.as_str(), host.port.value)))
    }

    /// Names or addresses, and ports, of all hosts on the way.
    fn dialled(&self) -> Option<Vec<(String, u16)>> {
        let hops = self.connector.way()?.hops();
        Some(hops.iter().map(|hop| (hop.hostname.value.clone(), hop.port.value)).collect())
    }

    async fn sums(&self) -> Option<RemoteSha256> {
        let mut shell = self.sums.lock().await;
        let _waits = self.clock.waits();
        match &*shell {
            ShellState::Lacks => return None,
            ShellState::Tells(sums) if !sums.has_ended() => return Some(sums.clone()),
            ShellState::Tells(_) | ShellState::NotAsked => {}
        }
        let started = match self.begin_shell().await {
            Some(pipe) => RemoteSha256::start(pipe).await,
            None => None,
        };
        *shell = started.clone().map_or(ShellState::Lacks, ShellState::Tells);
        started
    }

    /// Starts a shell; `None` where there is none, or a server never says so.
    async fn begin_shell(&self) -> Option<ShellPipe> {
        let limit = (self.clock.timeout() / 4).clamp(OPTIONAL.0, OPTIONAL.1);
        tokio::time::timeout(limit, self.connector.shell()).await.ok()?
    }

    fn cell(&self, lane: usize) -> Arc<OnceCell<Remote>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        while lanes.len() <= lane {
            lanes.push(Arc::default());
        }
        if lanes[lane].get().is_some_and(|remote| remote.client.is_closed()) {
            lanes[lane] = Arc::default();
        }
        Arc::clone(&lanes[lane])
    }

    async fn open(&self, lane: usize) -> Result<Remote, CopyError> {
        let (trail, _waits) = (Arc::clone(&self.trail), self.clock.waits());
        match self.connector.lane(lane).await {
            Ok(client) => {
                self.clock.answered();
                watchdog::set(&client, Arc::clone(&self.clock), Arc::clone(&self.connector), lane);
                Ok(Remote::new(client, trail))
            }
            Err(error) => Err(CopyError::new(Some(trail), Stage::StartSftp, Vec::new(), Cause::Chain(error.into()))),
        }
    }
}
