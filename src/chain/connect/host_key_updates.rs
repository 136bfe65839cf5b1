//! `UpdateHostKeys`: a server announces its host keys after the login (`PROTOCOL` §2.5, `hostkeys-00@openssh.com`);
//! those not known yet are proven over this very session (`hostkeys-prove-00@openssh.com`) before they are recorded.
//!
//! Main function: [`follow`]. What changes in which file is `trust`'s business; a failure here never breaks a session.

use std::sync::{Arc, Weak};

use russh::keys::PublicKey;
use tokio::sync::oneshot;

use crate::chain::transport::connected::Connected;
use crate::config::Host;
use crate::config::host::UpdateHostKeys;
use crate::progress::{Event, Observer};
use crate::prompt::Prompt;
use crate::trust::{Consent, Lookup, TrustError, plan_update};

/// Whom to tell and to ask.
pub type People = (Arc<dyn Prompt>, Arc<dyn Observer>);

/// Waits for the announcement of `connected`'s server, in the background, where the configuration and the terminal
/// allow anything to be learned from it.
pub fn follow(
    connected: &Arc<Connected>,
    announced: oneshot::Receiver<Vec<PublicKey>>,
    lookup: Lookup,
    people: People,
) {
    let consent = match consent(&connected.host) {
        Some(consent) if people.0.is_there() => consent,
        _ => return,
    };
    let connected = Arc::downgrade(connected);
    tokio::spawn(async move {
        let Ok(announced) = announced.await else { return };
        if let Err(error) = learn(&connected, &lookup, &announced, (consent, &people)).await {
            people.1.event(Event::Warning(format!("host keys not updated: {error}")));
        }
    });
}

fn consent(host: &Host) -> Option<Consent> {
    match host.update_host_keys.value {
        UpdateHostKeys::Yes => Some(Consent::Given),
        UpdateHostKeys::Ask => Some(Consent::Ask),
        UpdateHostKeys::No => None,
    }
}

async fn learn(
    connected: &Weak<Connected>,
    lookup: &Lookup,
    announced: &[PublicKey],
    (consent, (prompt, observer)): (Consent, &People),
) -> Result<(), TrustError> {
    let Some(connected) = connected.upgrade() else { return Ok(()) };
    let Some(update) = plan_update(lookup, &connected.verified, announced).await? else { return Ok(()) };
    let unproven = update.unproven().to_vec();
    let proven = match connected.prove(unproven.clone()).await {
        true => unproven,
        false => Vec::new(),
    };
    update.learn(&proven, consent, prompt.clone(), observer.as_ref()).await
}
