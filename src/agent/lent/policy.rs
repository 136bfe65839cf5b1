//! What may a lent agent sign? Main type: [`SigningPolicy`], which turns each message into a [`Verdict`]; it has no
//! socket and no key.
//!
//! It promises to allow at most the granted number of signatures, each for a login as the stated user with the one key,
//! in a session that a pinned host key has signed, and never twice for the same session. Everything else is refused, by
//! name.

use russh::keys::ssh_key::HashAlg;

use super::account::{Account, Refusal};
use super::host_key::{SESSION_IDS, proves};
use super::userauth::{UserAuth, terms_of_signature};
use crate::agent::wire::{Request, SessionBind, SignRequest, WireError};

const SERVICE: &[u8] = b"ssh-connection";
/// The most overheard key exchanges that are kept: one for each login, and a few that were broken off.
const MOST_OVERHEARD: usize = 16;

/// The terms of a loan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoanTerms {
    /// The user who may log in.
    pub user: String,
    /// The key, or its certificate, in wire form.
    pub key: Vec<u8>,
    /// The destination's host keys, in wire form.
    pub host_keys: Vec<Vec<u8>>,
    /// The proof required that a session is with the destination.
    pub proof: Proof,
}

/// What proves that a session is with the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A session-bind, and the host key within the signed login: the signature can only be used at the destination.
    Hostbound,
    /// A session-bind.
    Bound,
    /// The destination's key exchange, overheard on its way through hop.
    Overheard,
    /// The key itself: it was made for one login at one host, and no other host accepts it.
    SingleUseKey,
}

/// The policy's state of one agent connection.
#[derive(Debug, Default)]
pub struct Line {
    bound: Option<SessionBind>,
    poisoned: bool,
}

/// The verdict on one message.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The session-bind is good: answer success.
    Bound,
    /// List the key.
    Show,
    /// List no key.
    ShowNothing,
    /// Sign this; the signature is already counted.
    Sign(Order),
    /// Answer failure.
    Refused(Refusal),
    /// Answer extension failure.
    BindRefused(Refusal),
}

/// A signature to make.
#[derive(Debug, PartialEq, Eq)]
pub struct Order {
    /// The data to sign.
    pub data: Vec<u8>,
    /// The hash, for an RSA key.
    pub hash: Option<HashAlg>,
}

/// The state of a loan.
#[derive(Debug)]
pub struct SigningPolicy {
    terms: LoanTerms,
    armed: bool,
    /// The number of signatures left.
    left: u32,
    /// The ids of the sessions for which a login was signed.
    signed: Vec<Vec<u8>>,
    /// Host key and signature of the key exchanges that were overheard; only those with a pinned key.
    overheard: Vec<(Vec<u8>, Vec<u8>)>,
    /// The account so far.
    pub account: Account,
}

impl SigningPolicy {
    /// A policy that grants nothing yet.
    pub fn new(terms: LoanTerms) -> SigningPolicy {
        SigningPolicy {
            terms,
            armed: false,
            left: 0,
            signed: Vec::new(),
            overheard: Vec::new(),
            account: Account::default(),
        }
    }

    /// The terms of the loan.
    pub fn terms(&self) -> &LoanTerms {
        &self.terms
    }

    /// Grants this many further signatures.
    pub fn grant(&mut self, signatures: u32) {
        self.left = self.left.saturating_add(signatures);
    }

    /// Whether one of the granted signatures is left.
    pub fn has_left(&self) -> bool {
        self.left > 0
    }

    /// Begins to allow requests.
    pub fn arm(&mut self) {
        self.armed = true;
    }

    /// Stops allowing requests.
    pub fn disarm(&mut self) {
        self.armed = false;
    }

    /// Whether a signature is possible now.
    pub fn is_armed(&self) -> bool {
        self.armed && self.left > 0
    }

    /// Adds a key exchange that the destination's client went through, unless its host key is not pinned.
    pub fn overhear(&mut self, host_key: &[u8], signature: &[u8]) {
        if self.is_pinned(host_key) {
            self.overheard.truncate(MOST_OVERHEARD - 1);
            self.overheard.insert(0, (host_key.to_vec(), signature.to_vec()));
        }
    }

    /// Whether the key exchange needed for a sign request with this data has been overheard.
    pub fn is_overheard(&self, data: &[u8]) -> bool {
        UserAuth::parse(data).is_ok_and(|login| self.heard(login.session_id))
    }

