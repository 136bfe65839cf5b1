//! How many bytes may wait here for peers that read slowly? The number is bounded over all connections of a run.
//!
//! Main types: [`Hold`], one per session, and [`HoldShare`], one per connection. The transport reopens a channel's
//! window as soon as bytes arrive, so a slow reader's bytes either pile up here or stop the whole session. The session
//! waits for a connection that it has to itself as long as that takes. A connection that shares the session may hold as
//! many bytes as are still free; beyond that the session waits for its reader, and a reader that takes nothing while
//! others wait is given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// The most bytes that may wait over all connections.
pub const TOTAL: usize = 24 * 1024 * 1024;
/// The most bytes that may wait for a reader that has its session to itself: nobody else waits for it.
const ALONE: usize = 1024 * 1024;
/// The number of bytes that may always wait for a reader, whatever the others hold.
const ANY: usize = 64 * 1024;
/// How long a session waits for a reader that takes nothing while others use the session too.
const GRACE: Duration = Duration::from_secs(2);
/// The largest number of other connections with which a session can wait for a reader: with more, they could send more
/// than the hop before can keep.
const PATIENT: usize = 8;

/// The bytes that wait over all connections of a session.
#[derive(Debug, Default)]
pub struct Hold {
    /// The number of bytes over all sessions of the run.
    held: Arc<AtomicUsize>,
    connections: AtomicUsize,
    waiting: AtomicUsize,
}

/// The share of one connection.
#[derive(Debug)]
pub struct HoldShare {
    hold: Arc<Hold>,
    mine: AtomicUsize,
    taken: Notify,
}

/// The error for a reader that was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stuck;

impl Hold {
    /// The hold of a session that a program also uses; the program counts as a connection that never waits.
    pub fn beside_a_program() -> Hold {
        Hold { connections: AtomicUsize::new(1), ..Hold::default() }
    }

    /// The hold of another session in the same run.
    pub fn beside(&self) -> Hold {
        Hold { held: self.held.clone(), ..Hold::default() }
    }

    /// The share of a new connection.
    pub fn share(self: &Arc<Self>) -> HoldShare {
        self.connections.fetch_add(1, Ordering::AcqRel);
        HoldShare { hold: self.clone(), mine: AtomicUsize::new(0), taken: Notify::new() }
    }

    /// How busy the session is: the number of connections that wait for their readers, and of all connections. Lower is
    /// better for a new one.
    pub fn load(&self) -> (usize, usize) {
        (self.waiting.load(Ordering::Acquire), self.connections.load(Ordering::Acquire))
    }
}

impl HoldShare {
    /// Adds to the bytes that wait.
    pub fn put(&self, bytes: usize) {
        self.mine.fetch_add(bytes, Ordering::AcqRel);
        self.hold.held.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Subtracts bytes that have been read.
    pub fn take(&self, bytes: usize) {
        self.mine.fetch_sub(bytes, Ordering::AcqRel);
        self.hold.held.fetch_sub(bytes, Ordering::AcqRel);
        self.taken.notify_one();
    }

    /// Returns once more bytes may wait.
    pub async fn room(&self) -> Result<(), Stuck> {
        if !self.is_over() {
            return Ok(());
        }
        let _waiting = Counted::new(&self.hold.waiting);
        while self.is_over() {
            if self.others() > PATIENT {
                return Err(Stuck);
            }
            if timeout(GRACE, self.taken.notified()).await.is_err() && self.others() > 0 {
                return Err(Stuck);
            }
        }
        Ok(())
    }

    fn others(&self) -> usize {
        self.hold.connections.load(Ordering::Acquire) - 1
    }

    fn is_over(&self) -> bool {
        let free = TOTAL.saturating_sub(self.hold.held.load(Ordering::Acquire));
        let most = if self.others() == 0 { ALONE } else { free.max(ANY) };
        self.mine.load(Ordering::Acquire) > most
    }
}

impl Drop for HoldShare {
    fn drop(&mut self) {
        self.hold.held.fetch_sub(self.mine.load(Ordering::Acquire), Ordering::AcqRel);
        self.hold.connections.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Counts one while it exists.
struct Counted<'a>(&'a AtomicUsize);

impl Counted<'_> {
    fn new(count: &AtomicUsize) -> Counted<'_> {
        count.fetch_add(1, Ordering::AcqRel);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    #[tokio::test]
    async fn a_stuck_reader_alone_is_waited_for_and_with_others_given_up() {
        let hold = Arc::new(Hold::default());
        let alone = hold.share();
        alone.put(TOTAL / 2 + 1);
        assert!(timeout(GRACE + GRACE / 2, alone.room()).await.is_err(), "nobody else waits");
        let elsewhere = Arc::new(hold.beside()).share();
        assert_eq!(elsewhere.room().await, Ok(()));
        let _other = hold.share();
        assert_eq!(alone.room().await, Err(Stuck));
    }

    #[tokio::test]
    async fn who_waits_is_seen_from_outside() {
        let hold = Arc::new(Hold::default());
        assert_eq!(hold.load(), (0, 0));
        let share = hold.share();
        share.put(ALONE + 1);
        let waiting = async {
            tokio::task::yield_now().await;
            assert_eq!(hold.load(), (1, 1));
            share.take(1);
        };
        assert_eq!(tokio::join!(share.room(), waiting).0, Ok(()));
        assert_eq!(hold.load(), (0, 1));
    }

    #[tokio::test]
    async fn a_slow_reader_gets_room_when_it_takes() {
        let hold = Arc::new(Hold::default());
        let (slow, other) = (hold.share(), hold.share());
        other.put(MIB);
        slow.put(TOTAL / 2);
        let taking = async {
            tokio::time::sleep(GRACE / 2).await;
            slow.take(MIB);
        };
        assert_eq!(tokio::join!(slow.room(), taking).0, Ok(()));
    }

    #[tokio::test]
    async fn all_together_stay_within_the_total_and_give_back_what_they_held() {
        let hold = Arc::new(Hold::default());
        let shares: Vec<_> = (0..200).map(|_| hold.share()).collect();
        for share in &shares {
            while share.room().await.is_ok() {
                share.put(32 * 1024);
            }
        }
        assert!(hold.held.load(Ordering::Acquire) <= TOTAL + 200 * (ANY + 32 * 1024));
        drop(shares);
        assert_eq!((hold.held.load(Ordering::Acquire), hold.connections.load(Ordering::Acquire)), (0, 0));
    }
}
