//! When was each rung reached, and what answered there? Main type: [`Diary`], an observer that remembers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::progress::{Event, Observer, Stage};

/// Remembers stages and first words, and passes everything on.
pub struct Diary {
    entries: Mutex<Vec<Entry>>,
    next: Arc<dyn Observer>,
}

struct Entry {
    hop: String,
    at: Instant,
    what: What,
}

enum What {
    Reached(Stage),
    Identified(Vec<u8>),
}

impl Diary {
    /// An empty one, in front of `next`.
    pub fn new(next: Arc<dyn Observer>) -> Diary {
        Diary { entries: Mutex::default(), next }
    }

    /// How much stands in it.
    pub(super) fn mark(&self) -> usize {
        self.entries().len()
    }

    /// The rungs that `hop` has reached since `mark`, in order, each with the time until the next one or until now.
    pub(super) fn rungs(&self, hop: &str, mark: usize) -> Vec<(Stage, Duration)> {
        let now = Instant::now();
        let entries = self.entries();
        let reached = entries[mark..].iter().filter(|entry| entry.hop == hop).filter_map(|entry| match entry.what {
            What::Reached(stage) => Some((stage, entry.at)),
            What::Identified(_) => None,
        });
        let mut rungs: Vec<(Stage, Instant)> = Vec::new();
        for (stage, at) in reached {
            // a key exchange that is made again verifies the host again
            if rungs.last().is_none_or(|(last, _)| *last < stage) {
                rungs.push((stage, at));
            }
        }
        let ends = rungs.iter().skip(1).map(|(_, at)| *at).chain([now]);
        rungs.iter().zip(ends).map(|((stage, at), end)| (*stage, end.saturating_duration_since(*at))).collect()
    }

    /// The first words of what answered at `hop`, since `mark`.
    pub(super) fn identification(&self, hop: &str, mark: usize) -> Option<Vec<u8>> {
        self.entries()[mark..].iter().find_map(|entry| match &entry.what {
            What::Identified(text) if entry.hop == hop => Some(text.clone()),
            _ => None,
        })
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Diary {
    fn event(&self, event: Event) {
        let entry = match &event {
            Event::Stage { hop, stage } => Some((hop, What::Reached(*stage))),
            Event::Identified { hop, text } => Some((hop, What::Identified(text.clone()))),
            _ => None,
        };
        if let Some((hop, what)) = entry {
            self.entries().push(Entry { hop: hop.clone(), at: Instant::now(), what });
        }
        self.next.event(event);
    }
}
