//! Connections that are open, so that equal prefixes of two chains share one.
//!
//! Main type: [`Pool`]. A key names the hosts passed, the TCP connection to the first of them, and the session at the
//! last. Whoever asks first climbs; the others wait for the outcome. A connection that has ended is climbed anew.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::hop::Ladder;
use crate::chain::error::ChainError;
use crate::chain::transport::connected::Connected;
use crate::chain::transport::window::Flow;
use crate::chain::transport::window::WINDOW;
use crate::config::Host;
use crate::config::host::{IdentityAgent, Proxy, StrictHostKeyChecking};

/// Which of several parallel ways to the same host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Strand {
    /// The TCP connection to the first hop.
    pub connection: usize,
    /// The SSH session at the last hop.
    pub session: usize,
}

impl Strand {
    /// The one that is opened first.
    pub const FIRST: Strand = Strand { connection: 0, session: 0 };

    /// Where nothing else was said: a connection for each lane, as long as there are not too many. On a long way a server
    /// keeps no more under way on one than its buffers hold, however many sessions it carries.
    pub fn of(lane: usize) -> Strand {
        Strand { connection: lane % CONNECTIONS, session: lane / CONNECTIONS }
    }
}

/// TCP connections to the first hop.
const CONNECTIONS: usize = 8;

/// What makes two hosts the same stop: where it is, who we are there, and how strictly it was verified.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Stop {
    hostname: String,
    port: u16,
    user: String,
    proxy: Option<String>,
    known_as: Option<String>,
    strictness: &'static str,
    known_hosts: Vec<PathBuf>,
    /// What to log in with: two names for one account may have a key each, and what each opens differs.
    identities: Vec<PathBuf>,
    agent: Option<PathBuf>,
}

impl From<&Host> for Stop {
    fn from(host: &Host) -> Stop {
        Stop {
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

type Key = (Vec<Stop>, Strand);
type Cell = Arc<OnceCell<Arc<Connected>>>;

/// What holds the server at `depth` (from 1) back, of a way whose last host gives each channel `window` bytes.
fn flow(hops: &[Host], depth: usize, window: u32) -> Flow {
    match &hops[depth - 1].rekey_limit {
        Some(_) if depth == 1 || depth < hops.len() => Flow::Wide,
        _ if depth < hops.len() => Flow::Windows(WINDOW),
        _ => Flow::Windows(window),
    }
}

/// The open connections of a run.
pub struct Pool {
    ladder: Ladder,
    cells: Mutex<HashMap<Key, Cell>>,
}

impl Pool {
    /// Nothing open yet.
    pub fn new(ladder: Ladder) -> Self {
        Pool { ladder, cells: Mutex::new(HashMap::new()) }
    }

    /// Climbs `hops` along `strand`, reusing what is open. Each channel at the last hop gets `window` bytes to send us.
    pub async fn reach(&self, hops: &[Host], strand: Strand, window: u32) -> Result<Arc<Connected>, ChainError> {
        let mut reached: Option<Arc<Connected>> = None;
        for depth in 1..=hops.len() {
            if strand != Strand::FIRST {
                self.wait_for_the_first(&hops[..depth]).await;
            }
            let cell = self.cell_at(hops, depth, strand);
            let flow = flow(hops, depth, window);
            let climb = || Box::pin(self.ladder.climb(reached.clone(), &hops[depth - 1], flow));
            reached = Some(cell.get_or_try_init(climb).await?.clone());
        }
        Ok(reached.expect("a chain has at least one host"))
    }

    /// Climbs to a session that nobody else gets; only the hops before it are shared. `leave` says whether it may log in;
    /// until then it climbs as far as nobody is asked anything. `None` when it may not.
    pub async fn reach_apart(
        &self,
        hops: &[Host],
        window: u32,
        leave: impl Future<Output = Result<bool, ChainError>>,
    ) -> Result<Option<Arc<Connected>>, ChainError> {
        let (target, before) = hops.split_last().expect("a chain has at least one host");
        let flow = flow(hops, hops.len(), window);
        let ahead = async {
            let before = self.reach_before(before).await?;
            Box::pin(self.ladder.climb_ahead(before, target, flow)).await
        };
        let (ahead, leave) = tokio::try_join!(async { Ok(Box::pin(ahead).await) }, leave)?;
        match ahead {
            _ if !leave => Ok(None),
            Ok(greeted) if !greeted.is_closed() => {
                let _turn = self.ladder.logins.acquire().await;
                Box::pin(greeted.log_in()).await.map(Some)
            }
            _ => Box::pin(self.ladder.climb(self.reach_before(before).await?, target, flow)).await.map(Some),
        }
    }

    async fn reach_before(&self, before: &[Host]) -> Result<Option<Arc<Connected>>, ChainError> {
        match before {
            [] => Ok(None),
            before => self.reach(before, Strand::FIRST, WINDOW).await.map(Some),
        }
    }

    /// Cuts every connection along `strand` and forgets it.
    pub fn abandon(&self, hops: &[Host], strand: Strand) {
        for depth in 1..=hops.len() {
            if let Some(connected) = self.cell_at(hops, depth, strand).get() {
                connected.cut();
            }
        }
    }

    /// The place of the connection to the host at `depth` (from 1) along `strand`.
    fn cell_at(&self, hops: &[Host], depth: usize, strand: Strand) -> Cell {
        let session = if depth == hops.len() { strand.session } else { 0 };
        let strand = self.without_asking_again(&hops[..depth], Strand { session, ..strand });
        self.cell(&hops[..depth], strand)
    }

    /// Waits while the first connection to these hosts is being made: only then it is known whether a person had to
    /// answer for it.
    async fn wait_for_the_first(&self, prefix: &[Host]) {
        let first = self.cell(prefix, Strand::FIRST);
        // held by the map, by us, and by whoever climbs
        if first.get().is_none() && Arc::strong_count(&first) > 2 {
            let _failed = first.get_or_try_init(|| async { Err::<Arc<Connected>, ()>(()) }).await;
        }
    }

    /// A person who has answered for the first connection is not asked again for a further one: it is shared instead.
    fn without_asking_again(&self, prefix: &[Host], strand: Strand) -> Strand {
        let first = self.cell(prefix, Strand::FIRST);
        match first.get() {
            Some(connected) if connected.login.needed_a_person() => Strand::FIRST,
            _ => strand,
        }
    }

    /// The place of one connection; a new one when what stood there has ended.
    fn cell(&self, prefix: &[Host], strand: Strand) -> Cell {
        let key = (prefix.iter().map(Stop::from).collect(), strand);
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = cells.entry(key).or_default();
        if cell.get().is_some_and(|connected| connected.is_closed()) {
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
        let strands: Vec<_> = (0..16).map(Strand::of).map(|strand| (strand.connection, strand.session)).collect();
        assert_eq!(strands[..8], [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0)]);
        assert_eq!(strands[8..10], [(0, 1), (1, 1)]);
        let different: std::collections::HashSet<_> = strands.iter().collect();
        assert_eq!(different.len(), 16);
    }
}
