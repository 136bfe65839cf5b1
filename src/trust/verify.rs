//! Is this the host? [`verify`] takes one key through verdict, question and record, and ends in [`HostVerified`] or a
//! refusal. What counts as known is decided in `policy.rs`.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::address::AddressIs;
use super::command::Invocation;
use super::error::{NotAccepted, TrustError};
use super::host_key_check::HostKeyCheck;
use super::known_hosts::{self, KnownHostsText, KnownSource, fingerprint};
use super::lookup::{Lookup, ask_command, read_known_hosts, with_port};
use super::policy::{self, CertificateCheck, Evidence, KeyVerdict, Policy, VouchedBy};
use super::presented::Presented;
use super::unrecorded::{self, Unrecorded};
use super::{ask, certificate, record, revoked};
use crate::progress::{Event, Observer};
use crate::prompt::Asking;
use russh::keys::ssh_key::public::KeyData;
use russh::keys::ssh_key::{Algorithm, PublicKey};

/// Proof that a host key was compared with what is known and accepted. Only [`verify`] makes one.
#[derive(Debug, Clone)]
pub struct HostVerified {
    key: PublicKey,
    on_the_word_of: Word,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// A line in the user's own files, for name and address, or a person who was asked.
    User,
    /// Anything else.
    Other,
}

impl HostVerified {
    fn new(presented: &Presented, on_the_word_of: Word) -> HostVerified {
        HostVerified { key: PublicKey::new(presented.key_data().clone(), ""), on_the_word_of }
    }

    /// `SHA256:…` of the key.
    pub fn fingerprint(&self) -> String {
        fingerprint(self.key.key_data())
    }

    /// The type of the key; for RSA without the hash of a signature.
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// The key, taken out of its certificate if it came in one.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Whether `UpdateHostKeys` may act on this host's announcements: its key is in the user's own files under exactly
    /// this name, or a person has just confirmed it.
    pub fn may_learn(&self) -> bool {
        self.on_the_word_of == Word::User
    }
}

/// Compares what a server presented with what is known, asks or records as the policy says, and returns the proof.
///
/// # Errors
/// [`TrustError`]; the connection to the host must not be used any further.
pub async fn verify(
    lookup: &Lookup,
    presented: &Presented,
    asking: Arc<Asking>,
    observer: &dyn Observer,
) -> Result<HostVerified, TrustError> {
    let case = HostKeyCheck { lookup, presented, asking, observer, name: lookup.name.as_known() };
    case.vet()?;
    revoked::check(lookup, presented).await?;
    if lookup.takes_any_key() {
        return Ok(HostVerified::new(presented, Word::Other));
    }
    let examined = case.examine().await?;
    match &examined.verdict {
        KeyVerdict::New(_) => case.accept_unknown(examined).await,
        _ => case.conclude(examined).await,
    }
}

/// What was found out about a key.
struct Examined {
    pages: Vec<KnownHostsText>,
    evidence: Evidence,
    verdict: KeyVerdict,
}

