//! Which connections are open? Ways that begin with the same hosts share them.
//!
//! Main type: [`ConnectionPool`]. A connection's key consists of the hosts passed, the number of the TCP connection to
//! the first of them, and that of the session at the last. The first caller connects, and the others wait for the
//! outcome. A connection that has ended is made anew.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::hop::HopConnector;
use crate::chain::error::ChainError;
use crate::chain::transport::connected::Connected;
use crate::chain::transport::window::FlowControl;
use crate::chain::transport::window::WINDOW;
use crate::config::Host;
use crate::config::host::{IdentityAgent, Proxy, StrictHostKeyChecking};

/// Which of several parallel sessions at the same host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionSlot {
    /// Number of the TCP connection to the first hop.
    pub connection: usize,
    /// Number of the SSH session at the last hop, on that connection.
    pub session: usize,
}

impl SessionSlot {
    /// The session that is opened first.
    pub const FIRST: SessionSlot = SessionSlot { connection: 0, session: 0 };

    /// The default slot for `lane`: a TCP connection for each lane, up to [`CONNECTIONS`]. Over a long distance a
    /// server keeps no more bytes in flight on one connection than its buffers hold, however many sessions the
    /// connection carries.
    pub fn of(lane: usize) -> SessionSlot {
        SessionSlot { connection: lane % CONNECTIONS, session: lane / CONNECTIONS }
    }
}

/// The most TCP connections to the first hop, unless the user sets another number.
const CONNECTIONS: usize = 8;

/// The values in which two hosts must agree to share a connection: where the host is, the user there, and how strictly
/// its key was verified.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PooledHost {
    hostname: String,
    port: u16,
    user: String,
    proxy: Option<String>,
    known_as: Option<String>,
    strictness: &'static str,
    known_hosts: Vec<PathBuf>,
    /// The keys to log in with: two aliases of one account may have a key each, with different rights.
    identities: Vec<PathBuf>,
    agent: Option<PathBuf>,
}

impl From<&Host> for PooledHost {
    fn from(host: &Host) -> PooledHost {
        PooledHost {
            hostname: host.hostname.value.clone(),
            port: host.port.value,
            user: host.user.value.clone(),
            proxy: match &host.proxy.value {
                Proxy::Command { line, .. } => Some(line.clone()),
                Proxy::None => None,
            },
            known_as: host.host_key_alias.as_ref().map(|alias| alias.value.clone()),
            strictness: match host.strict_host_key_checking.value {
                StrictHostKeyChecking::Yes => "yes",
                StrictHostKeyChecking::Ask => "ask",
                StrictHostKeyChecking::AcceptNew => "accept-new",
                StrictHostKeyChecking::Off => "off",
            },
            identities: host.identity_files.iter().map(|file| file.value.clone()).collect(),
            agent: match &host.identity_agent.value {
                IdentityAgent::Socket(path) => Some(path.clone()),
                IdentityAgent::None => None,
            },
            known_hosts: [&host.user_known_hosts_files.value[..], &host.global_known_hosts_files.value[..]].concat(),
        }
    }
}

type PoolKey = (Vec<PooledHost>, SessionSlot);
type Cell = Arc<OnceCell<Arc<Connected>>>;

/// The flow control for the server at `depth` (from 1), if each channel at the last host has a window of `window`
/// bytes.
fn flow(hops: &[Host], depth: usize, window: u32) -> FlowControl {
    match &hops[depth - 1].rekey_limit {
        Some(_) if depth == 1 || depth < hops.len() => FlowControl::Wide,
        _ if depth < hops.len() => FlowControl::Windows(WINDOW),
        _ => FlowControl::Windows(window),
    }
}

/// The open connections of a run.
pub struct ConnectionPool {
    connector: HopConnector,
    cells: Mutex<HashMap<PoolKey, Cell>>,
}

impl ConnectionPool {
    /// A pool with no connection yet.
    pub fn new(connector: HopConnector) -> Self {
        ConnectionPool { connector, cells: Mutex::new(HashMap::new()) }
    }

    /// Connects to the last of `hops` for `slot`, reusing what is open. Each channel there gets a window of `window`
    /// bytes.
    pub async fn connect(&self, hops: &[Host], slot: SessionSlot, window: u32) -> Result<Arc<Connected>, ChainError> {
        let mut reached: Option<Arc<Connected>> = None;
        for depth in 1..=hops.len() {
            if slot != SessionSlot::FIRST {
                self.wait_for_the_first(&hops[..depth]).await;
            }
            let cell = self.cell_at(hops, depth, slot);
            if let Some(change) = cell.get().and_then(|connected| connected.host_key_change()) {
                return Err(change);
            }
            let flow = flow(hops, depth, window);
            let connecting = || Box::pin(self.connector.connect(reached.clone(), &hops[depth - 1], flow));
            reached = Some(cell.get_or_try_init(connecting).await?.clone());
        }
        Ok(reached.expect("a chain has at least one host"))
    }

