//! Who is a login lent for, and where does it lead? [`Pin`]: the facts from hop's own, verified login at the
//! destination.

use std::time::Duration;

use russh::keys::Algorithm;

use super::client_config::Address;
use super::ephemeral::admitted::{self, Admitted};
use super::error::LendError;
use super::openssh_version::OpenSshVersion;
use super::remote::remote_dir::SourceFacts;
use super::request::{Auth, LoanRequest, Weakest};
use super::tier::{SourceClient, Tier, choose};
use crate::auth::Credential;
use crate::chain::Session;
use crate::trust::HostVerified;

/// The facts from that login.
pub(super) struct Pin {
    pub(super) destination: String,
    pub(super) user: String,
    pub(super) credential: Credential,
    /// The public key as text for authorized_keys, if the credential was made for this loan.
    public: Option<String>,
    /// The host key in wire form.
    pub(super) host_key: Vec<u8>,
    /// The host key as written in known_hosts, without the name.
    pub(super) line: String,
    pub(super) key_type: String,
    pub(super) fingerprint: String,
    server: Option<OpenSshVersion>,
}

impl Pin {
    /// Pins the login `there`, for a login from `here`.
    pub(super) async fn of(there: &Session, here: &Session, auth: Auth) -> Result<Pin, LendError> {
        let destination = there.trail().end().to_owned();
        let (credential, public) = credential(there, auth).await?;
        let verified = there.host_verified();
        unlike_the_others(&destination, verified, there, here)?;
        let algorithm = verified.algorithm();
        let line = verified.key().to_openssh().ok();
        let (Algorithm::Ed25519 | Algorithm::Ecdsa { .. } | Algorithm::Rsa { .. }, Some(line), Ok(host_key)) =
            (&algorithm, line, verified.key().to_bytes())
        else {
            return Err(LendError::HostKeyType { destination, algorithm: algorithm.to_string() });
        };
        Ok(Pin {
            destination,
            user: there.login().user().to_owned(),
            credential,
            public,
            host_key,
            key_type: line.split(' ').next().unwrap_or_default().to_owned(),
            line: line.trim_end().to_owned(),
            fingerprint: verified.fingerprint(),
            server: OpenSshVersion::find(there.server_version()),
        })
    }

    /// Has the key admitted, if it was made for this loan.
    pub(super) async fn admitted(
        &self,
        there: &Session,
        here: &Session,
        address: &Address,
        patience: Duration,
    ) -> Result<Option<Admitted>, LendError> {
        match &self.public {
            Some(public) => Ok(Some(admitted::admit(there, here, address, public, patience).await?)),
            None => Ok(None),
        }
    }

    /// The strictest proof that both hosts can give.
    pub(super) fn tier(&self, facts: &SourceFacts, here: &Session, request: &LoanRequest) -> Result<Tier, LendError> {
        let client =
            SourceClient { version: OpenSshVersion::find(&facts.client), can_be_overheard: !facts.relay.is_empty() };
        let source_host = here.trail().end().to_owned();
        let found = choose(client, self.server);
        // a key for one login at one host needs no proof of which host it is
        let found = found.or(client.version.and(self.public.as_ref()).map(|_| Tier::D));
        match found {
            None => Err(LendError::NoProof { source_host, client: client.version }),
            Some(tier) if tier != Tier::A && request.weakest == Weakest::Hostbound => Err(LendError::NotHostbound {
                tier,
                source_host,
                client: client.version,
                destination: self.destination.clone(),
                server: self.server,
            }),
            Some(tier) => Ok(tier),
        }
    }
}

/// The credential for the login, and the public half of a key that was made for it.
async fn credential(there: &Session, auth: Auth) -> Result<(Credential, Option<String>), LendError> {
    let destination = || there.trail().end().to_owned();
    match (auth, there.login().credential()) {
        (Auth::Ephemeral, _) => {
            let made = admitted::credential().map(|(credential, public)| (credential, Some(public)));
            let problem = "no random bytes here".to_owned();
            made.ok_or_else(|| LendError::NotAdmitted { destination: destination(), problem })
        }
        (Auth::Agent, None) => Err(LendError::NotByKey { destination: destination(), method: there.login().method() }),
        (Auth::Agent, Some(credential)) if credential.signer.is_for_certain_hosts().await => {
            Err(LendError::Constrained { destination: destination(), key: credential.name.clone() })
        }
        (Auth::Agent, Some(credential)) => Ok((credential.clone(), None)),
    }
}

/// Checks that no other host on either way has the destination's host key. The way to the source may pass through the
/// destination itself.
fn unlike_the_others(
    destination: &str,
    verified: &HostVerified,
    there: &Session,
    here: &Session,
) -> Result<(), LendError> {
    let (before, source) = (there.passed(), here.passed());
    let on_the_way = source.iter().skip(1).filter(|(passed, _)| *passed != destination);
    let mut others = before.iter().skip(1).chain(source.first()).chain(on_the_way);
    match others.find(|(_, other)| other.key().key_data() == verified.key().key_data()) {
        None => Ok(()),
        Some((other, _)) => Err(LendError::SameKey {
            destination: destination.to_owned(),
            other: (*other).to_owned(),
            fingerprint: verified.fingerprint(),
        }),
    }
}
