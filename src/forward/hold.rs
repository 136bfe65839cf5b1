//! What may wait here for peers that read slowly: bounded over all connections of a run.
//!
//! Main types: [`Hold`], one a session, and [`HoldShare`], one a connection. The transport reopens a channel's window as
//! soon as bytes arrive, so that a slow reader's bytes pile up here or stop the whole session. A connection that is
//! alone on its session is waited for as long as it likes. One that shares it may hold as much as is still free; beyond
//! that the session waits for its reader, and a reader that takes nothing at all while others wait is given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// Bytes that may wait in all.
pub const TOTAL: usize = 24 * 1024 * 1024;
/// Bytes that may wait for a reader that is alone on its session: nobody else waits for it.
const ALONE: usize = 1024 * 1024;
/// Bytes that may wait for any reader, whatever the others hold.
const ANY: usize = 64 * 1024;
/// How long a session waits for a reader that takes nothing while others use the session too.
const GRACE: Duration = Duration::from_secs(2);
/// With more connections than this a session cannot wait: what they may still send is more than the hop before keeps.
const PATIENT: usize = 8;

/// What waits over all connections of a session.
#[derive(Debug, Default)]
pub struct Hold {
    /// Over all sessions of the run.
    held: Arc<AtomicUsize>,
    connections: AtomicUsize,
    waiting: AtomicUsize,
}

/// One connection's part of it.
#[derive(Debug)]
pub struct HoldShare {
    hold: Arc<Hold>,
    mine: AtomicUsize,
    taken: Notify,
}

/// A reader was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stuck;

impl Hold {
    /// That of a session which a program uses too: it counts like a connection that never waits.
    pub fn beside_a_program() -> Hold {
        Hold { connections: AtomicUsize::new(1), ..Hold::default() }
    }

    /// That of another session of the same run.
    pub fn beside(&self) -> Hold {
        Hold { held: self.held.clone(), ..Hold::default() }
    }

    /// A further connection.
    pub fn share(self: &Arc<Self>) -> HoldShare {
        self.connections.fetch_add(1, Ordering::AcqRel);
        HoldShare { hold: self.clone(), mine: AtomicUsize::new(0), taken: Notify::new() }
    }

    /// How willingly it takes one more: connections that wait for their readers, and all connections.
    pub fn load(&self) -> (usize, usize) {
        (self.waiting.load(Ordering::Acquire), self.connections.load(Ordering::Acquire))
    }
}

impl HoldShare {
    /// So many bytes wait from now on.
    pub fn put(&self, bytes: usize) {
        self.mine.fetch_add(bytes, Ordering::AcqRel);
        self.hold.held.fetch_add(bytes, Ordering::AcqRel);
    }

    /// So many bytes have been read.
    pub fn take(&self, bytes: usize) {
        self.mine.fetch_sub(bytes, Ordering::AcqRel);
        self.hold.held.fetch_sub(bytes, Ordering::AcqRel);
        self.taken.notify_one();
    }

    /// Returns once there is room for more.
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

/// Counts while it lives.
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
