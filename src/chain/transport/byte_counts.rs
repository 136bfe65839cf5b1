//! How many bytes went over a transport?
//!
//! Main type: [`Odometer`]. It only counts: what follows from a count is for whoever reads it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that went over a transport, each way.
#[derive(Debug, Default)]
pub struct Odometer {
    pub read: AtomicU64,
    pub written: AtomicU64,
}

impl Odometer {
    /// Both counts: read, written.
    pub fn now(&self) -> (u64, u64) {
        (self.read.load(Ordering::Relaxed), self.written.load(Ordering::Relaxed))
    }
}
