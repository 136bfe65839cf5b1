//! Who are you? A host key is compared with what is known, and the outcome is a proof: [`HostVerified`]. Only
//! [`verify()`] makes one.
//!
//! ```text
//!   known_hosts.rs  what the files say of a name     hashed.rs, pattern.rs  which lines name it
//!   command.rs      what KnownHostsCommand says      certificate.rs         whether a host certificate holds
//!   policy.rs       the verdict (pure)               ask.rs                 the question to a person
//!   address.rs      whether the address agrees
//!   record.rs       an accepted key is remembered    update.rs              keys a server gained and lost
//!   revoked.rs      what RevokedHostKeys holds        krl.rs                 a key revocation list
//!   forget.rs       keys a person believes no more
//! ```
//!
//! The model is OpenSSH 9.2, and hop is never laxer: it refuses a changed or revoked key whatever
//! `StrictHostKeyChecking` says, a file it cannot read, a `KnownHostsCommand` that fails, and an `accept-new` it cannot
//! record. DNS (`VerifyHostKeyDNS`) never makes a key trusted.

mod address;
mod algorithms;
mod ask;
mod certificate;
mod command;
mod error;
mod forget;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod hashed;
#[cfg(test)]
mod keys;
mod known_hosts;
mod krl;
mod lookup;
mod pattern;
mod policy;
mod record;
mod revoked;
mod update;
mod verify;

use russh::keys::ssh_key::public::KeyData;
use russh::keys::ssh_key::{Certificate, PublicKey};

pub use algorithms::{KnownAlgorithms, known_algorithms};
pub use command::KnownHostsCommand;
pub use error::{KnownAt, NotAccepted, Revoker, TrustError};
pub use forget::forget;
pub use lookup::{Lookup, Name};
pub use policy::Policy;
pub use record::Naming;
pub use update::{Consent, KeyUpdate, plan_update};
pub use verify::{HostVerified, verify};

/// What a server shows in the key exchange (RFC 4253 §8): a key, or a certificate on one (`PROTOCOL.certkeys`). That it
/// holds the private half is the key exchange's business.
#[derive(Debug, Clone)]
pub enum Presented {
    /// A plain key.
    Key(PublicKey),
    /// A host certificate.
    Certificate(Box<Certificate>),
}

impl Presented {
    /// The key, out of its certificate if need be.
    fn key_data(&self) -> &KeyData {
        match self {
            Presented::Key(key) => key.key_data(),
            Presented::Certificate(certificate) => certificate.public_key(),
        }
    }
}
