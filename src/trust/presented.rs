//! What did the server present? A host key, or a certificate for one.
//!
//! Main type: [`Presented`].

use russh::keys::ssh_key::public::KeyData;
use russh::keys::ssh_key::{Certificate, PublicKey};

/// What a server presents in the key exchange (RFC 4253 §8): a key, or a certificate for one (`PROTOCOL.certkeys`). The
/// key exchange itself proves that the server holds the private key.
#[derive(Debug, Clone)]
pub enum Presented {
    /// A plain key.
    Key(PublicKey),
    /// A host certificate.
    Certificate(Box<Certificate>),
}

impl Presented {
    /// The key, taken out of its certificate if it came in one.
    pub(super) fn key_data(&self) -> &KeyData {
        match self {
            Presented::Key(key) => key.key_data(),
            Presented::Certificate(certificate) => certificate.public_key(),
        }
    }
}
