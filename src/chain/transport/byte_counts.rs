//! How many bytes went over a transport?
//!
//! Main type: [`ByteCounts`]. It only counts: what follows from a count is for whoever reads it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that went over a transport, in each direction.
#[derive(Debug, Default)]
pub struct ByteCounts {
    /// Bytes read.
    pub read: AtomicU64,
    /// Bytes written.
    pub written: AtomicU64,
}

impl ByteCounts {
    /// Both counts: read, written.
    pub fn now(&self) -> (u64, u64) {
        (self.read.load(Ordering::Relaxed), self.written.load(Ordering::Relaxed))
    }
}
