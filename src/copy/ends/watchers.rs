//! Who watches a run? [`Watchers`]: the observer, the counters, and the clock that bounds the run. Everything that
//! makes connections of its own is given them.

use std::sync::Arc;

use crate::copy::idle::IdleClock;
use crate::progress::{Counters, Observer};

/// The observer, counters and clock of a run.
#[derive(Clone)]
pub struct Watchers {
    /// Receives the run's events.
    pub observer: Arc<dyn Observer>,
    /// Counts what has moved.
    pub counters: Arc<Counters>,
    /// Measures how long nothing has moved.
    pub clock: Arc<IdleClock>,
}
