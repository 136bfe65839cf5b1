//! How much is asked for at once, and is one stream enough? [`ChunkSizer`], from what the last orders took. A stream that fills a
//! short way is best left alone, with a long share; on a long way, where each is held up by the distance, several carry
//! more, in shares that divide the band.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::copy::direct::engine::STREAMS;

/// Bytes of an order before anything is known.
const FIRST: u64 = 4 << 20;

/// Bytes of the longest pack or share but one that goes alone.
const MOST: u64 = 256 << 20;

/// Bytes of the shortest.
const LEAST: u64 = 1 << 20;

/// Bytes of the longest share of several at once: together they are the band.
pub const BAND_SHARE: u64 = (64 << 20) / STREAMS as u64;

/// How long an order should take, and how long one that goes alone once its pace is known.
const LASTS: Duration = Duration::from_secs(2);
const LASTS_ALONE: Duration = Duration::from_secs(10);

/// Bytes a second of one stream that several would not make much faster.
const FAST: f64 = 150e6;

/// How much faster several have to be.
const WORTH: f64 = 1.15;

/// What took less than this shows little: starting it took most of the time. So many bytes show enough.
const TELLING: Duration = Duration::from_millis(700);
const TELLING_BYTES: u64 = 64 << 20;

/// How shares go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// One at a time.
    Alone,
    /// Several at once.
    Together,
}

/// What was learned.
#[derive(Debug, Default)]
pub struct ChunkSizer(Mutex<Learned>);

/// In bytes a second.
#[derive(Debug, Default)]
struct Learned {
    /// One stream of whichever course.
    one: Option<f64>,
    /// A stream alone; only what took long enough.
    alone: Option<f64>,
    /// All streams of a file together.
    together: Option<f64>,
}

impl ChunkSizer {
    /// An order of so many bytes took so long, while so many shares were out.
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

    /// How the next share goes; so many streams are `idle` that no other file needs.
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

    /// Bytes for the next pack of files, or for the next share of one of several streams.
    pub fn order(&self) -> u64 {
        let one = self.learned().one;
        one.map_or(FIRST, |one| worth(one, LASTS).clamp(LEAST, MOST))
    }

    /// Bytes for the next share of several, in whole mebibytes.
    pub fn together(&self) -> u64 {
        (self.order() / LEAST * LEAST).min(BAND_SHARE)
    }

    /// Bytes for the next share that goes alone, likewise.
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

/// Bytes that take so long; saturates.
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
