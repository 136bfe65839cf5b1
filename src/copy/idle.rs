//! How long has nothing moved? [`IdleClock`], one for a run. Each step of a run has a limit of its own; together they
//! could take any time. The clock bounds them all: every attempt to get things moving again asks it how long it may
//! take, and the run ends when nothing has moved for its timeout and a few seconds more, retries included.
//!
//! Only time spent waiting for a host counts ([`IdleClock::waits`]): a disk of this machine, a checksum, a rate limit
//! and a person have the time they need. After a connection was lost only data counts as movement, or a link that
//! carries small requests but no data would be tried for ever.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::connector::Connector;
use crate::progress::Counters;

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// Most time that one look adds: a process that was stopped has not waited.
const ONE_LOOK: Duration = Duration::from_secs(1);

/// Time beyond the timeout in which things may start moving again ([`RECOVERY`]), in which the run may go on
/// ([`OVER`]), and in which it must have ended ([`END`]).
const RECOVERY: Duration = Duration::from_secs(8);
const OVER: Duration = Duration::from_secs(10);
const END: Duration = Duration::from_secs(13);

/// Least and most time for the end of a run.
const ENDING: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(10));

/// Measures how long nothing has moved.
pub struct IdleClock {
    timeout: Duration,
    counters: Arc<Counters>,
    /// The ends that are hosts; the clock stands still while a person answers a login's question there.
    hosts: Vec<Arc<dyn Connector>>,
    /// Tasks that wait for a host.
    waiting: AtomicUsize,
    /// Grows when data moves that the counters do not show yet.
    pulse: AtomicU64,
    /// A connection was lost, and no data has moved since.
    is_shaken: AtomicBool,
    hand: Mutex<Hand>,
}

/// What the clock shows now.
#[derive(Default)]
struct Hand {
    idle: Duration,
    /// The sum of the counters at the last look.
    mark: u64,
}

/// Nothing has moved for this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idle(pub Duration);

/// A task waits for a host as long as this lives.
pub struct Waits<'a>(&'a IdleClock);

impl IdleClock {
    /// A clock for a run in which nothing may move for at most `timeout`.
    pub fn new(timeout: Duration, counters: Arc<Counters>, hosts: Vec<Arc<dyn Connector>>) -> IdleClock {
        let (waiting, pulse, is_shaken) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicBool::new(false));
        IdleClock { timeout, counters, hosts, waiting, pulse, is_shaken, hand: Mutex::default() }
    }

    /// How long a session or login with unanswered requests may move nothing.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Makes time count until the returned value is dropped.
    pub fn waits(&self) -> Waits<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waits(self)
    }

    /// Records that data has moved.
    pub fn moved(&self) {
        self.pulse.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that a host has answered.
    pub fn answered(&self) {
        if !self.is_shaken.load(Ordering::Relaxed) {
            self.hand().idle = Duration::ZERO;
        }
    }

    /// Records that a connection was lost.
    pub fn shake(&self) {
        self.is_shaken.store(true, Ordering::Relaxed);
    }

    /// Time left to get things moving again.
    pub fn left(&self) -> Duration {
        (self.timeout + RECOVERY).saturating_sub(self.hand().idle)
    }

    /// Time that the end of the run may take.
    pub fn ending(&self) -> Duration {
        (self.timeout + END).saturating_sub(self.hand().idle).clamp(ENDING.0, ENDING.1)
    }

    /// Runs `work`, which is to get things moving again; `None` when no time is left for it.
    pub async fn within<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let _waits = self.waits();
        let no_time_is_left = async {
            while !self.left().is_zero() {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = no_time_is_left => None,
        }
    }

    /// Runs `work`, a step of the run, unless nothing moves for too long meanwhile.
    ///
    /// # Errors
    /// As `work`; [`Idle`].
    pub async fn bound<T, E: From<Idle>>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let runs_out = async {
            let mut last = Instant::now();
            while self.look(last.elapsed()) < self.timeout + OVER {
                last = Instant::now();
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            () = runs_out => Err(self.ran_out().into()),
        }
    }

    /// The error that nothing has moved for too long.
    pub fn ran_out(&self) -> Idle {
        Idle(self.hand().idle)
    }

    /// Looks, `passed` after the last look. Returns how long nothing has moved.
    fn look(&self, passed: Duration) -> Duration {
        let now = self.sum();
        let counts = self.waiting.load(Ordering::Relaxed) > 0 && !self.hosts.iter().any(|host| host.asks_a_person());
        let mut hand = self.hand();
        if now != hand.mark {
            *hand = Hand { idle: Duration::ZERO, mark: now };
            self.is_shaken.store(false, Ordering::Relaxed);
        } else if counts {
            hand.idle += passed.min(ONE_LOOK);
        }
        hand.idle
    }

    /// A sum of counters that only grows.
    fn sum(&self) -> u64 {
        let Counters { bytes_done, bytes_kept, files_done, files_total, files_unchanged, files_failed, .. } =
            &*self.counters;
        let parts = [bytes_done, bytes_kept, files_done, files_total, files_unchanged, files_failed, &self.pulse];
        parts.into_iter().map(Counters::get).fold(0, u64::wrapping_add)
    }

    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn clock() -> (IdleClock, Arc<Counters>) {
        let counters = Arc::new(Counters::default());
        (IdleClock::new(6 * SECOND, Arc::clone(&counters), Vec::new()), counters)
    }

    #[test]
    fn only_waiting_for_a_host_counts_and_data_begins_anew() {
        let (clock, counters) = clock();
        assert_eq!(clock.look(SECOND), Duration::ZERO, "nobody waits");
        let waits = clock.waits();
        assert_eq!((clock.look(SECOND), clock.look(SECOND)), (SECOND, 2 * SECOND));
        assert_eq!(clock.left(), 12 * SECOND);
        Counters::add(&counters.bytes_done, 1);
        assert_eq!(clock.look(SECOND), Duration::ZERO);
        drop(waits);
        assert_eq!(clock.look(SECOND), Duration::ZERO);
    }

    #[test]
    fn after_a_loss_an_answer_is_no_movement_until_data_moves() {
        let (clock, counters) = clock();
        let _waits = clock.waits();
        clock.look(SECOND);
        clock.answered();
        assert_eq!(clock.look(SECOND), SECOND, "it was answered");
        clock.shake();
        clock.answered();
        assert_eq!(clock.look(SECOND), 2 * SECOND, "words alone");
        Counters::add(&counters.files_done, 1);
        clock.look(SECOND);
        clock.look(SECOND);
        clock.answered();
        assert_eq!(clock.look(SECOND), SECOND, "the way carries data again");
    }

    #[test]
    fn a_sleep_counts_as_one_look() {
        let (clock, _) = clock();
        let _waits = clock.waits();
        assert_eq!(clock.look(3600 * SECOND), ONE_LOOK);
    }

    #[test]
    fn there_is_time_to_recover_and_then_to_end() {
        let (clock, _) = clock();
        let _waits = clock.waits();
        let mut seconds = 0;
        while clock.look(SECOND) < clock.timeout() + OVER {
            seconds += 1;
            let left = (clock.timeout() + RECOVERY).saturating_sub(seconds * SECOND);
            assert_eq!(clock.left(), left, "after {seconds} s");
        }
        assert_eq!((clock.left(), clock.ending()), (Duration::ZERO, ENDING.0));
        let idle = clock.hand().idle;
        assert!(idle + clock.ending() < 21 * SECOND);
    }
}
