//! Who watches a run? [`Watchers`]: whom it is told, where it is counted, and the clock that bounds it. Everything that makes
//! connections of its own is handed them.

use std::sync::Arc;

use crate::copy::idle::IdleClock;
use crate::progress::{Counters, Observer};

/// All of them.
#[derive(Clone)]
pub struct Watchers {
    /// Is told.
    pub observer: Arc<dyn Observer>,
    /// What has moved.
    pub counters: Arc<Counters>,
    /// How long nothing has moved.
    pub clock: Arc<IdleClock>,
}
