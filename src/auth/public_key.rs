//! How are keys offered? By the publickey method (RFC 4252 §7), the candidates of [`identity`](super::identity) one
//! after the other. Each is first offered without a signature, and signed with only if the server would accept it, so
//! nobody is asked for the passphrase of a key that is of no use.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use russh::client::{AuthResult, Handler};
use russh::keys::ssh_key::public::KeyData;
use russh::keys::ssh_key::{Algorithm, HashAlg, PublicKey};
use tokio::sync::Mutex;

use super::certificate;
use super::credential::{Credential, FileSigner};
use super::error::{AuthError, KeyProblem, UnusedKey};
use super::identity::{Candidate, Hands, IdentityFile, Offer, Others, Stock, Why, order};
use super::key_file::Secret;
use super::keyring::Opener;
use super::login::{LoginAttempt, ServerAnswer};
use super::russh_signer::{OfferError, RusshSigner};
use crate::agent::client::{AgentClient, AgentError, AgentKey};
use crate::agent::wire::SessionBind;
use crate::agent::{AgentRelay, AgentSigner, SignError, Signer};
use crate::config::Origin;
use crate::config::host::IdentityAgent;

impl<H: Handler> LoginAttempt<'_, H> {
    /// Whether the first key to offer is one that the user named, and can be offered without unlocking its file.
    pub(super) async fn begins_with_a_named_key(&mut self) -> bool {
        self.look_for_keys().await;
        let first = self.keys.waiting.as_ref().and_then(|waiting| waiting.last());
        first.is_some_and(|first| first.is_named() && first.offer != Offer::Sealed)
    }

    async fn look_for_keys(&mut self) {
        if self.keys.waiting.is_none() {
            let mut waiting = self.candidates().await;
            waiting.retain(|candidate| !self.keys.offered.contains(candidate));
            waiting.reverse();
            self.keys.waiting = Some(waiting);
        }
    }

    /// Offers the next key; `None` when there is none left.
    pub(super) async fn next_key(&mut self) -> Result<Option<ServerAnswer>, AuthError> {
        self.look_for_keys().await;
        while let Some(candidate) = self.keys.waiting.as_mut().and_then(Vec::pop) {
            if let Some(answer) = self.offer(candidate).await? {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    /// Offers a key that logged in here before.
    pub(super) async fn offer_again(&mut self, candidate: Candidate) -> Result<Option<ServerAnswer>, AuthError> {
        if let Hands::Agent { .. } = candidate.hands {
            self.ask_agent().await;
        }
        self.offer(candidate).await
    }

    /// The keys to offer, in order; named ones that cannot be used are noted.
    async fn candidates(&mut self) -> Vec<Candidate> {
        let mut files = Vec::new();
        for named in &self.host.identity_files {
            files.push(IdentityFile { file: self.keyring.look(&named.value).await, origin: named.origin.clone() });
        }
        let certificates = self.certificates().await;
        let agent = self.ask_agent().await;
        let others = if *self.host.identities_only { Others::KeptBack } else { Others::Offered };
        let order = order(&Stock { files: &files, certificates: &certificates, agent: &agent, others });
        for named in files {
            self.note_unusable(&named, &order);
        }
        order
    }

    async fn certificates(&mut self) -> Vec<(PathBuf, russh::keys::Certificate)> {
        let paths: Vec<_> = self.host.certificate_files.iter().map(|named| named.value.clone()).collect();
        let read = tokio::task::spawn_blocking(move || certificate::read_all(&paths)).await;
        let (certificates, others) = read.unwrap_or_default();
        for path in others {
            let problem = KeyProblem::Format { what: "not a certificate".into(), remedy: None };
            self.keys.cannot_use(path, problem);
        }
        certificates
    }

    /// Notes a file that cannot be used, unless it has one of the built-in names and its permissions are not the
    /// problem, or the agent holds its key.
    fn note_unusable(&mut self, named: &IdentityFile, order: &[Candidate]) {
        let Secret::Unusable(problem) = &named.file.private else { return };
        let silent = named.origin == Origin::Default && !matches!(problem, KeyProblem::TooOpen(_));
        let public = named.file.public.as_ref().map(PublicKey::key_data);
        let held = order.iter().any(|candidate| matches!(&candidate.offer, Offer::Key(key) if Some(key) == public));
        if !silent && !held {
            self.detail(&format!("not used: {}: {problem}", named.file.path.display()));
            self.keys.cannot_use(named.file.path.clone(), problem.clone());
        }
    }

    /// The agent's keys. Without an agent, or if it fails, there are none, and the login goes on.
    async fn ask_agent(&mut self) -> Vec<AgentKey> {
        let IdentityAgent::Socket(socket) = &self.host.identity_agent.value else { return Vec::new() };
        if self.keyring.is_mute(socket) {
            return Vec::new();
        }
        let asked = async {
            let mut agent = AgentClient::connect(socket).await?;
            if let Some(bind) = self.binding()
                && let Err(error) = agent.session_bind(bind).await
            {
                match error {
                    AgentError::Refused => self.detail("the agent does not know session-bind"),
                    broken => return Err(broken),
                }
            }
            let keys = agent.identities().await?;
            Ok::<_, AgentError>((agent, keys))
        };
        match asked.await {
            Ok((agent, keys)) => {
                self.keys.agent = Some(Arc::new(Mutex::new(agent)));
                keys
            }
            Err(error) => {
                self.detail(&format!("{}: {error}", socket.display()));
                if let AgentError::TimedOut(_) = error {
                    self.keyring.never_ask_again(socket);
                }
                Vec::new()
            }
        }
    }

    fn binding(&self) -> Option<SessionBind> {
        let binding = self.handle.agent_session_binding()?;
        Some(SessionBind {
            host_key: binding.host_key().to_vec(),
            session_id: binding.session_id().to_vec(),
            signature: binding.signature().to_vec(),
            is_forwarding: false,
        })
    }

    /// Offers one key; `None` if it could not be offered or not be signed with, so that the next one may be.
    async fn offer(&mut self, mut candidate: Candidate) -> Result<Option<ServerAnswer>, AuthError> {
        if candidate.offer == Offer::Sealed && !self.unseal(&mut candidate).await {
            return Ok(None);
        }
        if let Some(bits) = self.too_short(&candidate) {
            self.note_too_short(&candidate, bits);
            return Ok(None);
        }
        let Some(hash) = self.algorithm(&candidate).await? else {
            self.detail(&format!("not offered: {candidate}: its algorithm is not accepted"));
            return Ok(None);
        };
        self.detail(&format!("offering {candidate} ({})", candidate.why));
        let answer = self.show(&candidate, hash).await;
        self.tried.push(candidate.to_string());
        self.doubt(&candidate);
        self.keys.offered.push(candidate.clone());
        let answer = match answer {
            Some(Err(OfferError::Sign(error))) => {
                self.could_not_sign(&candidate, &error).await;
                return Ok(None);
            }
            Some(Err(OfferError::Session)) => return Err(self.disconnected()),
            Some(Ok(answer)) => self.answered(&candidate.to_string(), Some(Ok(answer)))?,
            None => self.answered(&candidate.to_string(), None)?,
        };
        self.needed_a_person |=
            candidate.wants_a_touch() && !matches!(answer, ServerAnswer::Failure { partial: false, .. });
        if matches!(answer, ServerAnswer::Success | ServerAnswer::Failure { partial: true, .. }) {
            self.add_to_agent(&candidate).await;
        }
        self.note(format!("publickey {candidate}"), &answer, Some(Opener::Key(Box::new(candidate))));
        Ok(Some(answer))
    }

    /// Keeps what speaks against a certificate; whether it is valid is up to the server.
    fn doubt(&mut self, candidate: &Candidate) {
        let (Offer::Certificate(shown), Why::Certificate(file)) = (&candidate.offer, &candidate.why) else { return };
        let is_beside = self.host.certificate_files.is_empty();
        let file = if is_beside { certificate::beside_key(file) } else { file.clone() };
        if let Some(problem) = certificate::flaw(shown, SystemTime::now(), Some(self.user())) {
            self.keys.doubtful.push(UnusedKey { file, problem });
        }
    }

    /// The length in bits of an RSA key that `RequiredRSASize` rules out.
    fn too_short(&self, candidate: &Candidate) -> Option<u32> {
        match candidate.key()? {
            KeyData::Rsa(key) => Some(key.key_size()).filter(|bits| *bits < *self.host.required_rsa_size),
            _ => None,
        }
    }

    fn note_too_short(&mut self, candidate: &Candidate, bits: u32) {
        let problem = KeyProblem::TooShort { bits, least: *self.host.required_rsa_size };
        self.detail(&format!("not offered: {candidate}: {problem}"));
        if let (Hands::File(path), false) = (&candidate.hands, matches!(candidate.why, Why::Named(Origin::Default))) {
            self.keys.cannot_use(path.clone(), problem);
        }
    }

    async fn unseal(&mut self, candidate: &mut Candidate) -> bool {
        let Hands::File(path) = candidate.hands.clone() else { return false };
        match self.keyring.unlock(&path, self.passphrase_prompts()).await {
            Ok(key) => {
                candidate.offer = Offer::Key(key.public_key().key_data().clone());
                true
            }
            Err(problem) => {
                self.detail(&format!("not used: {}: {problem}", path.display()));
                self.keys.cannot_use(path, problem);
                false
            }
        }
    }

    fn passphrase_prompts(&self) -> u32 {
        if self.may_ask() { *self.host.number_of_password_prompts } else { 0 }
    }

    async fn could_not_sign(&mut self, candidate: &Candidate, error: &SignError) {
        self.detail(&format!("not signed with {candidate}: {error}"));
        if let Hands::File(path) = &candidate.hands
            && let Err(problem) = self.keyring.unlock(path, 0).await
        {
            self.tried.pop();
            self.keys.cannot_use(path.clone(), problem);
        }
    }

    /// The hash to sign with (`None` for all but RSA); the outer `None` if configuration and server share no algorithm.
    async fn algorithm(&mut self, candidate: &Candidate) -> Result<Option<Option<HashAlg>>, AuthError> {
        let host = self.host;
        let listed = host.pubkey_accepted_algorithms.as_ref().map(|list| list.value.as_slice());
        match candidate.algorithm() {
            Some(Algorithm::Rsa { .. }) => {
                let server = self.rsa_hash().await?;
                let name = |hash| candidate.algorithm_name(Algorithm::Rsa { hash });
                Ok(rsa_hash(server, |hash| listed.map(|listed| listed.contains(&name(hash)))))
            }
            Some(Algorithm::Dsa) | None => Ok(None),
            Some(other) => {
                let name = candidate.algorithm_name(other);
                Ok(listed.is_none_or(|listed| listed.contains(&name)).then_some(None))
            }
        }
    }

    async fn rsa_hash(&mut self) -> Result<Option<Option<HashAlg>>, AuthError> {
        if let Some(hash) = self.keys.rsa {
            return Ok(hash);
        }
        let hash = match self.answer_timeout.wait(self.handle.best_supported_rsa_hash()).await {
            Some(Ok(hash)) => hash,
            Some(Err(_)) => return Err(self.disconnected()),
            None => return Err(self.late("the question for RSA signatures")),
        };
        self.keys.rsa = Some(hash);
        Ok(hash)
    }

    /// Offers the key and signs if the server would accept it; `None` if the server did not answer in time.
    async fn show(&mut self, candidate: &Candidate, hash: Option<HashAlg>) -> Option<Result<AuthResult, OfferError>> {
        let signer = self.signer(candidate);
        let touch = candidate.wants_a_touch().then(|| self.host.alias.clone());
        let mut russh_signer = RusshSigner {
            signer,
            answer_timeout: self.answer_timeout.clone(),
            touch,
            keyring: self.keyring.clone(),
            hash,
        };
        let user = self.user();
        match &candidate.offer {
            Offer::Key(key) => {
                let key = PublicKey::new(key.clone(), "");
                self.answer_timeout
                    .wait(self.handle.authenticate_publickey_with(user, key, hash, &mut russh_signer))
                    .await
            }
            Offer::Certificate(certificate) => {
                let certificate = (**certificate).clone();
                self.answer_timeout
                    .wait(self.handle.authenticate_certificate_with(user, certificate, hash, &mut russh_signer))
                    .await
            }
            Offer::Sealed => Some(Err(OfferError::Session)),
        }
    }

    /// The key that was accepted, for another login here by other means.
    pub(super) fn credential(&self, candidate: &Candidate) -> Option<Credential> {
        let blob = match &candidate.offer {
            Offer::Key(key) => PublicKey::new(key.clone(), "").to_bytes().ok()?,
            Offer::Certificate(certificate) => certificate.to_bytes().ok()?,
            Offer::Sealed => return None,
        };
        let signer: Arc<dyn Signer> = match (&candidate.hands, &self.host.identity_agent.value) {
            (Hands::Agent { blob, .. }, IdentityAgent::Socket(socket)) => {
                Arc::new(AgentRelay::new(socket.clone(), blob.clone()))
            }
            (Hands::Agent { .. }, IdentityAgent::None) => return None,
            (Hands::File(_), _) => self.signer(candidate)?,
        };
        Some(Credential { blob, name: candidate.to_string(), signer })
    }

    fn signer(&self, candidate: &Candidate) -> Option<Arc<dyn Signer>> {
        match &candidate.hands {
            Hands::Agent { blob, .. } => {
                let agent = self.keys.agent.clone()?;
                Some(Arc::new(AgentSigner::new(agent, blob.clone())))
            }
            Hands::File(path) => Some(Arc::new(FileSigner {
                keyring: self.keyring.clone(),
                path: path.clone(),
                prompts: self.passphrase_prompts(),
                shown: candidate.key()?.clone(),
            })),
        }
    }
}

/// The hash for an RSA signature. `server` is the best of its `server-sig-algs` (RFC 8308), `None` if it sent none;
/// `listed` says whether PubkeyAcceptedAlgorithms has a hash, `None` if the user set no list.
///
/// SHA-1 is used only if the user lists `ssh-rsa`, or the server announces nothing else. For one that announces nothing,
/// it is SHA-256 otherwise: ssh would not even offer the key, but there are servers that support RFC 8332 and not RFC 8308.
fn rsa_hash(
    server: Option<Option<HashAlg>>,
    listed: impl Fn(Option<HashAlg>) -> Option<bool>,
) -> Option<Option<HashAlg>> {
    let (sha512, sha256, sha1) = (Some(HashAlg::Sha512), Some(HashAlg::Sha256), None);
    let order = match server {
        Some(Some(HashAlg::Sha512)) => vec![sha512, sha256, sha1],
        Some(Some(_)) => vec![sha256, sha1],
        Some(None) => vec![sha1],
        None => vec![sha1, sha256, sha512],
    };
    order.into_iter().find(|hash| listed(*hash).unwrap_or(hash.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rsa_never_falls_to_sha1_unasked() {
        let (sha512, sha256) = (Some(HashAlg::Sha512), Some(HashAlg::Sha256));
        let unset = |_| None;
        assert_eq!(rsa_hash(Some(sha512), unset), Some(sha512));
        assert_eq!(rsa_hash(Some(sha256), unset), Some(sha256));
        assert_eq!(rsa_hash(Some(None), unset), None, "the server takes SHA-1 only");
        assert_eq!(rsa_hash(None, unset), Some(sha256), "the server says nothing");
        assert_eq!(rsa_hash(Some(sha512), |hash| Some(hash == sha256)), Some(sha256), "the user lists one hash");
        assert_eq!(rsa_hash(Some(sha512), |hash| Some(hash.is_none())), Some(None), "the user lists ssh-rsa only");
        assert_eq!(rsa_hash(None, |_| Some(true)), Some(None), "the user lists ssh-rsa, the server is old");
    }
}
