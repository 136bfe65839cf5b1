//! What was refused when a loan comes to nothing, or is dropped on the way? [`Untold`] tells the observer what the source
//! asked for and was refused, unless its owner does.

use std::sync::Arc;

use crate::agent::{Account, LentAgent, Refusal};
use crate::chain::Session;
use crate::progress::{Event, Observer};

/// The refusals that nobody has told yet, since the connection to the source. Dropping it tells them.
pub struct Untold {
    source: Session,
    lent: Option<LentAgent>,
    observer: Option<Arc<dyn Observer>>,
}

impl Untold {
    /// For a connection to the source over which nothing is lent yet.
    pub fn of(source: &Session, observer: Option<Arc<dyn Observer>>) -> Untold {
        Untold { source: source.clone(), lent: None, observer }
    }

    /// Includes what this agent signs and refuses from now on.
    pub fn lend(&mut self, lent: &LentAgent) {
        self.lent = Some(lent.clone());
    }

    /// The signatures and refusals so far, including those of agent channels opened while the agent was not armed.
    pub fn account(&self) -> Account {
        let mut account = self.lent.as_ref().map(LentAgent::account).unwrap_or_default();
        (0..self.source.agents_refused()).for_each(|_| account.refuse(Refusal::NotArmed));
        account
    }

    /// Ends it without a word: the caller tells.
    pub fn told(mut self) {
        self.observer = None;
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        let (Some(observer), account) = (self.observer.take(), self.account()) else { return };
        if account.refused() > 0 {
            let (host, refused) = (self.source.trail().end().to_owned(), account.refused());
            let plural = if account.signatures == 1 { "" } else { "s" };
            let signatures = format!("{} signature{plural}", account.signatures);
            observer.event(Event::Warning(format!(
                "agent: {signatures} for a login lent to {host} that came to nothing, {refused} refused"
            )));
        }
    }
}
