//! What did the server show? A host key, or a certificate on one.
//!
//! Main type: [`Presented`].

use russh::keys::ssh_key::public::KeyData;
use russh::keys::ssh_key::{Certificate, PublicKey};

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
    pub(super) fn key_data(&self) -> &KeyData {
        match self {
            Presented::Key(key) => key.key_data(),
            Presented::Certificate(certificate) => certificate.public_key(),
        }
    }
}
