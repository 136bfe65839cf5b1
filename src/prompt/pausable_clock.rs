//! How long has something taken, not counting what was waited for besides? [`PausableClock`]: a clock that can be stopped, by
//! several at once, and goes on when none of them stops it any more.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

/// How soon it is noticed that a clock goes on again.
const TICK: Duration = Duration::from_millis(100);

/// The clock.
pub struct PausableClock(Mutex<Dial>);

struct Dial {
    /// How many stop it.
    pauses: i32,
    /// The last time that it was stopped or went on.
    since: Instant,
    /// How long it had run until then.
    before: Duration,
}

/// A clock that was stopped, or let run, until this is dropped.
pub struct Turned {
    clock: Arc<PausableClock>,
    back: i32,
}

impl PausableClock {
    /// One that runs.
    pub fn running() -> Arc<PausableClock> {
        PausableClock::with(0)
    }

    /// One that stands still but for [`PausableClock::resume`].
    pub fn stopped() -> Arc<PausableClock> {
        PausableClock::with(1)
    }

    fn with(pauses: i32) -> Arc<PausableClock> {
        Arc::new(PausableClock(Mutex::new(Dial { pauses, since: Instant::now(), before: Duration::ZERO })))
    }

    /// Stops it until what is returned is dropped.
    pub fn pause(self: &Arc<Self>) -> Turned {
        self.turn(1);
        Turned { clock: Arc::clone(self), back: -1 }
    }

    /// Lets a stopped one run until what is returned is dropped.
    pub fn resume(self: &Arc<Self>) -> Turned {
        self.turn(-1);
        Turned { clock: Arc::clone(self), back: 1 }
    }

    /// True while somebody stops it.
    pub fn is_paused(&self) -> bool {
        self.dial().is_paused()
    }

    /// How long it has run.
    pub fn elapsed(&self) -> Duration {
        self.dial().elapsed()
    }

    /// Does `work`; `None` when it has not ended as the clock shows `end`, which may change meanwhile.
    pub async fn until<T>(&self, end: impl Fn() -> Duration, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            let left = end().saturating_sub(self.elapsed());
            let wait = if self.is_paused() { left.max(TICK) } else { left };
            match timeout(wait, &mut work).await {
                Ok(done) => return Some(done),
                // it stood still meanwhile, or there is more time
                Err(_) if self.elapsed() < end() => {}
                Err(_) => return None,
            }
        }
    }

    fn turn(&self, by: i32) {
        let mut dial = self.dial();
        *dial = Dial { pauses: dial.pauses + by, since: Instant::now(), before: dial.elapsed() };
    }

    fn dial(&self) -> MutexGuard<'_, Dial> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dial {
    fn is_paused(&self) -> bool {
        self.pauses > 0
    }

    fn elapsed(&self) -> Duration {
        self.before + if self.is_paused() { Duration::ZERO } else { self.since.elapsed() }
    }
}

impl Drop for Turned {
    fn drop(&mut self) {
        self.clock.turn(self.back);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const STEP: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn it_stands_still_while_anybody_stops_it() {
        let clock = PausableClock::running();
        sleep(STEP).await;
        let (one, other) = (clock.pause(), clock.pause());
        let stopped_at = clock.elapsed();
        assert!(stopped_at >= STEP && clock.is_paused());
        sleep(STEP).await;
        drop(one);
        sleep(STEP).await;
        assert_eq!(clock.elapsed(), stopped_at);
        drop(other);
        sleep(STEP).await;
        assert!(clock.elapsed() >= stopped_at + STEP && !clock.is_paused());
    }

    #[tokio::test]
    async fn one_that_is_stopped_runs_when_it_is_let() {
        let clock = PausableClock::stopped();
        sleep(STEP).await;
        assert_eq!(clock.elapsed(), Duration::ZERO);
        let runs = clock.resume();
        let end = clock.until(|| STEP, std::future::pending::<()>()).await;
        drop(runs);
        let shown = clock.elapsed();
        sleep(STEP).await;
        assert!(end.is_none() && shown >= STEP && clock.elapsed() == shown);
    }
}
