//! Who signs in a login? [`RusshSigner`] passes russh's request to the signer that holds the key.

use std::sync::Arc;

use russh::keys::agent::AgentIdentity;
use russh::keys::ssh_key::HashAlg;

use super::answer_timeout::AnswerTimeout;
use super::keyring::Keyring;
use crate::agent::wire::put_string;
use crate::agent::{SignError, Signer};
use crate::progress::Event;

/// Why offering a key led to no answer.
pub(super) enum OfferError {
    Sign(SignError),
    Session,
}

impl From<russh::SendError> for OfferError {
    fn from(_: russh::SendError) -> OfferError {
        OfferError::Session
    }
}

/// A signer for russh, which wants the signature appended to the data it asks to have signed.
pub(super) struct RusshSigner {
    pub(super) signer: Option<Arc<dyn Signer>>,
    pub(super) answer_timeout: AnswerTimeout,
    pub(super) keyring: Keyring,
    pub(super) hash: Option<HashAlg>,
    /// The host to name when a security key must be touched.
    pub(super) touch: Option<String>,
}

impl russh::Signer for RusshSigner {
    type Error = OfferError;

    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        _: Option<HashAlg>,
        mut to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, OfferError> {
        let gone = || OfferError::Sign(SignError::Unavailable("the agent is gone".into()));
        let signer = self.signer.as_ref().ok_or_else(gone)?;
        if let Some(alias) = &self.touch {
            self.keyring.tell(Event::Warning(format!("{alias}: touch the security key to log in")));
        }
        let signed = self.answer_timeout.elsewhere(signer.sign(&to_sign, self.hash)).await;
        let signature = signed.map_err(OfferError::Sign)?;
        put_string(&mut to_sign, &signature);
        Ok(to_sign)
    }
}
