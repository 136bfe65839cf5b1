//! Does the address speak for the same key as the name (`CheckHostIP`)? The part of a case that is about it; whether it
//! is asked at all is [`Lookup::address_as_known`]'s to say.
//!
//! [`Lookup::address_as_known`]: super::Lookup

use super::error::{NotAccepted, TrustError};
use super::host_key_check::HostKeyCheck;
use super::known_hosts::KnownSource;
use super::policy::{self, AddressVerdict, Evidence, Policy};
use super::{ask, record};
use crate::progress::Event;

/// What `CheckHostIP` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressIs {
    /// Nothing to add: not asked, known, or passed over.
    NotAsked,
    /// Known, but not by the user's own files.
    ElsewhereKnown,
    /// To be recorded beside the name.
    New,
}

impl HostKeyCheck<'_> {
    /// What the address says of the key.
    pub(super) async fn check_address(&self, evidence: &Evidence) -> Result<AddressIs, TrustError> {
        let known = match policy::judge_address(evidence, self.presented) {
            AddressVerdict::Agrees(Some(KnownSource::Global)) => return Ok(AddressIs::ElsewhereKnown),
            AddressVerdict::Agrees(_) => return Ok(AddressIs::NotAsked),
            AddressVerdict::Unknown => return Ok(AddressIs::New),
            AddressVerdict::Differs(known) => known,
        };
        let address = self.lookup.address_as_known().unwrap_or_default();
        let at = known.first().map(|at| format!("{}:{}", at.file.display(), at.line)).unwrap_or_default();
        let kind = ask::kind(self.presented.key_data());
        let warning = format!(
            "Warning: the {kind} host key for '{}' differs from the key for the IP address '{address}'\n\
             Offending key for IP in {at}",
            self.name
        );
        let accepted = match self.lookup.policy {
            Policy::Off => {
                self.observer.event(Event::Warning(warning));
                return Ok(AddressIs::NotAsked);
            }
            Policy::Ask => ask::about_address(&self.asking, &warning).await,
            Policy::Strict | Policy::AcceptNew => Err(NotAccepted::Strict),
        };
        accepted.map(|()| AddressIs::NotAsked).map_err(|_| self.changed(address, known))
    }

    /// Writes the address down beside what is known of the name.
    pub(super) async fn record_address(&self) {
        let names: Vec<_> = self.lookup.address_as_known().into_iter().filter(|name| record::can_name(name)).collect();
        if !names.is_empty() && !self.lookup.user_files.is_empty() {
            self.warn(self.append(names).await);
        }
    }
}
