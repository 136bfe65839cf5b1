//! What if a loan comes to nothing, or what lends it is dropped on the way? [`Untold`] sees to it that what the source has
//! asked for and was refused is told then, too.

use std::sync::Arc;

use crate::agent::{Account, LentAgent, Refusal};
use crate::chain::Session;
use crate::progress::{Event, Observer};

/// What nobody has told yet, from the connection to the source on. Dropping it tells what was refused.
pub struct Untold {
    source: Session,
    lent: Option<LentAgent>,
    observer: Option<Arc<dyn Observer>>,
}

impl Untold {
    /// Of a connection to the source over which nothing is lent yet.
    pub fn of(source: &Session, observer: Option<Arc<dyn Observer>>) -> Untold {
        Untold { source: source.clone(), lent: None, observer }
    }

    /// From here on this agent may be asked.
    pub fn lend(&mut self, lent: &LentAgent) {
        self.lent = Some(lent.clone());
    }

    /// What was signed and refused so far, agent channels outside of the loan's time included.
    pub fn account(&self) -> Account {
        let mut account = self.lent.as_ref().map(LentAgent::account).unwrap_or_default();
        (0..self.source.agents_refused()).for_each(|_| account.refuse(Refusal::NotArmed));
        account
    }

    /// Somebody else tells it.
    pub fn is_told(mut self) {
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
