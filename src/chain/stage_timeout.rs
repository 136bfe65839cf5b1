//! How long may a stage take? The time that a person takes to answer does not count: the clock stops while a question
//! is open. Only one question is open at a time, whichever hop of whichever way it is about.
//!
//! Main type: [`Asking`].

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::config::Host;
use crate::progress::Stage;
use crate::prompt::{NoAnswer, Prompt};

/// The clock's resolution.
const TICK: Duration = Duration::from_millis(100);

/// A [`Prompt`] that knows whether a question is open.
pub struct Asking {
    inner: Arc<dyn Prompt>,
    open: AtomicUsize,
    turn: Mutex<()>,
}

impl Asking {
    /// Wraps `inner`.
    pub fn new(inner: Arc<dyn Prompt>) -> Arc<Self> {
        Arc::new(Asking { inner, open: AtomicUsize::new(0), turn: Mutex::default() })
    }

    /// Whether a question is open.
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire) > 0
    }

    fn while_open<T>(&self, ask: impl FnOnce(&dyn Prompt) -> T) -> T {
        self.open.fetch_add(1, Ordering::AcqRel);
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = ask(self.inner.as_ref());
        drop(turn);
        self.open.fetch_sub(1, Ordering::AcqRel);
        answer
    }

    /// Runs `work` for at most `limit`, not counting the time a question is open.
    pub async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Result<T, Duration> {
        tokio::pin!(work);
        let mut spent = Duration::ZERO;
        loop {
            let tick = TICK.min(limit.saturating_sub(spent));
            match tokio::time::timeout(tick, &mut work).await {
                Ok(done) => return Ok(done),
                Err(_) if self.is_open() => {}
                Err(_) => spent += tick,
            }
            if spent >= limit {
                return Err(limit);
            }
        }
    }
}

impl Prompt for Asking {
    fn secret(&self, question: &str) -> Result<Zeroizing<String>, NoAnswer> {
        self.while_open(|prompt| prompt.secret(question))
    }

    fn answer(&self, question: &str) -> Result<String, NoAnswer> {
        self.while_open(|prompt| prompt.answer(question))
    }

    fn is_there(&self) -> bool {
        self.inner.is_there()
    }
}

/// The time limit of `stage` at `host`: `ConnectTimeout` for the stages to which ssh applies it (dialling, the banner
/// and the key exchange), hop's own for the others.
pub fn limit(stage: Stage, host: &Host) -> Duration {
    let connect = host.connect_timeout.as_ref().map(|value| value.value);
    match stage {
        Stage::Resolve | Stage::Dial => connect.unwrap_or(Duration::from_secs(15)),
        Stage::Greet | Stage::VerifyHost => connect.unwrap_or(Duration::from_secs(20)),
        _ => Duration::from_secs(30),
    }
}

/// How long `host` may be silent before it counts as lost: `ServerAliveInterval` times `ServerAliveCountMax` + 1.
pub fn silence(host: &Host) -> Option<Duration> {
    let (interval, count) = (host.server_alive_interval.value, host.server_alive_count_max.value);
    (!interval.is_zero() && count > 0).then(|| interval.saturating_mul(count.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Slow;

    impl Prompt for Slow {
        fn secret(&self, _: &str) -> Result<Zeroizing<String>, NoAnswer> {
            Err(NoAnswer::GivenUp)
        }
        fn answer(&self, _: &str) -> Result<String, NoAnswer> {
            std::thread::sleep(Duration::from_millis(600));
            Ok("yes".into())
        }
        fn is_there(&self) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn thinking_time_does_not_count() {
        let asking = Asking::new(Arc::new(Slow));
        let question = asking.clone();
        let work = tokio::task::spawn_blocking(move || question.answer("well?"));
        let answer = asking.within(Duration::from_millis(300), work).await;
        assert_eq!(answer.unwrap().unwrap(), Ok("yes".into()));
    }

    /// Answers slowly, and counts how many ask at the same time.
    #[derive(Default)]
    struct Busy {
        asking: AtomicUsize,
        most: AtomicUsize,
    }

    impl Busy {
        fn think(&self) {
            self.most.fetch_max(self.asking.fetch_add(1, Ordering::AcqRel) + 1, Ordering::AcqRel);
            std::thread::sleep(Duration::from_millis(20));
            self.asking.fetch_sub(1, Ordering::AcqRel);
        }
    }

    impl Prompt for Busy {
        fn secret(&self, _: &str) -> Result<Zeroizing<String>, NoAnswer> {
            self.think();
            Ok(Zeroizing::default())
        }
        fn answer(&self, _: &str) -> Result<String, NoAnswer> {
            self.think();
            Ok(String::new())
        }
        fn is_there(&self) -> bool {
            true
        }
    }

    #[test]
    fn questions_of_any_kind_stand_one_at_a_time() {
        let person = Arc::new(Busy::default());
        let asking = Asking::new(person.clone());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| asking.secret("password: "));
                scope.spawn(|| asking.answer("yes or no? "));
            }
        });
        assert_eq!(person.most.load(Ordering::Acquire), 1);
    }

    #[tokio::test]
    async fn work_that_never_ends_is_given_up() {
        let asking = Asking::new(Arc::new(crate::prompt::NoPrompt));
        let outcome = asking.within(Duration::from_millis(250), std::future::pending::<()>()).await;
        assert_eq!(outcome, Err(Duration::from_millis(250)));
    }
}
