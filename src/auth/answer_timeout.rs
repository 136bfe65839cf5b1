//! How long does a login wait for the server? There is a limit for each answer, and one for all answers of a login.
//! Time that a person or an agent takes in between does not count. Main type: [`AnswerTimeout`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::prompt::PausableClock;

/// The time limit for one answer to an authentication request.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// The time limit for all answers in one login: the default that sshd gives a client (`LoginGraceTime`).
pub(super) const WHOLE: Duration = Duration::from_secs(120);

/// What a login waits for its server by. Clones share it.
#[derive(Clone)]
pub(super) struct AnswerTimeout {
    /// Stands still while nobody waits for the server.
    clock: Arc<PausableClock>,
    /// What it showed when the answer that is waited for was asked for.
    asked: Arc<Mutex<Duration>>,
    /// For one answer.
    limit: Duration,
    /// The limit for all answers.
    whole: Duration,
}

impl AnswerTimeout {
    pub fn new(limit: Duration, whole: Duration) -> AnswerTimeout {
        AnswerTimeout { clock: PausableClock::stopped(), asked: Arc::default(), limit, whole }
    }

    /// Waits for `answer`; `None` if the limit for this answer, or for all, has passed.
    pub async fn wait<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        self.begin();
        let _waiting = self.clock.resume();
        self.clock.until(|| self.whole.min(*self.asked() + self.limit), answer).await
    }

    /// Whether the limit for all answers is used up.
    pub fn is_used_up(&self) -> bool {
        self.clock.elapsed() >= self.whole
    }

    /// Runs `work` with the clock stopped, since the server is not to blame for the time it takes.
    pub async fn elsewhere<T>(&self, work: impl Future<Output = T>) -> T {
        let elsewhere = self.clock.pause();
        let done = work.await;
        self.begin();
        drop(elsewhere);
        done
    }

    fn begin(&self) {
        *self.asked() = self.clock.elapsed();
    }

    fn asked(&self) -> MutexGuard<'_, Duration> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
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
