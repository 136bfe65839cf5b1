//! What was lent for a copy, and what has come of it? [`Lent`], told once the copy is over.

use std::sync::Arc;

use crate::agent::Account;
use crate::lend::{Auth, Closed, Loan};
use crate::progress::{Event, Observer};

/// What was lent for a copy, once it is over.
#[derive(Debug, Clone)]
pub struct Lent {
    /// Whose login.
    pub user: String,
    /// Where.
    pub destination: String,
    /// How well it was guarded: `A`, `B`, `C` or `D`.
    pub tier: String,
    /// `SHA256:…` of the pinned host key.
    pub fingerprint: String,
    /// What the login was made with.
    pub auth: Auth,
    /// What was signed and refused.
    pub account: Account,
    /// What could not be removed, in words.
    pub left: Option<String>,
}

impl Lent {
    /// What `loan` lends; nothing has come of it yet.
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

    /// Adds what a loan has come to.
    pub fn add(&mut self, closed: Closed) {
        self.account.add(&closed.account);
        self.left = closed.left.map(|left| left.to_string()).or(self.left.take());
    }

    /// Says what was lent, and warns when somebody asked for more.
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
