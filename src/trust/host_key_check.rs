//! What is needed to judge one host key? The lookup, the key, the prompt, and the errors for a refusal.
//!
//! Main type: [`HostKeyCheck`]. The verdict is reached in `verify.rs`.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::certificate;
use super::error::{KnownAt, NotAccepted, Revoker, TrustError};
use super::known_hosts::{fingerprint, name_of};
use super::lookup::Lookup;
use super::presented::Presented;
use super::record::{self, Recorded};
use crate::progress::{Event, Observer};
use crate::prompt::Asking;

/// The check of one host key.
pub(super) struct HostKeyCheck<'a> {
    pub(super) lookup: &'a Lookup,
    pub(super) presented: &'a Presented,
    pub(super) asking: Arc<Asking>,
    pub(super) observer: &'a dyn Observer,
    pub(super) name: String,
}

impl HostKeyCheck<'_> {
    pub(super) async fn append(&self, names: Vec<String>) -> Result<(), TrustError> {
        let file = self.lookup.user_files.first().cloned().unwrap_or_default();
        let (key, naming, to) = (self.presented.key_data().clone(), self.lookup.naming, file.clone());
        let host = names.join(",");
        let appended = spawn_blocking(move || {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            record::append(&to, &names, &key, naming)
        });
        match appended.await.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            Err(source) => Err(TrustError::Record { file, source }),
            Ok(Recorded::Before) => Ok(()),
            Ok(Recorded::Contested(known)) => Err(self.changed(host, known)),
            Ok(Recorded::Added) => {
                let key = self.presented.key_data();
                let (algorithm, fingerprint) = (name_of(key), fingerprint(key));
                self.observer.event(Event::HostKeyAdded { host, algorithm, fingerprint, file });
                Ok(())
            }
        }
    }

    pub(super) fn revoked(&self, at: KnownAt) -> TrustError {
        let (algorithm, fingerprint) = (name_of(self.presented.key_data()), fingerprint(self.presented.key_data()));
        TrustError::Revoked { host: self.name.clone(), algorithm, fingerprint, by: Revoker::Line(Box::new(at)) }
    }

    pub(super) fn changed(&self, host: String, known: Vec<KnownAt>) -> TrustError {
        let (algorithm, fingerprint) = (name_of(self.presented.key_data()), fingerprint(self.presented.key_data()));
        TrustError::Changed { host, algorithm, fingerprint, known }
    }

    pub(super) fn warn(&self, recorded: Result<(), TrustError>) {
        if let Err(error) = recorded {
            self.observer.event(Event::Warning(error.to_string()));
        }
    }

    pub(super) fn refuse(&self, flaw: Option<certificate::Flaw>, because: NotAccepted) -> TrustError {
        match flaw {
            Some(flaw) => self.bad_certificate(flaw.to_string()),
            None => TrustError::Unknown {
                host: self.name.clone(),
                algorithm: name_of(self.presented.key_data()),
                fingerprint: fingerprint(self.presented.key_data()),
                because,
            },
        }
    }

    pub(super) fn bad_certificate(&self, problem: String) -> TrustError {
        TrustError::Certificate { host: self.name.clone(), problem }
    }
}
