//! How many blocks may be under way on one lane? About as many as it moves in [`DWELL`]: an [`InFlight`] begins low,
//! grows while blocks come back in time, and shrinks when they are late. A slow lane among fast ones would otherwise
//! take so many of the next blocks that the band is used up, and the fast lanes would stand still.
//!
//! All lanes of a file learn the round-trip time together ([`Distance`]): a lane that begins on a busy connection would
//! take the queue there for distance.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Time in which a block should be acknowledged, unless the link is longer ([`Distance::due`]).
const DWELL: Duration = Duration::from_millis(250);

/// Blocks under way that a lane begins with.
const FIRST: usize = 2;

/// Blocks that even the slowest lane may have under way.
const LEAST: usize = 1;

/// How long the quickest block of all lanes was under way, in nanoseconds.
pub struct Distance(AtomicU64);

impl Default for Distance {
    fn default() -> Distance {
        Distance(AtomicU64::new(u64::MAX))
    }
}

impl Distance {
    /// Time in which a block should be acknowledged: twice the time of the quickest, but at least [`DWELL`].
    fn due(&self) -> Duration {
        match self.0.load(Ordering::Relaxed) {
            u64::MAX => Duration::MAX,
            nanos => DWELL.max(Duration::from_nanos(nanos).saturating_mul(2)),
        }
    }

    fn learn(&self, dwelt: Duration) {
        let nanos = u64::try_from(dwelt.as_nanos()).unwrap_or(u64::MAX - 1);
        self.0.fetch_min(nanos, Ordering::Relaxed);
    }
}

/// The blocks that one lane may have under way.
pub struct InFlight {
    turns: Semaphore,
    most: usize,
    distance: Arc<Distance>,
    state: Mutex<State>,
}

struct State {
    allowed: usize,
    /// Turns to be withdrawn when they are returned.
    surplus: usize,
    /// How long the last block was under way.
    dwelt: Duration,
    /// When the blocks that were under way at the last reduction will all be back.
    settled: Option<Instant>,
}

/// Permission for one block to be under way, until this is dropped.
pub struct Turn<'a> {
    in_flight: &'a InFlight,
    permit: Option<SemaphorePermit<'a>>,
}

impl InFlight {
    /// At most `most` blocks, but at least one.
    pub fn new(most: usize, distance: Arc<Distance>) -> InFlight {
        let allowed = FIRST.min(most).max(1);
        let state = State { allowed, surplus: 0, dwelt: Duration::ZERO, settled: None };
        InFlight { turns: Semaphore::new(allowed), most: most.max(1), distance, state: Mutex::new(state) }
    }

    /// Waits for a turn.
    pub async fn turn(&self) -> Turn<'_> {
        // never closed, so never refused
        Turn { in_flight: self, permit: self.turns.acquire().await.ok() }
    }

    /// How long the lane waits before it also moves a slower lane's block: as long as two of its own take.
    pub fn patience(&self) -> Duration {
        self.distance.due().max(self.state().dwelt.saturating_mul(2))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // nothing panics while it holds the state
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// The block was acknowledged, `dwelt` after it was sent.
    pub fn came_back(mut self, dwelt: Duration) {
        self.in_flight.distance.learn(dwelt);
        let due = self.in_flight.distance.due();
        let mut state = self.in_flight.state();
        if state.learn(dwelt, due, Instant::now(), self.in_flight.most) {
            self.in_flight.turns.add_permits(1);
        }
        if state.surplus > 0 {
            state.surplus -= 1;
            self.permit.take().into_iter().for_each(SemaphorePermit::forget);
        }
    }
}

impl State {
    /// Learns from a block. Returns whether one more is allowed from now on.
    fn learn(&mut self, dwelt: Duration, due: Duration, now: Instant, most: usize) -> bool {
        self.dwelt = dwelt;
        if dwelt <= due {
            let grows = self.allowed < most;
            self.allowed += usize::from(grows);
            return grows;
        }
        let is_settled = self.settled.is_none_or(|settled| settled <= now);
        if is_settled && dwelt > due * 2 && self.allowed > LEAST {
            let fewer = (self.allowed / 2).max(LEAST);
            self.surplus += self.allowed - fewer;
            self.allowed = fewer;
            self.settled = now.checked_add(dwelt);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUE: Duration = Duration::from_millis(250);

    fn state(allowed: usize) -> State {
        State { allowed, surplus: 0, dwelt: Duration::ZERO, settled: None }
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn blocks_in_time_bring_more_up_to_the_most() {
        let (mut state, now) = (state(FIRST), Instant::now());
        let more = (0..40).filter(|_| state.learn(ms(100), DUE, now, 32)).count();
        assert_eq!((more, state.allowed), (32 - FIRST, 32));
    }

    #[test]
    fn blocks_that_dwell_halve_it_once_until_those_under_way_are_back() {
        let (mut state, now) = (state(32), Instant::now());
        (0..20).for_each(|_| assert!(!state.learn(ms(900), DUE, now, 32)));
        assert_eq!((state.allowed, state.surplus), (16, 16));
        assert!(!state.learn(ms(400), DUE, now + ms(1000), 32), "a little late changes nothing");
        assert_eq!(state.allowed, 16);
        (1..9).for_each(|round| assert!(!state.learn(ms(900), DUE, now + ms(1000 * round), 32)));
        assert_eq!(state.allowed, LEAST);
    }

    #[tokio::test]
    async fn turns_follow_what_is_allowed() {
        let in_flight = InFlight::new(6, Arc::default());
        for _ in 0..10 {
            in_flight.turn().await.came_back(ms(1));
        }
        assert_eq!(in_flight.turns.available_permits(), 6);
        in_flight.turn().await.came_back(ms(5_000));
        in_flight.turn().await.came_back(ms(300));
        in_flight.turn().await.came_back(ms(300));
        assert_eq!(in_flight.turns.available_permits(), 3, "half of six");
        drop(in_flight.turn().await);
        assert_eq!(in_flight.turns.available_permits(), 3);
        drop(InFlight::new(0, Arc::default()).turn().await);
    }

    #[tokio::test]
    async fn a_long_way_is_no_dwelling_and_a_queue_is_no_distance() {
        let far = InFlight::new(32, Arc::default());
        for _ in 0..40 {
            far.turn().await.came_back(ms(3_000));
        }
        assert_eq!(far.turns.available_permits(), 32);
        let distance: Arc<Distance> = Arc::default();
        InFlight::new(32, Arc::clone(&distance)).turn().await.came_back(ms(100));
        let queued = InFlight::new(32, distance);
        for _ in 0..40 {
            queued.turn().await.came_back(ms(3_000));
        }
        assert_eq!(queued.turns.available_permits(), LEAST);
    }
}