    /// Makes a session that is not shared with any other caller; only the hops before it are. `leave` decides whether
    /// it may log in; meanwhile it connects as far as it can without asking a person. `None` if it may not log in.
    pub async fn connect_apart(
        &self,
        hops: &[Host],
        window: u32,
        leave: impl Future<Output = Result<bool, ChainError>>,
    ) -> Result<Option<Arc<Connected>>, ChainError> {
        let (target, before) = hops.split_last().expect("a chain has at least one host");
        let flow = flow(hops, hops.len(), window);
        let ahead = async {
            let before = self.connect_before(before).await?;
            Box::pin(self.connector.connect_ahead(before, target, flow)).await
        };
        let (ahead, leave) = tokio::try_join!(async { Ok(Box::pin(ahead).await) }, leave)?;
        match ahead {
            _ if !leave => Ok(None),
            Ok(greeted) if !greeted.is_closed() => {
                let _turn = self.connector.logins.acquire().await;
                Box::pin(greeted.log_in()).await.map(Some)
            }
            _ => Box::pin(self.connector.connect(self.connect_before(before).await?, target, flow)).await.map(Some),
        }
    }

    async fn connect_before(&self, before: &[Host]) -> Result<Option<Arc<Connected>>, ChainError> {
        match before {
            [] => Ok(None),
            before => self.connect(before, SessionSlot::FIRST, WINDOW).await.map(Some),
        }
    }

    /// Whether a question to a person is open.
    pub fn asks_a_person(&self) -> bool {
        self.connector.asking.is_open()
    }

    /// Aborts every connection of `slot` and forgets it.
    pub fn abandon(&self, hops: &[Host], slot: SessionSlot) {
        for depth in 1..=hops.len() {
            if let Some(connected) = self.cell_at(hops, depth, slot).get() {
                connected.abort();
            }
        }
    }

    /// The entry of the connection to the host at `depth` (from 1) for `slot`.
    fn cell_at(&self, hops: &[Host], depth: usize, slot: SessionSlot) -> Cell {
        let session = if depth == hops.len() { slot.session } else { 0 };
        let slot = self.without_asking_again(&hops[..depth], SessionSlot { session, ..slot });
        self.cell(&hops[..depth], slot)
    }

    /// Waits while the first connection to these hosts is being made: only then is it known whether a person had to
    /// answer for it.
    async fn wait_for_the_first(&self, prefix: &[Host]) {
        let first = self.cell(prefix, SessionSlot::FIRST);
        // one reference is in the map, one is ours, and one belongs to the caller that connects
        if first.get().is_none() && Arc::strong_count(&first) > 2 {
            let _failed = first.get_or_try_init(|| async { Err::<Arc<Connected>, ()>(()) }).await;
        }
    }

    /// The slot to use: if a person had to answer for the first connection, that one is shared rather than asking
    /// again.
    fn without_asking_again(&self, prefix: &[Host], slot: SessionSlot) -> SessionSlot {
        let first = self.cell(prefix, SessionSlot::FIRST);
        match first.get() {
            Some(connected) if connected.login.needed_a_person() => SessionSlot::FIRST,
            _ => slot,
        }
    }

    /// The entry of one connection; an empty one when that connection has ended, unless its host key changed at a
    /// rekey.
    fn cell(&self, prefix: &[Host], slot: SessionSlot) -> Cell {
        let key = (prefix.iter().map(PooledHost::from).collect(), slot);
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = cells.entry(key).or_default();
        if cell.get().is_some_and(|connected| connected.is_closed() && connected.host_key_change().is_none()) {
            *cell = Cell::default();
        }
        cell.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lane_has_a_connection_before_two_share_one() {
        let slots: Vec<_> = (0..16).map(SessionSlot::of).map(|slot| (slot.connection, slot.session)).collect();
        assert_eq!(slots[..8], [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0)]);
        assert_eq!(slots[8..10], [(0, 1), (1, 1)]);
        let different: std::collections::HashSet<_> = slots.iter().collect();
        assert_eq!(different.len(), 16);
    }
}
