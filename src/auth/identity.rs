//! Which keys are offered, in which order, and why? Main type: [`Candidate`]; main function: [`order`], pure.
//!
//! The order is ssh's (`sshconnect2.c`, `pubkey_prepare`): certificates, agent keys that an IdentityFile names, other
//! agent keys, key files. There is one difference: key files that the user named come before agent keys that nobody
//! named, so that a full agent does not use up the attempts a server allows (`MaxAuthTries`).

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use russh::keys::ssh_key::public::KeyData;
use russh::keys::ssh_key::{Algorithm, Certificate, HashAlg};

use super::certificate::is_for_users;
use super::key_file::{KeyFile, Secret};
use crate::agent::client::AgentKey;
use crate::config::Origin;

/// A key to offer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub offer: Offer,
    pub hands: Hands,
    pub why: Why,
}

/// What is offered to the server.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Offer {
    Key(KeyData),
    Certificate(Box<Certificate>),
    /// A key file whose public key is unknown until it is unlocked.
    Sealed,
}

/// What signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hands {
    Agent { blob: Vec<u8>, comment: String },
    File(PathBuf),
}

/// Why the key is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// It is a certificate for a key that is available.
    Certificate(PathBuf),
    /// `IdentityFile` or `-i` names it, and the agent holds it.
    NamedInAgent(PathBuf, Origin),
    /// `IdentityFile` or `-i` names it.
    Named(Origin),
    /// The agent holds it.
    InAgent,
}

/// An identity file and where its name came from.
pub(super) struct IdentityFile {
    pub file: Arc<KeyFile>,
    pub origin: Origin,
}

/// Whether agent keys that no IdentityFile names are offered too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    Offered,
    /// `IdentitiesOnly yes`.
    KeptBack,
}

/// Everything that could be offered to one host.
pub(super) struct Stock<'a> {
    pub files: &'a [IdentityFile],
    /// From `CertificateFile`; `FILE-cert.pub` counts only if there are none.
    pub certificates: &'a [(PathBuf, Certificate)],
    pub agent: &'a [AgentKey],
    pub others: Others,
}

/// The keys to offer, in order and without duplicates.
pub(super) fn order(stock: &Stock) -> Vec<Candidate> {
    let named = stock.files.iter().filter(|named| !named.is_default());
    let all = certificates(stock)
        .chain(named_in_agent(stock))
        .chain(named.filter(|named| named.file.public.is_some()).filter_map(from_file))
        .chain(others(stock))
        .chain(stock.files.iter().filter_map(from_file));
    let mut order: Vec<Candidate> = Vec::new();
    for candidate in all {
        if !order.iter().any(|earlier| earlier.is_same(&candidate)) {
            order.push(candidate);
        }
    }
    order
}

fn certificates<'a>(stock: &'a Stock) -> impl Iterator<Item = Candidate> + 'a {
    let listed = stock.certificates.iter().map(|(path, certificate)| (path, certificate));
    let beside = stock.files.iter().filter(|_| stock.certificates.is_empty());
    let beside = beside.filter_map(|named| Some((&named.file.path, named.file.certificate.as_ref()?)));
    listed.chain(beside).filter(|(_, certificate)| is_for_users(certificate)).filter_map(|(path, certificate)| {
        Some(Candidate {
            offer: Offer::Certificate(Box::new(certificate.clone())),
            hands: hands_for(stock, certificate)?,
            why: Why::Certificate(path.clone()),
        })
    })
}

/// What holds the private half of a certificate: the agent, a file with that key, or the locked file beside it.
fn hands_for(stock: &Stock, certificate: &Certificate) -> Option<Hands> {
    if let Some(key) = stock.agent.iter().find(|key| key.key == *certificate.public_key()) {
        return Some(in_agent(key));
    }
    let holds = |named: &&IdentityFile| match &named.file.public {
        Some(public) => public.key_data() == certificate.public_key(),
        None => named.file.certificate.as_ref() == Some(certificate),
    };
    let file = stock.files.iter().filter(|named| named.is_usable()).find(holds)?;
    Some(Hands::File(file.file.path.clone()))
}

fn named_in_agent<'a>(stock: &'a Stock) -> impl Iterator<Item = Candidate> + 'a {
    stock.agent.iter().filter_map(|key| {
        let named = stock.files.iter().find(|named| named.names(&key.key))?;
        Some(from_agent(key, Why::NamedInAgent(named.file.path.clone(), named.origin.clone())))
    })
}

