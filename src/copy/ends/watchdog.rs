//! Does it still move? [`set`] watches one SFTP session: one of which something is asked, and that neither takes nor gives a
//! byte for too long, is taken for lost, and the connections that carried it are given up. An idle session may be idle.
//! [`stalled`] is the watch itself, of whatever can be looked at.

use std::sync::Arc;
use std::time::Duration;

use crate::copy::idle::IdleClock;
use crate::copy::reach::Reach;
use crate::sftp::Client;

/// Nothing may move for so long, unless told otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// How many looks a patience is divided into.
const LOOKS: u32 = 20;

/// Returns when `look` has given the same for `patience`, unless that was `None`: nothing has to move then. Looks are
/// counted: a run that was asleep has not waited.
pub async fn stalled<T: PartialEq>(patience: Duration, mut look: impl FnMut() -> Option<T>) {
    let (mut last, mut looks) = (look(), 0);
    while looks < LOOKS {
        tokio::time::sleep(patience / LOOKS).await;
        let now = look();
        looks = if now.is_some() && now == last { looks + 1 } else { 0 };
        last = now;
    }
}

/// Watches `client` until it ends. A lane of `reach` that stalls is abandoned there, so that the next try takes another way.
pub fn set(client: &Client, clock: Arc<IdleClock>, (reach, lane): (Arc<dyn Reach>, usize)) {
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
                reach.abandon(lane);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(20);

    /// How many looks are given before what is looked at is taken for stalled.
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
