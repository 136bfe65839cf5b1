//! How many sessions carry the data? [`Lanes`] pairs the sessions of two ends by number. The first lane is opened at
//! once, the others in the background, and only when enough is left to do; one that cannot be opened is no error. A
//! lane that is lost is left out; when the last one is lost, it is opened again ([`Lanes::restore`]).
//!
//! A lane carries at most one window of the server per round trip, so the round-trip time decides how many lanes there
//! are, unless the user does. On a short link two lanes keep the processors busy, and more only share them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::pool::Pool;
use super::retry::RetryBudget;
use super::side::Side;
use super::watchers::Watchers;
use crate::copy::error::CopyError;
use crate::copy::idle::IdleClock;
use crate::progress::{Counters, Event};

/// Lanes opened where neither the user nor the round-trip time decides.
const DEFAULT: usize = 8;

/// Fewest lanes, on the shortest link, and most, on the longest.
const FEWEST: usize = 2;
const MOST: usize = 16;

/// Window in bytes that OpenSSH's servers give a channel (`CHAN_SES_WINDOW_DEFAULT`).
const WINDOW: f64 = (2 << 20) as f64;

/// Bytes a second that the lanes together should be able to carry.
const RATE: f64 = 250e6;

/// Bytes that must be left to do for each lane.
const BYTES_A_LANE: u64 = 8 << 20;

/// Files that must be left to do for each lane.
const FILES_A_LANE: u64 = 1000;

/// One session at each end.
pub struct Lane {
    /// Number of the lane, from 0. Lanes may open in another order.
    pub number: usize,
    /// The source.
    pub source: Side,
    /// The destination.
    pub destination: Side,
    busy: AtomicUsize,
}

/// The lanes between two ends.
pub struct Lanes {
    route: Arc<LaneSet>,
    opening: Mutex<JoinSet<()>>,
}

struct LaneSet {
    ends: (Arc<Pool>, Arc<Pool>),
    open: watch::Sender<Vec<Arc<Lane>>>,
    /// The numbers of lanes that are open, or being opened; never more than `most`.
    taken: Mutex<BTreeSet<usize>>,
    most: AtomicUsize,
    tries: RetryBudget,
    /// A lane was lost and nothing has moved since, so no new ones are opened for now.
    is_shaken: AtomicBool,
    restoring: tokio::sync::Mutex<()>,
    watchers: Watchers,
}

impl Lanes {
    /// Opens lane 0 between two ends. There will be at most `most` lanes (`None`: as many as the round-trip time
    /// needs), each connected again up to `retries` times in a row.
    ///
    /// # Errors
    /// The error of the hop that failed, when lane 0 cannot be opened.
    pub async fn open(
        ends: (Arc<Pool>, Arc<Pool>),
        most: Option<usize>,
        retries: u32,
        watchers: Watchers,
    ) -> Result<Lanes, CopyError> {
        let route = LaneSet {
            ends,
            open: watch::Sender::new(Vec::new()),
            taken: Mutex::new(BTreeSet::from([0])),
            most: AtomicUsize::new(1),
            tries: RetryBudget::new(retries, watchers.clone()),
            is_shaken: AtomicBool::new(false),
            restoring: tokio::sync::Mutex::default(),
            watchers,
        };
        let first = route.add(0).await?;
        route.most.store(most.unwrap_or_else(|| first.fill_the_link()).max(1), Ordering::Relaxed);
        Ok(Lanes { route: Arc::new(route), opening: Mutex::default() })
    }

    /// Opens more lanes in the background when the counters say that enough is left to do.
    pub fn grow(&self) {
        let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        while opening.try_join_next().is_some() {}
        for number in self.route.take_numbers() {
            let route = Arc::clone(&self.route);
            opening.spawn(async move { route.try_add(number).await });
        }
    }

    /// The lanes open now, and those to come.
    pub fn watch(&self) -> watch::Receiver<Vec<Arc<Lane>>> {
        self.route.open.subscribe()
    }

    /// The lane with the fewest files under way. Its session may have been lost; [`Lanes::restore`] then provides
    /// another.
    pub fn idlest(&self) -> Arc<Lane> {
        let lanes = self.route.open.borrow();
        let idlest = lanes.iter().min_by_key(|lane| lane.busy.load(Ordering::Relaxed));
        Arc::clone(idlest.expect("lane 0 is open since the beginning, and the last one is only ever replaced"))
    }

    /// Does `work` on the lane with the least to do, and once more on another as often as it is lost with its session.
    ///
    /// # Errors
    /// As `work`, and as [`Lanes::restore`].
    pub async fn retry<T, W>(&self, work: impl Fn(Arc<Lane>) -> W) -> Result<T, CopyError>
    where
        W: Future<Output = Result<T, CopyError>>,
    {
        loop {
            match work(self.idlest()).await {
                Err(error) if error.is_lost() => self.restore(error).await?,
                ended => return ended,
            }
        }
    }

    /// After an operation was `lost` with its session: returns when there is a lane to do it again on. Others are left as
    /// they are; only when none lives is one connected anew, after a wait and not for ever.
    ///
    /// # Errors
    /// `lost`, when no tries are left; or why an end cannot be reached any more.
    pub async fn restore(&self, lost: CopyError) -> Result<(), CopyError> {
        let _turn = self.route.restoring.lock().await;
        if self.route.leave_out_the_lost() {
            return Ok(());
        }
        let (part, mut lost) = (lost.part.clone(), lost);
        loop {
            self.route.tries.next(lost).await?;
            let clock = &self.route.watchers.clock;
            match clock.within(self.route.add(0)).await.unwrap_or_else(|| Err(clock.ran_out().into())) {
                Ok(_) => break,
                Err(error) if error.may_pass() => lost = CopyError { part: part.clone(), ..error },
                Err(error) => return Err(CopyError { part, ..error }),
            }
        }
        self.route.leave_out_the_lost();
        Ok(())
    }

