//! What does a run know of a file from its own earlier attempts? [`SoFar`]. What it knows of other runs' is another question
//! ([`leftovers`](super::leftovers)).

use std::sync::{Arc, Mutex, PoisonError};

use crate::copy::options::BlockOrder;
use crate::sftp::Window;

/// What this run knows of a file from its earlier attempts.
#[derive(Default)]
pub struct SoFar {
    window: Option<Arc<Mutex<Window>>>,
    /// Parts that were begun, and attempts that were cut off.
    beginning: u32,
    attempts: u32,
    order: BlockOrder,
}

/// What there is of a file from this run's earlier attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// It is the first.
    Nothing,
    /// Perhaps something that is not gone on from.
    Attempt,
    /// Perhaps a part that is.
    Part,
}

impl SoFar {
    /// What there is.
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

    /// The number of the part that the last attempt began.
    pub fn beginning(&self) -> u32 {
        self.beginning
    }

    /// Remembers the number of the attempt's part.
    pub fn begun(&mut self, beginning: u32) {
        self.beginning = beginning;
    }

    /// An attempt was cut off.
    pub fn cut_off(&mut self) {
        self.attempts += 1;
    }

    /// In which order it is written, as far as is known.
    pub fn order(&self) -> BlockOrder {
        self.order
    }

    /// From now on it is written from its beginning to its end; what was begun is gone.
    pub fn turn_to_order(&mut self) {
        *self = SoFar { order: BlockOrder::Ascending, beginning: self.beginning + 1, ..SoFar::default() };
    }

    /// The number of the part that was given up for another order.
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