    /// Judges a message. A refusal is noted, and a signature is counted before it is made.
    pub fn judge(&mut self, line: &mut Line, message: Result<Request, WireError>) -> Verdict {
        let verdict = match message {
            Ok(Request::Identities) if self.may_show(line) => Verdict::Show,
            Ok(Request::Identities) => Verdict::ShowNothing,
            Ok(Request::Bind(bind)) => self.bind(line, bind),
            Ok(Request::Sign(request)) => self.sign(line, request).map_or_else(Verdict::Refused, Verdict::Sign),
            Ok(Request::Extension(_) | Request::Other(_)) => Verdict::Refused(Refusal::Unsupported),
            Err(_) => {
                line.poisoned = true;
                Verdict::Refused(Refusal::Malformed)
            }
        };
        if let Verdict::Refused(refusal) | Verdict::BindRefused(refusal) = &verdict {
            self.account.refuse(*refusal);
        }
        verdict
    }

    fn may_show(&self, line: &Line) -> bool {
        let known = line.bound.is_some() || matches!(self.terms.proof, Proof::Overheard | Proof::SingleUseKey);
        self.is_armed() && known && !line.poisoned
    }

    fn bind(&self, line: &mut Line, bind: SessionBind) -> Verdict {
        match self.refuse_bind(line, &bind) {
            Some(refusal) => {
                line.poisoned = true;
                Verdict::BindRefused(refusal)
            }
            None => {
                line.bound = Some(bind);
                Verdict::Bound
            }
        }
    }

    fn refuse_bind(&self, line: &Line, bind: &SessionBind) -> Option<Refusal> {
        if line.poisoned {
            return Some(Refusal::Poisoned);
        }
        if line.bound.is_some() {
            return Some(Refusal::BoundTwice);
        }
        if !self.is_armed() {
            return Some(Refusal::NotArmed);
        }
        if bind.is_forwarding {
            return Some(Refusal::PassedOn);
        }
        let proven = self.is_pinned(&bind.host_key) && proves(&bind.host_key, &bind.session_id, &bind.signature);
        (!proven).then_some(Refusal::Unbound)
    }

    fn sign(&mut self, line: &Line, request: SignRequest) -> Result<Order, Refusal> {
        if line.poisoned {
            return Err(Refusal::Poisoned);
        }
        if request.key != self.terms.key {
            return Err(Refusal::OtherKey);
        }
        let login = UserAuth::parse(&request.data).map_err(|_| Refusal::NotALogin)?;
        let hash = self.refuse_login(&login, request.flags)?;
        self.refuse_session(line, &login)?;
        if self.signed.iter().any(|signed| signed == login.session_id) {
            return Err(Refusal::Replay);
        }
        if !self.is_armed() {
            return Err(Refusal::NotArmed);
        }
        self.signed.push(login.session_id.to_vec());
        self.left -= 1;
        self.armed = self.left > 0;
        Ok(Order { hash, data: request.data })
    }

    /// Checks who logs in, to which service, and with which key and algorithm.
    fn refuse_login(&self, login: &UserAuth<'_>, flags: u32) -> Result<Option<HashAlg>, Refusal> {
        if login.user != self.terms.user.as_bytes() {
            return Err(Refusal::OtherUser);
        }
        if login.service != SERVICE {
            return Err(Refusal::OtherService);
        }
        if login.key != self.terms.key {
            return Err(Refusal::OtherKey);
        }
        match terms_of_signature(login.algorithm, login.key) {
            Some((hash, wanted)) if wanted == flags => Ok(hash),
            _ => Err(Refusal::OtherAlgorithm),
        }
    }

    /// Checks which host the session is with.
    fn refuse_session(&self, line: &Line, login: &UserAuth<'_>) -> Result<(), Refusal> {
        let bound = line.bound.as_ref();
        let proven = match self.terms.proof {
            Proof::Hostbound | Proof::Bound => bound.is_some_and(|bind| bind.session_id == login.session_id),
            Proof::Overheard => {
                self.heard(login.session_id) && bound.is_none_or(|bind| bind.session_id == login.session_id)
            }
            Proof::SingleUseKey => bound.is_none_or(|bind| bind.session_id == login.session_id),
        };
        if !proven {
            return Err(Refusal::OtherSession);
        }
        match login.host_key {
            None if self.terms.proof == Proof::Hostbound => Err(Refusal::NotHostbound),
            None => Ok(()),
            Some(key) => {
                let of_bind = bound.is_none_or(|bind| bind.host_key == key);
                (of_bind && self.is_pinned(key)).then_some(()).ok_or(Refusal::NotHostbound)
            }
        }
    }

    fn is_pinned(&self, host_key: &[u8]) -> bool {
        self.terms.host_keys.iter().any(|pinned| pinned == host_key)
    }

    fn heard(&self, session_id: &[u8]) -> bool {
        SESSION_IDS.contains(&session_id.len())
            && self.overheard.iter().any(|(key, signature)| proves(key, session_id, signature))
    }
}

#[cfg(test)]
mod tests;
