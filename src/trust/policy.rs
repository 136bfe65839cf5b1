//! Given what is known, who is this? Pure: lines in, verdict out. The order is OpenSSH's `check_host_key`: revoked keys
//! first, then the certificate by its authority, then the key itself; a certificate that does not serve is put aside and
//! its key judged as if it had come alone.
//!
//! Where hop refuses and ssh would go on: a changed or revoked key under `StrictHostKeyChecking no`, and a key revoked
//! on the bare name's line when another port is meant.

use russh::keys::ssh_key::public::KeyData;

use super::certificate::{self, Flaw};
use super::error::KnownAt;
use super::known_hosts::{Known, KnownSource, Marker};
use super::presented::Presented;

/// `StrictHostKeyChecking`: what to do about a key that is not known. A changed or revoked one is always refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// `yes`: refuse.
    Strict,
    /// `ask`: a person decides.
    Ask,
    /// `accept-new`: accept and record.
    AcceptNew,
    /// `no`, `off`: as `accept-new`, and go on when it cannot be recorded.
    Off,
}

/// The keys known for a host, in the order of the files.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    /// For the name looked up (`[host]:port` off port 22).
    pub(super) exact: Vec<Known>,
    /// For the bare name, where `exact` has a port in it: it serves when `exact` knows no key.
    pub(super) bare: Vec<Known>,
    /// For the address, under `CheckHostIP`; `None` when it is not asked.
    pub(super) address: Option<Vec<Known>>,
}

/// Who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyVerdict {
    /// The host, and on whose word.
    Known(VouchedBy),
    /// Nobody known. A certificate of a trusted authority may have been put aside for its flaw.
    New(Option<Flaw>),
    /// Somebody else than the keys at these lines.
    Changed(Vec<KnownAt>),
    /// The bearer of a key that this line revokes.
    Revoked(KnownAt),
}

/// What speaks for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VouchedBy {
    /// A line for this very name, of such a source.
    Line(KnownSource),
    /// A line for the bare name.
    BareLine,
    /// The authority that signed its certificate.
    Authority,
}

/// What a certificate is measured against.
pub(super) struct CertificateCheck<'a> {
    /// The host, without its port.
    pub(super) host: &'a str,
    /// In seconds since 1970.
    pub(super) now: u64,
    /// `CASignatureAlgorithms`, where the user set a list.
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
            // another port may well be another machine
            KeyComparison::Different(_) | KeyComparison::Nothing => KeyVerdict::New(flaw),
        },
    }
}

/// What the lines for the address say (`CheckHostIP`).
pub(super) enum AddressVerdict {
    /// Nothing is asked, or it agrees; `Some` says whose line it is.
    Agrees(Option<KnownSource>),
    /// It is not known: to be recorded beside the name.
    Unknown,
    /// It belongs to other keys.
    Differs(Vec<KnownAt>),
}

/// Judges the key for the address. Certificates are never checked against one.
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
