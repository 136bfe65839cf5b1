//! What does a run know of a file from its own earlier attempts? [`SoFar`]. What it knows of other runs' attempts is
//! another question ([`leftovers`](super::leftovers)).

use std::sync::{Arc, Mutex, PoisonError};

use crate::copy::options::BlockOrder;
use crate::sftp::Window;

/// What this run knows of a file from its earlier attempts.
#[derive(Default)]
pub struct SoFar {
    window: Option<Arc<Mutex<Window>>>,
    /// Number of part files that were begun and attempts that were cut off.
    beginning: u32,
    attempts: u32,
    order: BlockOrder,
}

/// What there is of a file from this run's earlier attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing: this is the first attempt.
    Nothing,
    /// Perhaps something that cannot be used.
    Attempt,
    /// Perhaps a part file that can be used.
    Part,
}

impl SoFar {
    /// What earlier attempts have left.
    pub fn earlier(&self) -> Earlier {
        match (self.attempts, &self.window) {
            (0, _) => Earlier::Nothing,
            (_, None) => Earlier::Attempt,
            (_, Some(_)) => Earlier::Part,
        }
    }

    /// Attempts that were cut off.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The number of the part file that the last attempt began.
    pub fn beginning(&self) -> u32 {
        self.beginning
    }

    /// Remembers the number of this attempt's part file.
    pub fn begun(&mut self, beginning: u32) {
        self.beginning = beginning;
    }

    /// Records that an attempt was cut off.
    pub fn cut_off(&mut self) {
        self.attempts += 1;
    }

    /// The order in which the file is written, as far as it is known.
    pub fn order(&self) -> BlockOrder {
        self.order
    }

    /// Makes the file be written from beginning to end from now on; its part file so far is not used.
    pub fn turn_to_order(&mut self) {
        *self = SoFar { order: BlockOrder::Ascending, beginning: self.beginning + 1, ..SoFar::default() };
    }

    /// Makes the file have another part file from now on; the one so far is not used.
    pub fn begin_over(&mut self) {
        *self = SoFar { order: self.order, beginning: self.beginning + 1, ..SoFar::default() };
    }

    /// The number of the part file that was given up for another order.
    pub fn given_up(&self) -> Option<u32> {
        (self.order == BlockOrder::Ascending).then(|| self.beginning.checked_sub(1)).flatten()
    }

    /// Remembers the window of the attempt that begins.
    pub fn keep(&mut self, window: &Arc<Mutex<Window>>) {
        self.window = Some(Arc::clone(window));
    }

    /// The window of the attempt before, with nothing under way.
    pub fn recalled(&self) -> Option<Window> {
        let mut window = self.window.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).clone();
        window.recall();
        Some(window)
    }
}
