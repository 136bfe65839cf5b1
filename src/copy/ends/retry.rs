//! What if the connection is lost? [`RetryBudget`] lets a run connect again a few times, each time after a longer wait
//! of partly random length, and starts counting anew once something has moved. A bad link is endured; a dead host is
//! not flooded with logins.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::watchers::Watchers;
use crate::copy::error::CopyError;
use crate::progress::{Counters, Event};

/// Wait before the first try; each further one waits twice as long.
const FIRST: Duration = Duration::from_millis(500);

/// Time that must be left for another try.
const SHORTEST: Duration = Duration::from_millis(500);

/// Longest wait, before the random part is added.
const LONGEST: Duration = Duration::from_secs(30);

/// Tries to connect again, unless told otherwise.
pub const RETRIES: u32 = 3;

/// The tries that a run has left for one pair of ends.
pub struct RetryBudget {
    most: u32,
    first: Duration,
    used: AtomicU32,
    /// What had moved when the last try began, as a sum of counters.
    mark: AtomicU64,
    watchers: Watchers,
}

impl RetryBudget {
    /// At most `most` tries in a row without anything moving between them.
    pub fn new(most: u32, watchers: Watchers) -> RetryBudget {
        RetryBudget { most, first: FIRST, used: AtomicU32::new(0), mark: AtomicU64::new(0), watchers }
    }

    /// Waits for the next try to begin.
    ///
    /// # Errors
    /// `lost` itself, when no tries or no time are left.
    pub async fn next(&self, lost: CopyError) -> Result<(), CopyError> {
        if self.has_moved() {
            self.used.store(0, Ordering::Relaxed);
        }
        let used = self.used.load(Ordering::Relaxed);
        let clock = &self.watchers.clock;
        clock.shake();
        let wait = within(jittered(backoff(self.first, used)), clock.left());
        let Some(wait) = wait.filter(|_| used < self.most) else { return Err(lost) };
        let _waits = clock.waits();
        self.watchers.observer.event(Event::Reconnecting {
            error: lost.to_string(),
            attempt: used + 1,
            of: self.most,
            wait,
        });
        tokio::time::sleep(wait).await;
        self.used.store(used + 1, Ordering::Relaxed);
        self.set_mark();
        Ok(())
    }

    /// Whether anything has moved since the mark.
    pub fn has_moved(&self) -> bool {
        self.moved() > self.mark.load(Ordering::Relaxed)
    }

    /// Counts what moves from now on as progress.
    pub fn set_mark(&self) {
        self.mark.store(self.moved(), Ordering::Relaxed);
    }

    /// A sum of counters that only grows.
    fn moved(&self) -> u64 {
        let counters = &self.watchers.counters;
        let parts = [&counters.bytes_done, &counters.files_done, &counters.files_total];
        parts.iter().map(|part| Counters::get(part)).sum()
    }
}

fn backoff(first: Duration, used: u32) -> Duration {
    first.saturating_mul(1 << used.min(16)).min(LONGEST)
}

/// `wait`, or less where the try itself would not have half of the time `left`; `None` when too little is left for a
/// try.
fn within(wait: Duration, left: Duration) -> Option<Duration> {
    (left >= SHORTEST).then(|| wait.min(left / 2))
}

/// Between one and two times `wait`, at random: programs that lost the same bastion at the same moment come back at
/// different times.
fn jittered(wait: Duration) -> Duration {
    let mut draw = [0u8; 2];
    // without chance it is the shortest wait
    let _ = getrandom::fill(&mut draw);
    wait.mul_f64(1.0 + f64::from(u16::from_be_bytes(draw)) / f64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::copy::error::Cause;
    use crate::copy::idle::IdleClock;
    use crate::progress::{Silent, Stage};
    use crate::sftp::SftpError;

    fn lost() -> CopyError {
        let cause = Cause::Sftp(SftpError::Ended("eof".into()));
        CopyError::new(Some("laptop > a".into()), Stage::Transfer, Vec::new(), cause)
    }

    #[tokio::test]
    async fn tries_run_out_and_come_back_when_something_has_moved() {
        let counters = Arc::new(Counters::default());
        let quick = RetryBudget::new(2, watchers(&counters));
        let tries = RetryBudget { first: Duration::from_millis(1), ..quick };
        for _ in 0..3 {
            Counters::add(&counters.bytes_done, 1);
            assert!(tries.next(lost()).await.is_ok());
            assert!(tries.next(lost()).await.is_ok());
            assert!(tries.next(lost()).await.is_err());
        }
    }

    fn watchers(counters: &Arc<Counters>) -> Watchers {
        let clock = Arc::new(IdleClock::new(Duration::from_secs(60), counters.clone(), Vec::new()));
        Watchers { observer: Arc::new(Silent), counters: counters.clone(), clock }
    }

    #[test]
    fn a_wait_leaves_time_for_the_try_and_none_begins_too_late() {
        let second = Duration::from_secs(1);
        assert_eq!(within(second, 9 * second), Some(second));
        assert_eq!(within(30 * second, 8 * second), Some(4 * second));
        assert_eq!(within(second, SHORTEST / 2), None);
    }

    #[test]
    fn waits_double_up_to_a_bound() {
        assert_eq!(backoff(FIRST, 0), FIRST);
        assert_eq!(backoff(FIRST, 2), FIRST * 4);
        assert_eq!(backoff(FIRST, u32::MAX), LONGEST);
        let wait = jittered(FIRST);
        assert!(wait >= FIRST && wait <= FIRST * 2, "{wait:?}");
    }
}
