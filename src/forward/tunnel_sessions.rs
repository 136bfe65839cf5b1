//! Which session does a connection use? One of its own while there are few, so that a slow reader holds up nobody else.
//!
//! Main type: [`TunnelSessions`]. The transport reopens a channel's window as soon as bytes arrive, so the only way to
//! make one sender wait is not to read its session. Sessions are opened one by one, when a connection would otherwise
//! have to share; if the server refuses a further login, connections share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::hold::{Hold, HoldShare};
use crate::chain::{ChainError, Session, Way};

/// The most sessions for the connections of one run. A session that is not read keeps a few MiB.
pub const MOST_SESSIONS: usize = 16;

/// The sessions of a run's tunnels.
pub struct TunnelSessions {
    way: Way,
    /// The lane of the way that the first session uses.
    first: usize,
    holds: Vec<Arc<Hold>>,
    /// The number of sessions that the server lets hop open, as far as is known.
    open: AtomicUsize,
    picking: Mutex<()>,
}

impl TunnelSessions {
    /// Up to [`MOST_SESSIONS`] sessions, from lane `first` of `way` on; the bytes that wait in them count together with
    /// those of `hold`.
    pub fn of_their_own(way: Way, first: usize, hold: &Hold) -> TunnelSessions {
        TunnelSessions::over(way, first, (0..MOST_SESSIONS).map(|_| Arc::new(hold.beside())).collect())
    }

    /// One session for all connections and whatever else `hold` counts, for when a further login would ask a person
    /// again.
    pub fn together(way: Way, lane: usize, hold: Arc<Hold>) -> TunnelSessions {
        TunnelSessions::over(way, lane, vec![hold])
    }

    fn over(way: Way, first: usize, holds: Vec<Arc<Hold>>) -> TunnelSessions {
        TunnelSessions { way, first, open: AtomicUsize::new(holds.len()), holds, picking: Mutex::new(()) }
    }

    /// A session for one more connection, and its share of the bytes that may wait.
    pub async fn session(&self) -> Result<(Session, HoldShare), ChainError> {
        let (lane, share) = self.pick();
        let problem = match self.way.session(self.first + lane).await {
            Ok(session) => return Ok((session, share)),
            Err(problem) => problem,
        };
        if lane == 0 {
            return Err(problem);
        }
        drop(share);
        let session = self.way.session(self.first).await?;
        self.open.fetch_min(lane, Ordering::AcqRel);
        Ok((session, self.holds[0].share()))
    }

    /// The session with the fewest connections; one where nobody waits for a reader comes first.
    fn pick(&self) -> (usize, HoldShare) {
        let _one_at_a_time = self.picking.lock().unwrap_or_else(PoisonError::into_inner);
        let open = self.open.load(Ordering::Acquire);
        let lane = (0..open).min_by_key(|&lane| self.holds[lane].load()).unwrap_or(0);
        (lane, self.holds[lane].share())
    }
}
