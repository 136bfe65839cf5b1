//! How many bytes went over a transport, and were they too many for a login?
//!
//! Main type: [`ByteCounts`]. It only counts; the readers of a count act on it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The most bytes that a server may send before the login is done: key exchanges, banners, questions. They are kept
/// until they are read, so this bounds the memory.
const BEFORE_LOGIN: u64 = 4 << 20;

/// Bytes that went over a transport, in each direction.
#[derive(Debug, Default)]
pub struct ByteCounts {
    /// Bytes read.
    pub read: AtomicU64,
    /// Bytes written.
    pub written: AtomicU64,
    is_logged_in: AtomicBool,
}

impl ByteCounts {
    /// Lifts the limit, since the login is done.
    pub fn logged_in(&self) {
        self.is_logged_in.store(true, Ordering::Relaxed);
    }

    /// Whether the server has sent more than a login needs before the login is done.
    pub fn is_too_much(&self) -> bool {
        !self.is_logged_in.load(Ordering::Relaxed) && self.read.load(Ordering::Relaxed) > BEFORE_LOGIN
    }

    /// Both counts: read, written.
    pub fn now(&self) -> (u64, u64) {
        (self.read.load(Ordering::Relaxed), self.written.load(Ordering::Relaxed))
    }
}
