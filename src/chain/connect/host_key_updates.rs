//! How are a server's new host keys recorded (`UpdateHostKeys`)? The server announces its keys after the login
//! (`PROTOCOL` §2.5, `hostkeys-00@openssh.com`); those not known yet are proven over the same session
//! (`hostkeys-prove-00@openssh.com`) before they are recorded.
//!
//! Main function: [`watch`]. `trust` decides what changes in which file; a failure here never breaks a session.

use std::sync::{Arc, Weak};

use russh::keys::PublicKey;
use tokio::sync::oneshot;

use crate::chain::transport::connected::Connected;
use crate::config::host::UpdateHostKeys;
use crate::config::{Host, Origin};
use crate::progress::{Event, Observer};
use crate::prompt::Asking;
use crate::trust::{Consent, Lookup, TrustError, plan_update};

/// How the person at the terminal is reached.
pub struct Person {
    /// Asked whether the files may change.
    pub asking: Arc<Asking>,
    /// Told what changed.
    pub observer: Arc<dyn Observer>,
}

/// Waits in the background for the host keys that `connected`'s server announces, and records them. Does nothing if the
/// configuration forbids it, or does not ask for it and there is no terminal.
pub fn watch(connected: &Arc<Connected>, announced: oneshot::Receiver<Vec<PublicKey>>, lookup: Lookup, person: Person) {
    let consent = match consent(&connected.host) {
        Some(consent) if person.asking.is_there() || was_asked_for(&connected.host) => consent,
        _ => return,
    };
    let connected = Arc::downgrade(connected);
    tokio::spawn(async move {
        let Ok(announced) = announced.await else { return };
        if let Err(error) = record(&connected, &lookup, &announced, consent, &person).await {
            person.observer.event(Event::Warning(format!("host keys not updated: {error}")));
        }
    });
}

/// Whether the user wrote `UpdateHostKeys yes`.
fn was_asked_for(host: &Host) -> bool {
    let update = &host.update_host_keys;
    update.value == UpdateHostKeys::Yes && update.origin != Origin::Default
}

fn consent(host: &Host) -> Option<Consent> {
    match host.update_host_keys.value {
        UpdateHostKeys::Yes => Some(Consent::Given),
        UpdateHostKeys::Ask => Some(Consent::Ask),
        UpdateHostKeys::No => None,
    }
}

async fn record(
    connected: &Weak<Connected>,
    lookup: &Lookup,
    announced: &[PublicKey],
    consent: Consent,
    person: &Person,
) -> Result<(), TrustError> {
    let Some(connected) = connected.upgrade() else { return Ok(()) };
    let Some(update) = plan_update(lookup, &connected.verified, announced).await? else { return Ok(()) };
    let unproven = update.unproven().to_vec();
    let proven = match connected.prove(unproven.clone()).await {
        true => unproven,
        false => Vec::new(),
    };
    update.learn(&proven, consent, &person.asking, person.observer.as_ref()).await
}
