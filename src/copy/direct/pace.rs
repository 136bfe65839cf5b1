//! How much is asked for at once? [`Pace`]: about two seconds' worth, from what the last orders took. Progress is told an
//! order at a time, so a slow way gets short orders, and a fast one long ones.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bytes of an order before anything is known.
const FIRST: u64 = 4 << 20;

/// Bytes of the longest order.
const MOST: u64 = 256 << 20;

/// Bytes of the shortest.
const LEAST: u64 = 1 << 20;

/// How long an order should take.
const LASTS: f64 = 2.0;

/// Bytes a second that one stream has shown; 0 for not known.
#[derive(Debug, Default)]
pub struct Pace(AtomicU64);

impl Pace {
    /// An order of `bytes` took so long.
    pub fn learn(&self, bytes: u64, took: Duration) {
        let now = (bytes as f64 / took.as_secs_f64().max(0.001)) as u64;
        let before = self.0.load(Ordering::Relaxed);
        let learned = if before == 0 { now } else { before / 2 + now / 2 };
        self.0.store(learned.max(1), Ordering::Relaxed);
    }

    /// Bytes for the next order.
    pub fn order(&self) -> u64 {
        match self.0.load(Ordering::Relaxed) {
            0 => FIRST,
            pace => ((pace as f64 * LASTS) as u64).clamp(LEAST, MOST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_grow_with_the_pace_and_stay_within_bounds() {
        let pace = Pace::default();
        assert_eq!(pace.order(), FIRST);
        pace.learn(4 << 20, Duration::from_secs(8));
        assert_eq!(pace.order(), LEAST);
        (0..20).for_each(|_| pace.learn(50 << 20, Duration::from_secs(1)));
        assert!((95 << 20..=100 << 20).contains(&pace.order()), "{}", pace.order());
        pace.learn(u64::MAX / 2, Duration::ZERO);
        assert_eq!(pace.order(), MOST);
    }
}
