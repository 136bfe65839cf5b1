//! Does anything still move? [`set`] watches one SFTP session: one that has unanswered requests, and neither sends nor
//! receives a byte for too long, is taken for lost, and its connections are given up. A session without requests may be
//! idle. [`stalled`] is the watch itself, of anything that can be looked at.

use std::sync::Arc;
use std::time::Duration;

use crate::copy::connector::Connector;
use crate::copy::idle::IdleClock;
use crate::sftp::Client;

/// How long nothing may move, unless told otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Looks within the time after which something counts as stalled.
const LOOKS: u32 = 20;

/// Returns when `look` has given the same value for `patience`. `None` means that nothing has to move. Looks are
/// counted, not time: a process that was stopped has not waited.
pub async fn stalled<T: PartialEq>(patience: Duration, mut look: impl FnMut() -> Option<T>) {
    let (mut last, mut looks) = (look(), 0);
    while looks < LOOKS {
        tokio::time::sleep(patience / LOOKS).await;
        let now = look();
        looks = if now.is_some() && now == last { looks + 1 } else { 0 };
        last = now;
    }
}

/// Watches `client` until it ends. When it stalls, its lane is abandoned at `connector`, so that the next try takes another
/// connection.
pub fn set(client: &Client, clock: Arc<IdleClock>, connector: Arc<dyn Connector>, lane: usize) {
    let (watch, patience) = (client.watch(), clock.timeout());
    tokio::spawn(async move {
        let (mut replies, mut _waits) = (watch.progress().replies, None);
        let look = || {
            let now = watch.progress();
            // time counts for the run, too
            _waits = (now.in_flight > 0).then(|| clock.waits());
            if now.replies > replies {
                clock.answered();
            }
            replies = now.replies;
            (now.in_flight > 0).then_some((now.sent, now.received, now.replies))
        };
        tokio::select! {
            () = watch.ended() => {}
            () = stalled(patience, look) => {
                watch.stalled(patience);
                connector.abandon(lane);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(20);

    /// Looks until what is looked at counts as stalled.
    async fn looks(mut at: impl FnMut(u32) -> Option<u32>) -> u32 {
        let mut number = 0;
        let look = || {
            number += 1;
            at(number)
        };
        stalled(PATIENCE, look).await;
        number
    }

    #[tokio::test]
    async fn what_moves_or_has_nothing_to_do_is_not_taken_for_stalled() {
        assert_eq!(looks(|_| Some(0)).await, LOOKS + 1);
        assert_eq!(looks(|number| Some(number.min(50))).await, 50 + LOOKS, "it moved until then");
        assert_eq!(looks(|number| (number > 50).then_some(0)).await, 51 + LOOKS, "it was idle until then");
    }
}
