//! What goes on while something is tested? [`Meanwhile`]: a step that a thread of its own takes again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, panicking, spawn};

use crate::street::until;

/// Takes its step over and over, as long as it lives; a step that panics fails the test that drops it.
pub struct Meanwhile {
    stop: Arc<AtomicBool>,
    steps: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Meanwhile {
    pub fn does(mut step: impl FnMut() + Send + 'static) -> Meanwhile {
        let (stop, steps) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stopped, taken) = (Arc::clone(&stop), Arc::clone(&steps));
        let thread = spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                step();
                taken.fetch_add(1, Ordering::Relaxed);
            }
        });
        Meanwhile { stop, steps, thread: Some(thread) }
    }

    /// Steps taken so far.
    pub fn steps(&self) -> usize {
        self.steps.load(Ordering::Relaxed)
    }

    /// Waits until another step was taken.
    pub fn goes_on(&self) {
        let before = self.steps();
        until("it goes on", || self.steps() > before);
    }
}

impl Drop for Meanwhile {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().expect("until now").join();
        assert!(ended.is_ok() || panicking());
    }
}
