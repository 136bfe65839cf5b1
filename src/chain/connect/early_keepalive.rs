//! Why does a server hang for 40 ms after each login, and what helps? Main function: [`send_early_keepalives`].
//!
//! sshd announces its host keys right after a login, and leaves Nagle's algorithm on: its next packet, the answer to
//! our first request, waits until the announcement is acknowledged. Behind a bastion, the bastion's kernel
//! acknowledges, and delays it by 40 ms (`TCP_DELACK_MIN`) in the hope of data to send along. A few small requests give
//! it some.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::chain::transport::connected::Connected;

/// The pause before each request; the first request is enough unless the server is slow.
const PAUSES: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(6)];

/// Sends keepalive requests on `connected`, in the background.
pub fn send_early_keepalives(connected: &Arc<Connected>) {
    let connected = Arc::downgrade(connected);
    tokio::spawn(async move {
        for pause in PAUSES {
            tokio::time::sleep(pause).await;
            let Some(connected) = Weak::upgrade(&connected) else { return };
            // a connection that has ended needs none
            let _ = connected.handle.send_keepalive(true).await;
        }
    });
}
