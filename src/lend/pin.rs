//! Whom is a login lent for, and where does it lead? [`Pin`]: what hop's own, verified login at the destination has shown.

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

/// What that login has shown.
pub(super) struct Pin {
    pub(super) destination: String,
    pub(super) user: String,
    pub(super) credential: Credential,
    /// The line for authorized_keys, where the credential is a key made for it.
    public: Option<String>,
    /// As it goes over the wire.
    pub(super) host_key: Vec<u8>,
    /// As it stands in known_hosts, without the name.
    pub(super) line: String,
    pub(super) key_type: String,
    pub(super) fingerprint: String,
    server: Option<OpenSshVersion>,
}

impl Pin {
    /// Of the login `there`, for a login from `here`.
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

    /// Has the key let in, where it was made for this.
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

    /// The strictest proof that both can give.
    pub(super) fn tier(&self, facts: &SourceFacts, here: &Session, request: &LoanRequest) -> Result<Tier, LendError> {
        let client =
            SourceClient { version: OpenSshVersion::find(&facts.client), can_be_overheard: !facts.relay.is_empty() };
        let source_host = here.trail().end().to_owned();
        let found = choose(client, self.server);
        // a key that opens one door for one login needs no proof which door it is
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

/// What the login is made with, and the public half of a key that was made for it.
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

/// The destination's key is nobody else's on both ways. The destination itself may be passed on the way to the source.
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
