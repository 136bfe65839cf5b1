//! What may a lent agent sign? Main type: [`SigningPolicy`], which turns one message into one [`Verdict`]; no socket, no key.
//!
//! The promise it keeps: at most the granted number of signatures, each a login as the stated user with the one key, into
//! a session that a pinned host key has signed, never twice the same session. Everything else is refused, by name.

use russh::keys::ssh_key::HashAlg;

use super::account::{Account, Refusal};
use super::host_key::{SESSION_IDS, proves};
use super::userauth::{UserAuth, terms_of_signature};
use crate::agent::wire::{Request, SessionBind, SignRequest, WireError};

const SERVICE: &[u8] = b"ssh-connection";
/// Overheard key exchanges that are kept: one a login, and a few that broke off.
const MOST_OVERHEARD: usize = 16;

/// What is lent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoanTerms {
    /// Whom it may log in.
    pub user: String,
    /// The key, or its certificate, as it goes over the wire.
    pub key: Vec<u8>,
    /// The destination's host keys, as they go over the wire.
    pub host_keys: Vec<Vec<u8>>,
    /// What has to prove that a session is with the destination.
    pub proof: Proof,
}

/// What proves that a session is with the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A session-bind, and the host key within the signed login: the signature is of use at the destination only.
    Hostbound,
    /// A session-bind.
    Bound,
    /// The destination's key exchange, overheard by the way.
    Overheard,
    /// The key itself: it was made for one login at one host, and no other takes it.
    SingleUseKey,
}

/// One agent connection, as the policy sees it.
#[derive(Debug, Default)]
pub struct Line {
    bound: Option<SessionBind>,
    poisoned: bool,
}

/// What becomes of one message.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The binding is good.
    Bound,
    /// The key may be shown.
    Show,
    /// There is nothing to show.
    ShowNothing,
    /// Sign this. The budget is one smaller already.
    Sign(Order),
    /// Answer failure.
    Refused(Refusal),
    /// Answer that the extension failed.
    BindRefused(Refusal),
}

/// A signature to make.
#[derive(Debug, PartialEq, Eq)]
pub struct Order {
    /// The data.
    pub data: Vec<u8>,
    /// With RSA.
    pub hash: Option<HashAlg>,
}

/// The state of a loan.
#[derive(Debug)]
pub struct SigningPolicy {
    terms: LoanTerms,
    armed: bool,
    /// Signatures that are left.
    left: u32,
    /// Sessions that were signed for.
    signed: Vec<Vec<u8>>,
    /// Host key and signature of key exchanges that were overheard; pinned ones only.
    overheard: Vec<(Vec<u8>, Vec<u8>)>,
    /// What happened so far.
    pub account: Account,
}

impl SigningPolicy {
    /// Nothing is granted yet.
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

    /// What is lent.
    pub fn terms(&self) -> &LoanTerms {
        &self.terms
    }

    /// Grants so many further signatures.
    pub fn grant(&mut self, signatures: u32) {
        self.left = self.left.saturating_add(signatures);
    }

    /// True while one of the granted signatures has not been given.
    pub fn has_left(&self) -> bool {
        self.left > 0
    }

    /// From here on requests are heard.
    pub fn arm(&mut self) {
        self.armed = true;
    }

    /// From here on they are not.
    pub fn disarm(&mut self) {
        self.armed = false;
    }

    /// True while a signature could be had.
    pub fn is_armed(&self) -> bool {
        self.armed && self.left > 0
    }

    /// A key exchange that the destination's client went through. What is not of a pinned key is not kept.
    pub fn overhear(&mut self, host_key: &[u8], signature: &[u8]) {
        if self.is_pinned(host_key) {
            self.overheard.truncate(MOST_OVERHEARD - 1);
            self.overheard.insert(0, (host_key.to_vec(), signature.to_vec()));
        }
    }

    /// True when a sign request for this data would not lack an overheard key exchange.
    pub fn is_overheard(&self, data: &[u8]) -> bool {
        UserAuth::parse(data).is_ok_and(|login| self.heard(login.session_id))
    }

    /// Decides. A refusal is noted, a signature is counted before it is made.
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

    /// Who logs in, to what, with what.
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

    /// Where to.
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
