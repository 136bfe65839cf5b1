//! One host's login at the other, and what comes when it is lost: [`Logins`]. Another one is had by hop's own decision, after
//! it saw the remote helper end or stand still, and once a copy; never when somebody else took the signature.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::attempt::{Attempt, LOGIN};
use super::lent::Lent;
use super::links::LinkFolder;
use crate::agent::Account;
use crate::copy::direct::remote::login::Login;
use crate::copy::direct::remote::script::Far;
use crate::copy::ends::retry::RetryBudget;
use crate::copy::error::CopyError;
use crate::copy::obstacle::Obstacle;
use crate::lend::{Auth, Closed, Loan};

/// Signatures a copy may come to: for the first login, and for one more.
const SIGNATURES: u32 = 2;

/// How long the end of a remote helper may take before another login is had.
const ENDED: Duration = Duration::from_secs(2);

/// What a login is had with, and the next one too if it still is there: the loan, and the folder of links where it has one
/// of its own.
pub type Held = (Loan, Option<LinkFolder>);

/// The logins of a copy.
pub struct Logins {
    attempt: Attempt,
    current: Mutex<Arc<Login>>,
    held: tokio::sync::Mutex<Option<Held>>,
    over: Mutex<Over>,
    tries: RetryBudget,
}

/// What is lent, and loans that are over.
struct Over {
    /// By the last loan.
    lent: Lent,
    /// What each has come to, as far as it is known.
    accounts: Vec<Account>,
    /// Those that are being closed, by number.
    closing: JoinSet<(usize, Closed)>,
}

impl Logins {
    /// The first is there.
    pub fn new(attempt: Attempt, login: Login, held: Held) -> Logins {
        let tries = RetryBudget::new(attempt.retry_policy.retries, attempt.retry_policy.watchers.clone());
        let over = Over { lent: Lent::of(&held.0), accounts: Vec::new(), closing: JoinSet::new() };
        let (current, held) = (Mutex::new(Arc::new(login)), tokio::sync::Mutex::new(Some(held)));
        Logins { attempt, current, held, over: Mutex::new(over), tries }
    }

    /// The present one.
    pub fn current(&self) -> Arc<Login> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// After something was `lost` with the login of this `number`: returns when there is another.
    ///
    /// # Errors
    /// `lost`, when there may be none; or what stands in its way now.
    pub async fn restore(&self, lost: CopyError, number: u32) -> Result<(), CopyError> {
        let mut held = self.held.lock().await;
        let before = self.current();
        if before.number != number {
            return Ok(());
        }
        let clock = &self.attempt.retry_policy.watchers.clock;
        let (part, mut lost) = (lost.part.clone(), lost);
        clock.shake();
        let has_ended = timeout(ENDED, before.helper.end()).await.is_ok();
        // a key made for one login is of no use for another
        let is_over = |(loan, _): &Held| loan.has_ended() || loan.auth() == Auth::Ephemeral;
        if !has_ended || held.as_ref().is_some_and(is_over) {
            self.settle(held.take());
        }
        loop {
            if self.signatures(held.as_ref()) >= SIGNATURES {
                return Err(lost);
            }
            self.tries.next(lost).await?;
            let Some(tried) = clock.within(Box::pin(self.log_in(&mut held, number + 1))).await else {
                return Err(CopyError { part, ..CopyError::from(clock.ran_out()) });
            };
            match tried {
                Ok(login) => {
                    *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(login);
                    return Ok(());
                }
                Err(obstacle) => {
                    // a login that nothing was heard of may still come about
                    self.settle(held.take());
                    let may_pass = obstacle.may_pass();
                    lost = CopyError { part: part.clone(), ..CopyError::direct(obstacle) };
                    if !may_pass {
                        return Err(lost);
                    }
                }
            }
        }
    }

    /// With what is held, or with a new loan.
    async fn log_in(&self, held: &mut Option<Held>, number: u32) -> Result<Login, Obstacle> {
        if held.as_ref().is_some_and(|(loan, _)| loan.has_ended()) {
            self.settle(held.take());
        }
        let (loan, links) = match held {
            Some(held) => held,
            None => {
                let loan = self.attempt.lend().await?;
                let links = self.attempt.links(&loan).await;
                self.over().lent = Lent::of(&loan);
                held.insert((loan, links))
            }
        };
        if !loan.has_left() {
            loan.grant(1);
        }
        let far = Far::new(self.attempt.direction, loan);
        let (helper, ready) = self.attempt.log_in(loan, &far, LOGIN).await?;
        // what cannot be removed now is tried again at the end, and told then
        let _ = loan.logged_in().await;
        Ok(Login { number, far, helper, links: self.attempt.link_folder(&ready, links.as_ref()) })
    }

    fn signatures(&self, held: Option<&Held>) -> u32 {
        let over: u32 = self.over().accounts.iter().map(|account| account.signatures).sum();
        over + held.map_or(0, |(loan, _)| loan.account().signatures)
    }

    /// Has what is held end, and what it comes to kept.
    fn settle(&self, held: Option<Held>) {
        let Some((loan, links)) = held else { return };
        let mut over = self.over();
        let number = over.accounts.len();
        over.accounts.push(loan.account());
        over.closing.spawn(async move {
            let removed = async {
                if let Some(links) = links {
                    links.remove().await;
                }
            };
            let (closed, ()) = tokio::join!(loan.close(), removed);
            (number, closed)
        });
    }

    /// Ends the present one within `limit`; what was lent in all.
    pub async fn end(&self, limit: Duration) -> Lent {
        let end = Instant::now() + limit;
        // a remote helper that does not end by itself ends with its loan
        let _ = timeout(limit / 2, self.current().helper.end()).await;
        let held = self.held.lock().await.take();
        self.settle(held);
        let Over { mut lent, mut accounts, mut closing } = self.over().take();
        while let Ok(Some(Ok((number, Closed { account, left })))) = timeout_at(end, closing.join_next()).await {
            accounts[number] = account;
            lent.left = left.map(|left| left.to_string()).or(lent.left);
        }
        // what has not ended by now goes with its connection
        closing.detach_all();
        accounts.iter().for_each(|account| lent.account.add(account));
        lent
    }

    fn over(&self) -> MutexGuard<'_, Over> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Over {
    /// All of it; nothing is left.
    fn take(&mut self) -> Over {
        let (accounts, closing) = (std::mem::take(&mut self.accounts), std::mem::take(&mut self.closing));
        Over { lent: self.lent.clone(), accounts, closing }
    }
}
