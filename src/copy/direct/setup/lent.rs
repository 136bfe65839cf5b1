//! What was lent for a copy, and what has come of it? [`Lent`], reported once the copy is over.

use std::sync::Arc;

use crate::agent::Account;
use crate::lend::{Auth, Closed, Loan};
use crate::progress::{Event, Observer};

/// What was lent for a copy, once it is over.
#[derive(Debug, Clone)]
pub struct Lent {
    /// The user logged in as.
    pub user: String,
    /// The host logged in at.
    pub destination: String,
    /// How well the login was guarded: `A`, `B`, `C` or `D`.
    pub tier: String,
    /// `SHA256:…` of the pinned host key.
    pub fingerprint: String,
    /// How the login was authenticated.
    pub auth: Auth,
    /// Signatures made and requests refused.
    pub account: Account,
    /// What could not be removed, for people.
    pub left: Option<String>,
}

impl Lent {
    /// What `loan` lends, with an account that is still empty.
    pub fn of(loan: &Loan) -> Lent {
        Lent {
            user: loan.user().to_owned(),
            destination: loan.destination().to_owned(),
            tier: loan.tier().to_string(),
            fingerprint: loan.fingerprint().to_owned(),
            auth: loan.auth(),
            account: Account::default(),
            left: None,
        }
    }

    /// Adds the account of a loan that was closed.
    pub fn add(&mut self, closed: Closed) {
        self.account.add(&closed.account);
        self.left = closed.left.map(|left| left.to_string()).or(self.left.take());
    }

    /// Reports what was lent, and warns when somebody asked for more.
    pub fn tell(self, observer: &Arc<dyn Observer>) {
        let Lent { user, destination: host, tier, fingerprint, auth, account, left } = self;
        let (signatures, refused) = (account.signatures, account.refused());
        let is_ephemeral = auth == Auth::Ephemeral;
        if let Some(left) = left {
            observer.event(Event::Warning(left));
        }
        for (refusal, count) in &account.refusals {
            observer.event(Event::Detail(format!("agent: refused {count} times: {refusal}")));
        }
        observer.event(Event::Lent { user, host, tier, fingerprint, is_ephemeral, signatures, refused });
    }
}
