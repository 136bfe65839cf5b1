//! One host's login at the other, and what comes when it is lost: [`Logins`]. Another one is had by hop's own decision, after
//! it saw the courier end or stand still, and once a copy; never when somebody else took the signature.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use super::super::again::Tries;
use super::super::error::CopyError;
use super::begin::Course;
use super::courier::Courier;
use super::links::LinkFolder;
use super::script::Far;
use super::{Lent, Obstacle};
use crate::agent::Account;
use crate::lend::{Auth, Loan};

/// Signatures a copy may come to: for the first login, and for one more.
const SIGNATURES: u32 = 2;

/// How long the end of a login may take, in two steps.
const ENDING: Duration = Duration::from_secs(5);

/// A login that works.
pub struct Login {
    /// Which of the copy's, from 0.
    pub number: u32,
    /// How the other host is told what to do.
    pub far: Far,
    /// Who takes orders.
    pub courier: Courier,
    /// The folder at the source where links to files are made; `None` where there is none.
    pub links: Option<Vec<u8>>,
}

/// What a login is had with, and the next one too if it still is there: the loan, and the folder of links where it has one
/// of its own.
pub type Held = (Loan, Option<LinkFolder>);

/// The logins of a copy.
pub struct Logins {
    course: Course,
    current: Mutex<Arc<Login>>,
    held: tokio::sync::Mutex<Option<Held>>,
    /// What is lent, and what came of loans that are over.
    lent: Mutex<Lent>,
    tries: Tries,
}

impl Logins {
    /// The first is there.
    pub fn new(course: Course, login: Login, held: Held) -> Logins {
        let tries = Tries::new(course.endurance.retries, course.endurance.watchers.clone());
        let lent = Mutex::new(Lent::of(&held.0));
        let (current, held) = (Mutex::new(Arc::new(login)), tokio::sync::Mutex::new(Some(held)));
        Logins { course, current, held, lent, tries }
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
        let part = lost.part.clone();
        let mut lost = lost;
        let has_ended = timeout(ENDING, before.courier.end()).await.is_ok();
        // a key made for one login is of no use for another
        let is_over = |(loan, _): &Held| loan.has_ended() || loan.auth() == Auth::Ephemeral;
        if !has_ended || held.as_ref().is_some_and(is_over) {
            self.settle(held.take()).await;
        }
        loop {
            if self.signatures(held.as_ref()) >= SIGNATURES {
                return Err(lost);
            }
            self.tries.next(lost).await?;
            match self.log_in(&mut held, number + 1).await {
                Ok(login) => {
                    *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(login);
                    return Ok(());
                }
                Err(obstacle) => {
                    // a login that nothing was heard of may still come about
                    self.settle(held.take()).await;
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
            self.settle(held.take()).await;
        }
        let (loan, links) = match held {
            Some(held) => held,
            None => {
                let loan = self.course.lend().await?;
                let links = self.course.links(&loan).await;
                let mut lent = self.lent();
                *lent = Lent { account: lent.account.clone(), left: lent.left.take(), ..Lent::of(&loan) };
                drop(lent);
                held.insert((loan, links))
            }
        };
        if !loan.has_left() {
            loan.grant(1);
        }
        let far = Far::new(self.course.direction, loan);
        let courier = self.course.log_in(loan, &far).await?;
        // what cannot be removed now is tried again at the end, and told then
        let _ = loan.logged_in().await;
        Ok(self.course.login((number, far), courier, links.as_ref()))
    }

    fn signatures(&self, held: Option<&Held>) -> u32 {
        self.lent().account.signatures + held.map_or(0, |(loan, _)| loan.account().signatures)
    }

    /// Ends what is held, and keeps what it came to.
    async fn settle(&self, held: Option<Held>) {
        let Some((loan, links)) = held else { return };
        if let Some(links) = links {
            links.remove().await;
        }
        let closed = loan.close().await;
        let mut lent = self.lent();
        add(&mut lent.account, &closed.account);
        lent.left = closed.left.map(|left| left.to_string()).or(lent.left.take());
    }

    /// Ends the present one; what was lent in all.
    pub async fn end(&self) -> Lent {
        // a courier that does not end by itself ends with its connection
        let _ = timeout(ENDING, self.current().courier.end()).await;
        let held = self.held.lock().await.take();
        self.settle(held).await;
        self.lent().clone()
    }

    fn lent(&self) -> MutexGuard<'_, Lent> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two accounts as one.
fn add(sum: &mut Account, account: &Account) {
    sum.signatures += account.signatures;
    for (refusal, count) in &account.refusals {
        *sum.refusals.entry(*refusal).or_default() += count;
    }
    if account.failure.is_some() {
        sum.failure.clone_from(&account.failure);
    }
}
