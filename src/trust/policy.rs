//! Given what is known, who is this? Pure: lines in, verdict out. The order is that of OpenSSH's `check_host_key`:
//! revoked keys first, then the certificate by its authority, then the key itself. A certificate that does not prove
//! the host is set aside, and its key is judged as if it had come without one.
//!
//! hop refuses where ssh would go on in two cases: a changed or revoked key under `StrictHostKeyChecking no`, and a key
//! that is revoked on the line of the bare name when the port is not 22.

use russh::keys::ssh_key::public::KeyData;

use super::certificate::{self, Flaw};
use super::error::KnownAt;
use super::known_hosts::{Known, KnownSource, Marker};
use super::presented::Presented;

/// `StrictHostKeyChecking`: what to do about an unknown key. A changed or revoked one is always refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// `yes`: refuse.
    Strict,
    /// `ask`: a person decides.
    Ask,
    /// `accept-new`: accept and record.
    AcceptNew,
    /// `no`, `off`: like `accept-new`, but go on if the key cannot be recorded.
    Off,
}

/// The keys known for a host, in the order of the files.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    /// The keys for the name looked up (`[host]:port` for a port other than 22).
    pub(super) exact: Vec<Known>,
    /// The keys for the bare name if `exact` has a port; they count only if `exact` has no key.
    pub(super) bare: Vec<Known>,
    /// The keys for the address under `CheckHostIP`; `None` if the address is not looked up.
    pub(super) address: Option<Vec<Known>>,
}

/// The verdict on a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyVerdict {
    /// The host's key, and what vouches for it.
    Known(VouchedBy),
    /// An unknown key. The flaw is that of a certificate of a trusted authority that was set aside.
    New(Option<Flaw>),
    /// Not the host's key: these lines hold other ones.
    Changed(Vec<KnownAt>),
    /// A key that this line revokes.
    Revoked(KnownAt),
}

/// What vouches for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VouchedBy {
    /// A line for exactly this name, and where it comes from.
    Line(KnownSource),
    /// A line for the bare name.
    BareLine,
    /// The authority that signed its certificate.
    Authority,
}

/// What a certificate is checked against.
pub(super) struct CertificateCheck<'a> {
    /// The host, without its port.
    pub(super) host: &'a str,
    /// The time in seconds since 1970.
    pub(super) now: u64,
    /// `CASignatureAlgorithms`, if the user set a list.
    pub(super) signatures: Option<&'a [String]>,
}

/// Judges `presented`.
pub(super) fn judge(evidence: &Evidence, presented: &Presented, measure: &CertificateCheck<'_>) -> KeyVerdict {
    let everywhere = evidence.exact.iter().chain(&evidence.bare).chain(evidence.address.iter().flatten());
    if let Some(at) = revoked(everywhere, presented) {
        return KeyVerdict::Revoked(at);
    }
    let mut flaw = None;
    if let Presented::Certificate(certificate) = presented {
        let signer = certificate.signature_key();
        if evidence.exact.iter().chain(&evidence.bare).any(|k| k.marker == Marker::Authority && k.key == *signer) {
            let held = certificate::check(certificate, measure.host, measure.now);
            match held.and_then(|()| certificate::is_signed_as(certificate, measure.signatures)) {
                Ok(()) => return KeyVerdict::Known(VouchedBy::Authority),
                Err(found) => flaw = Some(found),
            }
        }
    }
    match compare(&evidence.exact, presented.key_data()) {
        KeyComparison::Same(source) => KeyVerdict::Known(VouchedBy::Line(source)),
        KeyComparison::Different(known) => KeyVerdict::Changed(known),
        KeyComparison::Nothing => match compare(&evidence.bare, presented.key_data()) {
            KeyComparison::Same(_) => KeyVerdict::Known(VouchedBy::BareLine),
            // another port may be another machine
            KeyComparison::Different(_) | KeyComparison::Nothing => KeyVerdict::New(flaw),
        },
    }
}

/// The verdict of the lines for the address (`CheckHostIP`).
pub(super) enum AddressVerdict {
    /// The address is not looked up, or has this key; `Some` says where that line comes from.
    Agrees(Option<KnownSource>),
    /// No key is known for the address: it is to be recorded along with the name.
    Unknown,
    /// Other keys are known for the address.
    Differs(Vec<KnownAt>),
}

/// Judges the key for the address. Certificates are never checked against an address.
pub(super) fn judge_address(evidence: &Evidence, presented: &Presented) -> AddressVerdict {
    let (Some(known), Presented::Key(key)) = (&evidence.address, presented) else {
        return AddressVerdict::Agrees(None);
    };
    match compare(known, key.key_data()) {
        KeyComparison::Same(source) => AddressVerdict::Agrees(Some(source)),
        KeyComparison::Different(at) => AddressVerdict::Differs(at),
        KeyComparison::Nothing => AddressVerdict::Unknown,
    }
}

fn revoked<'a>(mut known: impl Iterator<Item = &'a Known>, presented: &Presented) -> Option<KnownAt> {
    let signer = match presented {
        Presented::Certificate(certificate) => Some(certificate.signature_key()),
        Presented::Key(_) => None,
    };
    let is_presented = |key: &KeyData| bare(key) == presented.key_data() || Some(bare(key)) == signer;
    known.find(|k| k.marker == Marker::Revoked && is_presented(&k.key)).map(|k| k.at.clone())
}

/// The key inside a certificate; any other key itself.
fn bare(key: &KeyData) -> &KeyData {
    match key {
        KeyData::Certificate(certificate) => certificate.public_key(),
        key => key,
    }
}

enum KeyComparison {
    Same(KnownSource),
    Different(Vec<KnownAt>),
    Nothing,
}

fn compare(known: &[Known], key: &KeyData) -> KeyComparison {
    let plain = || known.iter().filter(|k| k.marker == Marker::None);
    if let Some(same) = plain().find(|k| k.key == *key) {
        return KeyComparison::Same(same.source);
    }
    let different: Vec<_> = plain().map(|k| k.at.clone()).collect();
    if different.is_empty() { KeyComparison::Nothing } else { KeyComparison::Different(different) }
}