fn others<'a>(stock: &'a Stock) -> impl Iterator<Item = Candidate> + 'a {
    stock.agent.iter().filter(|_| stock.others == Others::Offered).map(|key| from_agent(key, Why::InAgent))
}

fn from_agent(key: &AgentKey, why: Why) -> Candidate {
    let offer = match key.key.certificate() {
        Some(certificate) => Offer::Certificate(Box::new(certificate.clone())),
        None => Offer::Key(key.key.clone()),
    };
    Candidate { offer, hands: in_agent(key), why }
}

fn in_agent(key: &AgentKey) -> Hands {
    Hands::Agent { blob: key.blob.clone(), comment: key.comment.clone() }
}

fn from_file(named: &IdentityFile) -> Option<Candidate> {
    let offer = match &named.file.public {
        _ if !named.is_usable() => return None,
        Some(public) => Offer::Key(public.key_data().clone()),
        None => Offer::Sealed,
    };
    Some(Candidate { offer, hands: Hands::File(named.file.path.clone()), why: Why::Named(named.origin.clone()) })
}

impl IdentityFile {
    fn is_default(&self) -> bool {
        self.origin == Origin::Default
    }

    fn is_usable(&self) -> bool {
        !matches!(self.file.private, Secret::Unusable(_))
    }

    /// Whether `key` is this file's key or its certificate.
    fn names(&self, key: &KeyData) -> bool {
        let public = self.file.public.as_ref().is_some_and(|public| public.key_data() == key);
        let certificate = self.file.certificate.as_ref();
        public || key.certificate().is_some_and(|held| certificate.is_some_and(|named| named == held))
    }
}

impl Candidate {
    fn is_same(&self, other: &Candidate) -> bool {
        match (&self.offer, &other.offer) {
            (Offer::Sealed, Offer::Sealed) => self.hands == other.hands,
            (mine, theirs) => mine == theirs,
        }
    }

    /// Whether the user named the key, by `IdentityFile` or `-i`.
    pub fn is_named(&self) -> bool {
        match &self.why {
            Why::NamedInAgent(_, origin) | Why::Named(origin) => *origin != Origin::Default,
            Why::Certificate(_) | Why::InAgent => false,
        }
    }

    /// The algorithm of the key, whatever the hash (RFC 8332); `None` while the file is locked.
    pub fn algorithm(&self) -> Option<Algorithm> {
        match &self.offer {
            Offer::Key(key) => Some(key.algorithm()),
            Offer::Certificate(certificate) => Some(certificate.algorithm()),
            Offer::Sealed => None,
        }
    }

    /// The plain key of the offer; `None` while the file is locked.
    pub fn key(&self) -> Option<&KeyData> {
        match &self.offer {
            Offer::Key(key) => Some(key),
            Offer::Certificate(certificate) => Some(certificate.public_key()),
            Offer::Sealed => None,
        }
    }

    /// The name of `algorithm` in a request for this offer.
    pub fn algorithm_name(&self, algorithm: Algorithm) -> String {
        match &self.offer {
            Offer::Certificate(_) => algorithm.to_certificate_type(),
            _ => algorithm.as_str().to_owned(),
        }
    }

    /// Whether it is the key of a security key (`sk-…`), which signs only when touched.
    pub fn wants_a_touch(&self) -> bool {
        matches!(self.algorithm(), Some(Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256))
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.hands, &self.why) {
            (_, Why::Certificate(path)) => write!(f, "certificate {}", path.display()),
            (Hands::File(path), _) => write!(f, "{}", path.display()),
            (Hands::Agent { .. }, Why::NamedInAgent(path, _)) => write!(f, "agent: {}", path.display()),
            (Hands::Agent { comment, .. }, _) if !comment.is_empty() => write!(f, "agent: {comment}"),
            (Hands::Agent { .. }, _) => match &self.offer {
                Offer::Key(key) => write!(f, "agent: {}", key.fingerprint(HashAlg::Sha256)),
                _ => f.write_str("agent: a certificate"),
            },
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Certificate(_) => f.write_str("a certificate for a key at hand"),
            Why::NamedInAgent(_, origin) => write!(f, "named by {origin}, held by the agent"),
            Why::Named(origin) => write!(f, "named by {origin}"),
            Why::InAgent => f.write_str("held by the agent"),
        }
    }
}