impl HostKeyCheck<'_> {
    /// Refuses a key that proves nothing, no matter what vouches for it.
    fn vet(&self) -> Result<(), TrustError> {
        if let KeyData::Rsa(key) = self.presented.key_data()
            && key.key_size() < self.lookup.shortest_rsa.max(known_hosts::SHORTEST_RSA)
        {
            return Err(TrustError::TooShort { host: self.name.clone(), bits: key.key_size() });
        }
        match self.presented {
            Presented::Certificate(certificate) if !certificate::is_signed(certificate) => {
                Err(self.bad_certificate("its signature is not that of its authority".to_owned()))
            }
            _ => Ok(()),
        }
    }

    async fn examine(&self) -> Result<Examined, TrustError> {
        let pages = read_known_hosts(self.lookup).await?;
        let find = |name: &str| pages.iter().flat_map(|page| page.known(name)).collect::<Vec<_>>();
        let mut evidence = Evidence { exact: find(&self.name), ..Evidence::default() };
        let bare = self.lookup.name.bare();
        if bare != self.name {
            evidence.bare = find(&bare);
        }
        if let Some(page) = self.ask_command(Invocation::Hostname, &self.name).await? {
            evidence.exact.extend(page.known(&self.name));
        }
        if let (Some(address), Presented::Key(_)) = (self.lookup.address_as_known(), self.presented) {
            let mut known = find(&address);
            if let Some(page) = self.ask_command(Invocation::Address, &address).await? {
                known.extend(page.known(&address));
            }
            evidence.address = Some(known);
        }
        let measure =
            CertificateCheck { host: &bare, now: now(), signatures: self.lookup.authority_signatures.as_deref() };
        let verdict = policy::judge(&evidence, self.presented, &measure);
        Ok(Examined { pages, evidence, verdict })
    }

    async fn ask_command(&self, invocation: Invocation, name: &str) -> Result<Option<KnownHostsText>, TrustError> {
        ask_command(self.lookup, invocation, name, Some(self.presented)).await
    }

    /// Turns the verdict into a proof or a refusal; only an address with another key may lead to a question.
    async fn conclude(&self, examined: Examined) -> Result<HostVerified, TrustError> {
        match examined.verdict {
            KeyVerdict::Revoked(at) => Err(self.revoked(at)),
            KeyVerdict::Changed(known) => Err(self.changed(self.name.clone(), known)),
            KeyVerdict::New(flaw) => Err(self.refuse(flaw, NotAccepted::Strict)),
            KeyVerdict::Known(witness) => {
                let address = self.check_address(&examined.evidence).await?;
                if address == AddressIs::New
                    && self.may_write_unasked()
                    && witness != VouchedBy::Line(KnownSource::Command)
                {
                    self.record_address().await;
                }
                let own = witness == VouchedBy::Line(KnownSource::User) && address != AddressIs::ElsewhereKnown;
                Ok(HostVerified::new(self.presented, if own { Word::User } else { Word::Other }))
            }
        }
    }

    /// Decides about an unknown key: asks or records, as the policy says.
    async fn accept_unknown(&self, examined: Examined) -> Result<HostVerified, TrustError> {
        let KeyVerdict::New(flaw) = &examined.verdict else { return self.conclude(examined).await };
        if let Some(flaw) = flaw {
            self.observer.event(Event::Warning(format!("host certificate for {}: {flaw}", self.name)));
        }
        if self.lookup.user_files.is_empty() || !record::can_name(&self.name) {
            return Err(self.refuse(flaw.clone(), NotAccepted::NowhereToRecord));
        }
        match self.lookup.policy {
            Policy::Strict => Err(self.refuse(flaw.clone(), NotAccepted::Strict)),
            Policy::Ask => self.ask().await,
            Policy::AcceptNew | Policy::Off => {
                let address = self.check_address(&examined.evidence).await?;
                self.unless_unwritable(self.record(address).await)?;
                Ok(HostVerified::new(self.presented, Word::Other))
            }
        }
    }

    async fn ask(&self) -> Result<HostVerified, TrustError> {
        let _turn = ask::turn().await;
        let examined = self.examine().await?;
        let KeyVerdict::New(flaw) = &examined.verdict else { return self.conclude(examined).await };
        let key = self.presented.key_data();
        let unknown = ask::Unknown {
            host: &self.name,
            address: self.lookup.address.map(|a| with_port(&a.to_string(), self.lookup.port)),
            key,
            other_names: examined.pages.iter().flat_map(|page| page.other_names(key, &self.name)).collect(),
        };
        ask::about_unknown(&self.asking, &unknown).await.map_err(|because| self.refuse(flaw.clone(), because))?;
        let address = self.check_address(&examined.evidence).await?;
        self.unless_unwritable(self.record(address).await)?;
        Ok(HostVerified::new(self.presented, Word::User))
    }

    async fn record(&self, address: AddressIs) -> Result<(), TrustError> {
        let mut names = vec![self.name.clone()];
        if address == AddressIs::New {
            names.extend(self.lookup.address_as_known());
        }
        self.append(names).await
    }

    /// Turns a failure to write the file into a warning, as ssh does; any other error stays an error. Until the run ends
    /// the name has this key and no other.
    fn unless_unwritable(&self, recorded: Result<(), TrustError>) -> Result<(), TrustError> {
        let Err(TrustError::Record { file, .. }) = &recorded else { return recorded };
        match unrecorded::remember(file, &self.name, self.presented.key_data()) {
            Unrecorded::First => self.warn(recorded),
            Unrecorded::Same => {}
            Unrecorded::Other => return Err(self.changed(self.name.clone(), Vec::new())),
        }
        Ok(())
    }

    /// Whether a key may be recorded without asking. ssh always does so silently; a run without a terminal records only
    /// what the policy tells it to accept.
    fn may_write_unasked(&self) -> bool {
        matches!(self.lookup.policy, Policy::AcceptNew | Policy::Off) || self.asking.is_there()
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
