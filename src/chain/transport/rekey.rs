//! When are new keys due (`RekeyLimit`), and when is it safe to ask for them?
//!
//! Main type: [`Rekeying`], asked by the session's own loop (`client_handler.rs`). russh ends a session whose server
//! has more than two windows' worth of channel bytes in flight when we ask for new keys. Up to [`SAFE`] channels cannot
//! have more in flight. More channels do no harm under [`FlowControl::Wide`]: each window is `WIDE`, and far fewer
//! bytes than two of those are ever in flight. Otherwise the change waits until there are fewer channels.

use std::sync::Arc;
use std::time::{Duration, Instant};

use russh::ChannelId;
use russh::client::Session;

use super::byte_counts::ByteCounts;
use super::window::FlowControl;
use crate::config::host::RekeyLimit;

/// The number of channels that together cannot have more bytes in flight than russh tolerates: a window is less than
/// full as soon as anything has arrived.
const SAFE: usize = 2;
/// How long a channel that we closed may still have bytes in flight.
const ECHO: Duration = Duration::from_secs(10);
/// How many channels are remembered before closed ones are forgotten.
const REMEMBERED: usize = 64;

/// The age of one session's keys, in bytes and time, and its limits.
pub struct Rekeying {
    limit: RekeyLimit,
    flow: FlowControl,
    byte_counts: Arc<ByteCounts>,
    since: Instant,
    start: (u64, u64),
    /// The open channels, and those closed less than [`ECHO`] ago, each with the time it was closed.
    channels: Vec<(ChannelId, Option<Instant>)>,
    put_off: bool,
}

/// What to do about a session's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RekeyDecision {
    /// New keys are not due.
    Keep,
    /// New keys have been asked for.
    Rekey,
    /// New keys are due but must wait; returned once.
    Postpone,
}

impl Rekeying {
    /// Keys that are never due, unless `limit` says so.
    pub fn new(limit: Option<RekeyLimit>, flow: FlowControl, byte_counts: Arc<ByteCounts>) -> Rekeying {
        let limit = limit.unwrap_or_default();
        let (since, channels) = (Instant::now(), Vec::new());
        Rekeying { limit, flow, byte_counts, since, start: (0, 0), channels, put_off: false }
    }

    /// Notes that a channel was opened. If keys are never due nothing is noted, and closed channels are forgotten,
    /// because a server may open and close as many as it likes.
    pub fn opened(&mut self, channel: ChannelId, session: &Session) {
        if self.limit == RekeyLimit::default() {
            return;
        }
        if self.channels.len() >= REMEMBERED {
            self.forget_closed(session);
        }
        self.channels.push((channel, None));
    }

    /// Notes that new keys are in use, whichever side asked for them.
    pub fn renewed(&mut self) {
        (self.since, self.start) = (Instant::now(), self.byte_counts.now());
    }

    /// Asks for new keys if they are due and it is safe. Called when something has just arrived.
    pub fn proceed(&mut self, session: &mut Session) -> Result<RekeyDecision, russh::Error> {
        if !self.is_due() {
            return Ok(RekeyDecision::Keep);
        }
        if !self.is_safe(session) {
            let first = !std::mem::replace(&mut self.put_off, true);
            return Ok(if first { RekeyDecision::Postpone } else { RekeyDecision::Keep });
        }
        self.renewed();
        session.initiate_rekey().map(|()| RekeyDecision::Rekey)
    }

    fn is_due(&self) -> bool {
        let (most, longest) = self.limit;
        let (read, written) = self.byte_counts.now();
        let served = (read - self.start.0).max(written - self.start.1);
        most.is_some_and(|most| served >= most) || longest.is_some_and(|longest| self.since.elapsed() >= longest)
    }

    fn is_safe(&mut self, session: &Session) -> bool {
        self.forget_closed(session);
        self.flow == FlowControl::Wide || self.channels.len() <= SAFE
    }

    fn forget_closed(&mut self, session: &Session) {
        let now = Instant::now();
        self.channels.retain_mut(|(channel, closed)| {
            let open = session.sender_window_size(*channel) > 0;
            *closed = if open { None } else { closed.or(Some(now)) };
            closed.is_none_or(|closed| now - closed < ECHO)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn keys_are_due_by_bytes_each_way_or_by_time() {
        let byte_counts = Arc::new(ByteCounts::default());
        let with = |limit| Rekeying::new(Some(limit), FlowControl::Wide, byte_counts.clone());
        let (mut bytes, time, never) =
            (with((Some(100), None)), with((None, Some(Duration::ZERO))), with((None, None)));
        assert_eq!([bytes.is_due(), time.is_due(), never.is_due()], [false, true, false]);
        byte_counts.read.fetch_add(99, Ordering::Relaxed);
        byte_counts.written.fetch_add(99, Ordering::Relaxed);
        assert!(!bytes.is_due(), "each way has its own count");
        byte_counts.written.fetch_add(1, Ordering::Relaxed);
        assert!(bytes.is_due());
        bytes.renewed();
        assert!(!bytes.is_due() && !never.is_due());
    }
}
