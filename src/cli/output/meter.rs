//! How fast is a copy, and when will it be done? [`Meter`] reads the counters whenever it is asked.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::progress::Counters;

/// The time over which the rate is measured: long enough to smooth a bursty link, short enough to notice a stall.
const WINDOW: Duration = Duration::from_secs(5);

/// The counters at one moment, with the rate over the last seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The number of bytes at the destination: acknowledged, or already there.
    pub bytes_done: u64,
    /// The number of bytes found by the walk so far.
    pub bytes_total: u64,
    /// The number of files that are complete.
    pub files_done: u64,
    /// The number of files found so far.
    pub files_total: u64,
    /// Whether the totals are final.
    pub walked: bool,
    /// The rate in bytes per second over the last five seconds.
    pub rate: f64,
}

impl Reading {
    /// The time left at this rate; `None` while the totals still grow or nothing moves.
    pub fn left(&self) -> Option<Duration> {
        let missing = self.bytes_total.saturating_sub(self.bytes_done) as f64;
        (self.walked && self.rate >= 1.0).then(|| Duration::from_secs_f64((missing / self.rate).min(1e7)))
    }
}

/// Keeps the readings of the last seconds.
#[derive(Debug)]
pub struct Meter {
    past: VecDeque<(Instant, u64)>,
}

impl Meter {
    /// A meter that begins at `now`, with nothing moved.
    pub fn new(now: Instant) -> Meter {
        Meter { past: VecDeque::from([(now, 0)]) }
    }

    /// Reads the counters at `now`.
    pub fn read(&mut self, counters: &Counters, now: Instant) -> Reading {
        let bytes_done = Counters::get(&counters.bytes_done);
        let rate = self.rate(now, bytes_done);
        let kept = Counters::get(&counters.bytes_kept);
        let bytes_done = bytes_done + kept;
        Reading {
            bytes_done,
            bytes_total: Counters::get(&counters.bytes_total).max(bytes_done),
            files_done: Counters::get(&counters.files_done) + Counters::get(&counters.files_unchanged),
            files_total: Counters::get(&counters.files_total),
            walked: counters.walked.load(std::sync::atomic::Ordering::Relaxed),
            rate,
        }
    }

    fn rate(&mut self, now: Instant, bytes: u64) -> f64 {
        self.past.push_back((now, bytes));
        while self.past.len() > 2 && self.past.get(1).is_some_and(|(then, _)| now - *then >= WINDOW) {
            self.past.pop_front();
        }
        let Some(&(then, before)) = self.past.front() else { return 0.0 };
        let elapsed = (now - then).as_secs_f64();
        if elapsed > 0.0 { bytes.saturating_sub(before) as f64 / elapsed } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let (counters, start) = (Counters::default(), Instant::now());
        let mut meter = Meter::new(start);
        let mut rate = 0.0;
        for second in 1..=20u64 {
            Counters::add(&counters.bytes_done, if second <= 10 { 100 } else { 1000 });
            rate = meter.read(&counters, start + Duration::from_secs(second)).rate;
            assert!(rate >= 100.0, "the first line has a rate too");
        }
        assert_eq!(rate, 1000.0);
        assert!(meter.past.len() <= 7);
    }

    #[test]
    fn no_time_is_promised_while_the_walk_goes_on_or_nothing_moves() {
        let reading =
            Reading { bytes_done: 50, bytes_total: 150, files_done: 0, files_total: 1, walked: true, rate: 10.0 };
        assert_eq!(reading.left(), Some(Duration::from_secs(10)));
        assert_eq!(Reading { walked: false, ..reading }.left(), None);
        assert_eq!(Reading { rate: 0.0, ..reading }.left(), None);
    }
}