    /// Removes lanes whose session was lost, unless there are no others.
    pub fn leave_out_the_lost(&self) {
        self.route.leave_out_the_lost();
    }

    /// The run's clock.
    pub fn clock(&self) -> &Arc<IdleClock> {
        &self.route.watchers.clock
    }

    /// The source's sessions, and what is known of that end.
    pub fn source(&self) -> &Pool {
        &self.route.ends.0
    }

    /// The destination's sessions, and what is known of that end.
    pub fn destination(&self) -> &Pool {
        &self.route.ends.1
    }

    /// The source's alias, as the names of part files need it.
    pub fn source_alias(&self) -> &str {
        self.route.ends.0.alias()
    }
}

impl LaneSet {
    async fn add(&self, number: usize) -> Result<Arc<Lane>, CopyError> {
        let (source, destination) = tokio::try_join!(self.ends.0.side(number), self.ends.1.side(number))?;
        let lane = Arc::new(Lane { number, source, destination, busy: AtomicUsize::new(0) });
        self.open.send_modify(|lanes| lanes.push(Arc::clone(&lane)));
        Counters::add(&self.watchers.counters.lanes, 1);
        Ok(lane)
    }

    async fn try_add(&self, number: usize) {
        let Err(error) = self.add(number).await else { return };
        self.taken().remove(&number);
        match error.is_lost() {
            true => self.shake(),
            // what refused one more will refuse the next: no storm of logins
            false => self.most.store(self.open.borrow().len().max(1), Ordering::Relaxed),
        }
        self.watchers.observer.event(Event::Detail(format!("lane {number} is left out: {error}")));
    }

    /// Numbers for the lanes that are worth opening now.
    fn take_numbers(&self) -> Vec<usize> {
        if self.is_shaken.load(Ordering::Relaxed) && !self.tries.has_moved() {
            return Vec::new();
        }
        self.is_shaken.store(false, Ordering::Relaxed);
        let worth = self.worth_opening();
        let mut taken = self.taken();
        let free: Vec<usize> = (0..worth).filter(|number| !taken.contains(number)).collect();
        let room = worth.saturating_sub(taken.len());
        let numbers: Vec<usize> = free.into_iter().take(room).collect();
        taken.extend(&numbers);
        numbers
    }

    /// Removes lanes whose session was lost; `false` when there are no others, and then nothing is removed.
    fn leave_out_the_lost(&self) -> bool {
        let mut gone = Vec::new();
        let mut left = 0;
        self.open.send_if_modified(|lanes| {
            let (living, lost): (Vec<_>, Vec<_>) = lanes.iter().cloned().partition(|lane| !lane.is_lost());
            left = living.len();
            if left == 0 || lost.is_empty() {
                return false;
            }
            gone.extend(
                lost.iter().map(|lane| lane.number).filter(|lost| living.iter().all(|lane| lane.number != *lost)),
            );
            *lanes = living;
            true
        });
        if !gone.is_empty() {
            self.shake();
            self.taken().retain(|number| !gone.contains(number));
        }
        self.watchers.counters.lanes.store(left as u64, Ordering::Relaxed);
        left > 0
    }

    fn shake(&self) {
        self.tries.set_mark();
        self.is_shaken.store(true, Ordering::Relaxed);
    }

    fn taken(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        // nothing panics while it holds the set
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn worth_opening(&self) -> usize {
        let left = |total, done| Counters::get(total).saturating_sub(Counters::get(done));
        let counters = &self.watchers.counters;
        let kept = Counters::get(&counters.bytes_kept);
        let bytes = left(&counters.bytes_total, &counters.bytes_done).saturating_sub(kept) / BYTES_A_LANE;
        let files = left(&counters.files_total, &counters.files_done) / FILES_A_LANE;
        let worth = 1 + usize::try_from(bytes.max(files)).unwrap_or(usize::MAX - 1);
        worth.min(self.most.load(Ordering::Relaxed))
    }
}

impl Lane {
    /// How many lanes like this one fill the link between the ends.
    fn fill_the_link(&self) -> usize {
        let round_trips = self.source.round_trip().zip(self.destination.round_trip());
        round_trips.map_or(DEFAULT, |(one, two)| lanes_for(one.max(two)))
    }

    /// Most files that may be open at once, as far as its ends have a limit.
    pub fn files_at_once(&self) -> Option<usize> {
        [&self.source, &self.destination].into_iter().filter_map(Side::files_at_once).min()
    }

    /// Whether the session at one of its ends is gone.
    pub fn is_lost(&self) -> bool {
        self.source.is_lost() || self.destination.is_lost()
    }

    /// Counts one more file on this lane until the returned value is dropped.
    pub fn busy(self: &Arc<Lane>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }
}

/// One file on a lane.
pub struct Busy(Arc<Lane>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lanes that together carry [`RATE`] over a link with this round trip.
fn lanes_for(round_trip: Duration) -> usize {
    let needed = (RATE * round_trip.as_secs_f64() / WINDOW).ceil();
    // saturates, and a duration is never negative
    (needed as usize).clamp(FEWEST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_decides_how_many() {
        let lanes = [0, 1, 10, 25, 50, 100, 150, 400].map(|ms| lanes_for(Duration::from_millis(ms)));
        assert_eq!(lanes, [2, 2, 2, 3, 6, 12, 16, 16]);
        assert_eq!(lanes_for(Duration::MAX), MOST);
    }
}
