//! One host's login at the other, and what happens when it is lost: [`Logins`]. Only hop decides on another login, once
//! a copy, after the remote helper ended or stood still; never when another process took the signature.

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

/// Most signatures of one copy: one for the first login, one for another.
const SIGNATURES: u32 = 2;

/// Time for a lost remote helper to end before another login is made.
const ENDED: Duration = Duration::from_secs(2);

/// What a login is made with, and the next one, too, if it is still there: the loan, and the folder of links where the
/// source has one of its own.
pub type Held = (Loan, Option<LinkFolder>);

/// The logins of a copy.
pub struct Logins {
    attempt: Attempt,
    current: Mutex<Arc<Login>>,
    held: tokio::sync::Mutex<Option<Held>>,
    over: Mutex<Over>,
    tries: RetryBudget,
}

/// What is lent now, and the loans that are over.
struct Over {
    /// What the last loan lent.
    lent: Lent,
    /// The account of each loan that is over, as far as it is known.
    accounts: Vec<Account>,
    /// Loans that are being closed, by their index in `accounts`.
    closing: JoinSet<(usize, Closed)>,
}

impl Logins {
    /// Begins with the first login.
    pub fn new(attempt: Attempt, login: Login, held: Held) -> Logins {
        let tries = RetryBudget::new(attempt.retry_policy.retries, attempt.retry_policy.watchers.clone());
        let over = Over { lent: Lent::of(&held.0), accounts: Vec::new(), closing: JoinSet::new() };
        let (current, held) = (Mutex::new(Arc::new(login)), tokio::sync::Mutex::new(Some(held)));
        Logins { attempt, current, held, over: Mutex::new(over), tries }
    }

    /// The login in use.
    pub fn current(&self) -> Arc<Login> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// After something was `lost` with the login `number`: returns when there is another login.
    ///
    /// # Errors
    /// `lost`, when no other login is allowed; or what stands in its way now.
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

    /// Logs in with the loan that is held, or with a new one.
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

    /// Closes the loan that is held in the background, and keeps its account.
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

    /// Ends the login in use within `limit`. Returns all that was lent.
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
    /// Takes everything out.
    fn take(&mut self) -> Over {
        let (accounts, closing) = (std::mem::take(&mut self.accounts), std::mem::take(&mut self.closing));
        Over { lent: self.lent.clone(), accounts, closing }
    }
}
