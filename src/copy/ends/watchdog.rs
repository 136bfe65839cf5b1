//! Does it still move? [`set`] watches one SFTP session: one of which something is asked, and that neither takes nor gives a
//! byte for too long, is taken for lost, and the connections that carried it are given up. An idle session may be idle.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::copy::idle::IdleClock;
use crate::copy::reach::Reach;
use crate::sftp::{Client, Progress};

/// Nothing may move for so long, unless told otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// How many looks a patience is divided into.
const LOOKS: u32 = 20;

/// Watches `client` until it ends. A lane of `reach` that stalls is abandoned there, so that the next try takes another way.
pub fn set(client: &Client, clock: Arc<IdleClock>, (reach, lane): (Arc<dyn Reach>, usize)) {
    let (watch, patience) = (client.watch(), clock.timeout());
    tokio::spawn(async move {
        let (mut last, mut since, mut _waits) = (watch.progress(), Instant::now(), None);
        loop {
            tokio::select! {
                () = watch.ended() => return,
                () = tokio::time::sleep(patience / LOOKS) => {}
            }
            let now = watch.progress();
            // time counts for the run, too
            _waits = (now.in_flight > 0).then(|| clock.waits());
            if now.replies > last.replies {
                clock.answered();
            }
            if now.in_flight == 0 || moved(&last, &now) {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() >= patience {
                watch.stalled(patience);
                return reach.abandon(lane);
            }
        }
    });
}

fn moved(before: &Progress, now: &Progress) -> bool {
    (before.sent, before.received, before.replies) != (now.sent, now.received, now.replies)
}
