//! How long does a login wait for the server? There is a limit for each answer, and one for all answers of a login.
//! Time that a person or an agent takes in between does not count. Main type: [`AnswerTimeout`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// The time limit for one answer to an authentication request.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// The time limit for all answers in one login: the default that sshd gives a client (`LoginGraceTime`).
pub(super) const WHOLE: Duration = Duration::from_secs(120);

/// A clock that runs only while the login waits for the server. Clones share it.
#[derive(Clone)]
pub(super) struct AnswerTimeout {
    clock: Arc<Mutex<Clock>>,
    /// The limit for one answer.
    limit: Duration,
    /// The limit for all answers.
    whole: Duration,
}

#[derive(Clone, Copy)]
struct Clock {
    /// The start of the current wait for the server, if there is one.
    since: Option<Instant>,
    /// The time spent in earlier waits.
    spent: Duration,
}

impl AnswerTimeout {
    pub fn new(limit: Duration, whole: Duration) -> AnswerTimeout {
        let clock = Clock { since: None, spent: Duration::ZERO };
        AnswerTimeout { clock: Arc::new(Mutex::new(clock)), limit, whole }
    }

    /// Waits for `answer`; `None` if the limit for this answer, or for all, has passed.
    pub async fn wait<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        self.run();
        let mut answer = std::pin::pin!(answer);
        let answer = loop {
            let deadline = self.deadline();
            match timeout_at(deadline, &mut answer).await {
                Ok(answer) => break Some(answer),
                Err(_) if self.deadline() > deadline => {}
                Err(_) => break None,
            }
        };
        self.stop();
        answer
    }

    /// Whether the limit for all answers is used up.
    pub fn is_used_up(&self) -> bool {
        self.clock().spent >= self.whole
    }

    /// Runs `work` with the clock stopped, since the server is not to blame for the time it takes.
    pub async fn elsewhere<T>(&self, work: impl Future<Output = T>) -> T {
        self.stop();
        let done = work.await;
        self.run();
        done
    }

    fn deadline(&self) -> Instant {
        let Clock { since, spent } = *self.clock();
        since.unwrap_or_else(Instant::now) + self.limit.min(self.whole.saturating_sub(spent))
    }

    fn run(&self) {
        self.clock().since = Some(Instant::now());
    }

    fn stop(&self) {
        let mut clock = self.clock();
        let waited = clock.since.take().map_or(Duration::ZERO, |since| since.elapsed());
        clock.spent += waited;
    }

    fn clock(&self) -> MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    const LIMIT: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn silence_ends_it() {
        assert_eq!(AnswerTimeout::new(LIMIT, LIMIT * 9).wait(std::future::pending::<()>()).await, None);
    }

    #[tokio::test]
    async fn many_slow_answers_end_it_too() {
        let answer_timeout = AnswerTimeout::new(LIMIT, LIMIT * 3);
        let mut answers = 0;
        while answer_timeout.wait(sleep(LIMIT / 2)).await.is_some() {
            answers += 1;
            assert!(answers < 9, "it never ends");
        }
        assert!(answer_timeout.is_used_up() && answers > 0);
    }

    #[tokio::test]
    async fn time_spent_elsewhere_is_not_counted() {
        let answer_timeout = AnswerTimeout::new(LIMIT, LIMIT * 3);
        let work = async {
            answer_timeout.elsewhere(sleep(LIMIT * 4)).await;
            sleep(LIMIT / 4).await;
            7
        };
        assert_eq!(answer_timeout.wait(work).await, Some(7));
        assert!(!answer_timeout.is_used_up());
    }

    #[tokio::test]
    async fn silence_after_work_elsewhere_ends_it() {
        let answer_timeout = AnswerTimeout::new(LIMIT, LIMIT * 9);
        let work = async {
            answer_timeout.elsewhere(sleep(LIMIT)).await;
            std::future::pending::<()>().await
        };
        assert_eq!(answer_timeout.wait(work).await, None);
    }
}
