//! When was each stage reached, and what answered there? Main type: [`Timeline`], an observer that records events.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::progress::{Event, Observer, Stage};

/// Records stages and the first bytes of peers, and passes every event on.
pub struct Timeline {
    entries: Mutex<Vec<TimelineEntry>>,
    next: Arc<dyn Observer>,
}

struct TimelineEntry {
    hop: String,
    at: Instant,
    what: TimelineEvent,
}

enum TimelineEvent {
    Reached(Stage),
    Identified(Vec<u8>),
}

impl Timeline {
    /// An empty timeline in front of `next`.
    pub fn new(next: Arc<dyn Observer>) -> Timeline {
        Timeline { entries: Mutex::default(), next }
    }

    /// The number of entries so far.
    pub(super) fn mark(&self) -> usize {
        self.entries().len()
    }

    /// The stages that `hop` has reached since `mark`, in order, each with the time until the next one or until now.
    pub(super) fn stages(&self, hop: &str, mark: usize) -> Vec<(Stage, Duration)> {
        let now = Instant::now();
        let entries = self.entries();
        let reached = entries[mark..].iter().filter(|entry| entry.hop == hop).filter_map(|entry| match entry.what {
            TimelineEvent::Reached(stage) => Some((stage, entry.at)),
            TimelineEvent::Identified(_) => None,
        });
        let mut stages: Vec<(Stage, Instant)> = Vec::new();
        for (stage, at) in reached {
            // the host is verified again when keys are exchanged again
            if stages.last().is_none_or(|(last, _)| *last < stage) {
                stages.push((stage, at));
            }
        }
        let ends = stages.iter().skip(1).map(|(_, at)| *at).chain([now]);
        stages.iter().zip(ends).map(|((stage, at), end)| (*stage, end.saturating_duration_since(*at))).collect()
    }

    /// The first bytes that the peer at `hop` has sent since `mark`.
    pub(super) fn identification(&self, hop: &str, mark: usize) -> Option<Vec<u8>> {
        self.entries()[mark..].iter().find_map(|entry| match &entry.what {
            TimelineEvent::Identified(text) if entry.hop == hop => Some(text.clone()),
            _ => None,
        })
    }

    fn entries(&self) -> MutexGuard<'_, Vec<TimelineEntry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Timeline {
    fn event(&self, event: Event) {
        let entry = match &event {
            Event::Stage { hop, stage } => Some((hop, TimelineEvent::Reached(*stage))),
            Event::Identified { hop, text } => Some((hop, TimelineEvent::Identified(text.clone()))),
            _ => None,
        };
        if let Some((hop, what)) = entry {
            self.entries().push(TimelineEntry { hop: hop.clone(), at: Instant::now(), what });
        }
        self.next.event(event);
    }
}
