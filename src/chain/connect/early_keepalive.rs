//! Why a server hangs for 40 ms after each login, and what helps: [`nudge`].
//!
//! sshd announces its host keys right after a login, and leaves Nagle's algorithm on: what it says next, the answer to our
//! first request, waits until the announcement is acknowledged. Behind a bastion it is the bastion's kernel that does so,
//! and it delays it by 40 ms (`TCP_DELACK_MIN`), in the hope of data to send along. A few small requests give it some.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::chain::transport::connected::Connected;

/// Pauses before each: the first is enough unless the server is slow.
const PAUSES: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(6)];

/// Sends something small to `connected` in a moment, in the background.
pub fn nudge(connected: &Arc<Connected>) {
    let connected = Arc::downgrade(connected);
    tokio::spawn(async move {
        for pause in PAUSES {
            tokio::time::sleep(pause).await;
            let Some(connected) = Weak::upgrade(&connected) else { return };
            // a connection that is gone needs none
            let _ = connected.handle.send_keepalive(true).await;
        }
    });
}
