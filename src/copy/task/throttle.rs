//! How fast may data be sent? [`Throttle`] lets bytes start at an even rate, all files and lanes together, and says how
//! long a block may be so that a slow rate is even, too.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Fewest blocks a second, as long as they are not shorter than [`SHORTEST`].
const BLOCKS: u64 = 8;

/// Fewest bytes of a block.
const SHORTEST: u64 = 32 * 1024;

/// Shortest wait that is worth a timer: shorter ones are added up and waited for later.
const GRAIN: Duration = Duration::from_millis(2);

/// Most unused time that may be made up for.
const SLACK: Duration = Duration::from_millis(50);

/// A rate, and the time at which it allows the next byte.
pub struct Throttle {
    /// Bytes a second; `None` for no limit.
    rate: Option<u64>,
    next: Mutex<Option<Instant>>,
}

impl Throttle {
    /// A throttle for `rate` bytes a second.
    pub fn new(rate: Option<u64>) -> Throttle {
        Throttle { rate: rate.map(|rate| rate.max(1)), next: Mutex::default() }
    }

    /// Waits until `bytes` bytes may be sent.
    pub async fn pass(&self, bytes: usize) {
        let Some(rate) = self.rate else { return };
        let now = Instant::now();
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            turn(rate, bytes as u64, now, &mut next)
        };
        if turn > now + GRAIN {
            tokio::time::sleep_until(turn).await;
        }
    }

    /// Most bytes of a block.
    pub fn block(&self) -> usize {
        let block = self.rate.map_or(u64::MAX, |rate| (rate / BLOCKS).max(SHORTEST));
        usize::try_from(block).unwrap_or(usize::MAX)
    }
}

/// When `bytes` bytes may be sent at `rate` bytes a second; the next ones may follow when these have had their time.
fn turn(rate: u64, bytes: u64, now: Instant, next: &mut Option<Instant>) -> Instant {
    let earliest = now.checked_sub(SLACK).unwrap_or(now);
    let turn = next.unwrap_or(now).max(earliest);
    *next = Some(turn + Duration::from_secs_f64(bytes as f64 / rate as f64));
    turn
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When the last of `count` blocks may be sent, each asked for as soon as the one before was sent.
    fn last_of(count: u64, rate: u64, block: u64) -> f64 {
        let began = Instant::now();
        let (mut now, mut next) = (began, None);
        for _ in 0..count {
            now = now.max(turn(rate, block, now, &mut next));
        }
        (now - began).as_secs_f64()
    }

    #[test]
    fn a_slow_and_a_fast_rate_are_kept() {
        for (rate, block) in [(100_000, 12_500), (1_000_000_000, 261_120), (1024, 8192)] {
            let count = 1 + 10 * rate / block;
            let took = last_of(count, rate, block);
            let right = (count - 1) as f64 * block as f64 / rate as f64;
            assert!((took - right).abs() < 0.001, "{rate}: {took} instead of {right}");
        }
    }

    #[test]
    fn a_pause_is_not_made_up_for() {
        let began = Instant::now();
        let mut next = None;
        turn(1000, 100, began, &mut next);
        let later = began + Duration::from_secs(60);
        assert_eq!(turn(1000, 100, later, &mut next), later - SLACK);
        assert!(turn(1000, 100, later, &mut next) > later);
    }

    #[test]
    fn blocks_are_short_where_the_rate_is_slow() {
        assert_eq!(Throttle::new(Some(1_000_000)).block(), 125_000);
        assert_eq!(Throttle::new(Some(1)).block(), 32_768);
        assert_eq!(Throttle::new(None).block(), usize::MAX);
    }
}
