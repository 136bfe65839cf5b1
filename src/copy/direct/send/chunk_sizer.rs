//! How many bytes does one order send, and is one stream enough? [`ChunkSizer`] decides from the speed of the last
//! orders. A single stream that fills a short link is best left alone, with a long share. On a long link, where the
//! round trip holds each stream up, several streams carry more, in shares that divide the band.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::copy::direct::transport::STREAMS;

/// Bytes of an order while no speed is known.
const FIRST: u64 = 4 << 20;

/// Most bytes of a pack or share, except of a share that goes alone.
const MOST: u64 = 256 << 20;

/// Fewest bytes of an order.
const LEAST: u64 = 1 << 20;

/// Most bytes of a share that goes together with others: all of them fill the band.
pub const BAND_SHARE: u64 = (64 << 20) / STREAMS as u64;

/// How long an order should take, and how long one that goes alone once its speed is known.
const LASTS: Duration = Duration::from_secs(2);
const LASTS_ALONE: Duration = Duration::from_secs(10);

/// Bytes a second at which one stream is fast enough: several would not be much faster.
const FAST: f64 = 150e6;

/// Factor by which several streams must be faster than one.
const WORTH: f64 = 1.15;

/// An order's speed counts only if it took at least this long, for starting it takes time, or sent at least this many
/// bytes.
const TELLING: Duration = Duration::from_millis(700);
const TELLING_BYTES: u64 = 64 << 20;

/// How a file's shares are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// One at a time.
    Alone,
    /// Several at once.
    Together,
}

/// The speeds seen so far.
#[derive(Debug, Default)]
pub struct ChunkSizer(Mutex<Learned>);

/// Speeds in bytes a second.
#[derive(Debug, Default)]
struct Learned {
    /// One stream, alone or among others.
    one: Option<f64>,
    /// One stream alone; only from orders that took long enough.
    alone: Option<f64>,
    /// All streams of a file together.
    together: Option<f64>,
}

impl ChunkSizer {
    /// Records that an order of `bytes` bytes took `took`, with `streams` shares under way.
    pub fn learn(&self, bytes: u64, took: Duration, streams: usize) {
        let now = bytes as f64 / took.as_secs_f64().max(0.001);
        let mut learned = self.learned();
        mix(&mut learned.one, now);
        match streams {
            0 | 1 if took >= TELLING || bytes >= TELLING_BYTES => mix(&mut learned.alone, now),
            0 | 1 => {}
            streams => mix(&mut learned.together, now * streams as f64),
        }
    }

    /// How to send the next share, with `idle` streams that no other file needs.
    pub fn manner(&self, idle: usize) -> Manner {
        let learned = self.learned();
        match (learned.alone, learned.together) {
            (Some(alone), together) if idle > 0 && alone < FAST => match together {
                Some(together) if together < alone * WORTH => Manner::Alone,
                _ => Manner::Together,
            },
            _ => Manner::Alone,
        }
    }

    /// Bytes of the next pack of files, or of the next share of one of several streams.
    pub fn order(&self) -> u64 {
        let one = self.learned().one;
        one.map_or(FIRST, |one| worth(one, LASTS).clamp(LEAST, MOST))
    }

    /// Bytes of the next share of several, in whole mebibytes.
    pub fn together(&self) -> u64 {
        (self.order() / LEAST * LEAST).min(BAND_SHARE)
    }

    /// Bytes of the next share that goes alone, in whole mebibytes.
    pub fn alone(&self) -> u64 {
        let learned = self.learned();
        let bytes = match (learned.alone, learned.one) {
            (Some(alone), _) => worth(alone, LASTS_ALONE),
            (None, Some(one)) => worth(one, LASTS),
            (None, None) => FIRST,
        };
        bytes.max(LEAST) / LEAST * LEAST
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn mix(known: &mut Option<f64>, now: f64) {
    *known = Some(known.map_or(now, |known| (known + now) / 2.0));
}

/// Bytes that take `lasts` at a speed in bytes a second; saturates.
fn worth(chunk_sizer: f64, lasts: Duration) -> u64 {
    ((chunk_sizer * lasts.as_secs_f64()) as u64).min(1 << 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_grow_with_the_pace_and_stay_within_bounds() {
        let chunk_sizer = ChunkSizer::default();
        assert_eq!(chunk_sizer.order(), FIRST);
        chunk_sizer.learn(4 << 20, Duration::from_secs(8), 1);
        assert_eq!(chunk_sizer.order(), LEAST);
        (0..20).for_each(|_| chunk_sizer.learn(50 << 20, Duration::from_secs(1), 1));
        assert!((95 << 20..=100 << 20).contains(&chunk_sizer.order()), "{}", chunk_sizer.order());
        chunk_sizer.learn(u64::MAX / 2, Duration::ZERO, 1);
        assert_eq!(chunk_sizer.order(), MOST);
        assert!(chunk_sizer.alone() <= 1 << 40 && chunk_sizer.together() == BAND_SHARE);
    }

    #[test]
    fn a_fast_stream_stays_alone_and_a_slow_one_is_helped_as_long_as_that_helps() {
        let chunk_sizer = ChunkSizer::default();
        let manner = |idle| chunk_sizer.manner(idle);
        assert_eq!(manner(1), Manner::Alone, "nothing is known");
        chunk_sizer.learn(4 << 20, Duration::from_millis(80), 1);
        assert_eq!(manner(1), Manner::Alone, "that was mostly its start");
        chunk_sizer.learn(30 << 20, Duration::from_secs(1), 1);
        assert_eq!((manner(1), manner(0)), (Manner::Together, Manner::Alone));
        chunk_sizer.learn(16 << 20, Duration::from_secs(2), 4);
        assert_eq!(manner(1), Manner::Alone, "together they are no faster");
        let fast = ChunkSizer::default();
        fast.learn(100 << 20, Duration::from_millis(400), 1);
        assert_eq!(fast.manner(1), Manner::Alone);
        assert!(fast.alone() > 2 << 30, "{}", fast.alone());
    }

    #[test]
    fn shares_begin_at_whole_mebibytes() {
        let chunk_sizer = ChunkSizer::default();
        chunk_sizer.learn(12_345_678, Duration::from_secs(1), 1);
        assert!(chunk_sizer.alone() % LEAST == 0 && chunk_sizer.together() % LEAST == 0);
    }
}
