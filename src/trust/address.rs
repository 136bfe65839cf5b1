//! Does the host's address have the same key as its name (`CheckHostIP`)? This is the part of a [`HostKeyCheck`] that
//! is about the address; [`Lookup::address_as_known`] decides whether it is looked up at all.
//!
//! [`Lookup::address_as_known`]: super::Lookup

use super::error::{NotAccepted, TrustError};
use super::host_key_check::HostKeyCheck;
use super::known_hosts::KnownSource;
use super::policy::{self, AddressVerdict, Evidence, Policy};
use super::{ask, record};
use crate::progress::Event;

/// The result of `CheckHostIP`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressIs {
    /// There is nothing to record: the address is not looked up, already known, or accepted with another key.
    NotAsked,
    /// The address is known, but not from the user's own files.
    ElsewhereKnown,
    /// The address is to be recorded along with the name.
    New,
}

impl HostKeyCheck<'_> {
    /// Compares the key with those known for the address.
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

    /// Records the address along with the name.
    pub(super) async fn record_address(&self) {
        let names: Vec<_> = self.lookup.address_as_known().into_iter().filter(|name| record::can_name(name)).collect();
        if !names.is_empty() && !self.lookup.user_files.is_empty() {
            self.warn(self.append(names).await);
        }
    }
}
