//! How long to wait for a server's answer, not counting the time a person or an agent takes in between.
//! Main type: [`Patience`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// How long a server may take to answer one authentication request.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// A clock that stands still while somebody else is busy. Clones share it.
#[derive(Clone)]
pub(super) struct Patience {
    state: Arc<Mutex<State>>,
    limit: Duration,
}

#[derive(Clone, Copy)]
enum State {
    Waiting(Instant),
    Elsewhere,
}

impl Patience {
    pub fn new(limit: Duration) -> Patience {
        Patience { state: Arc::new(Mutex::new(State::Waiting(Instant::now()))), limit }
    }

    /// Waits for `answer`; `None` when the server took longer than the limit.
    pub async fn wait<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        self.set(State::Waiting(Instant::now()));
        let mut answer = std::pin::pin!(answer);
        loop {
            let deadline = self.deadline();
            match timeout_at(deadline, &mut answer).await {
                Ok(answer) => return Some(answer),
                Err(_) if self.deadline() > deadline => {}
                Err(_) => return None,
            }
        }
    }

    /// Runs `work` that the server is not to blame for.
    pub async fn elsewhere<T>(&self, work: impl Future<Output = T>) -> T {
        self.set(State::Elsewhere);
        let done = work.await;
        self.set(State::Waiting(Instant::now()));
        done
    }

    fn deadline(&self) -> Instant {
        let since = match *self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Waiting(since) => since,
            State::Elsewhere => Instant::now(),
        };
        since + self.limit
    }

    fn set(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    const LIMIT: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn silence_ends_it() {
        assert_eq!(Patience::new(LIMIT).wait(std::future::pending::<()>()).await, None);
    }

    #[tokio::test]
    async fn time_spent_elsewhere_is_not_counted() {
        let patience = Patience::new(LIMIT);
        let work = async {
            patience.elsewhere(sleep(LIMIT * 4)).await;
            sleep(LIMIT / 4).await;
            7
        };
        assert_eq!(patience.wait(work).await, Some(7));
    }

    #[tokio::test]
    async fn silence_after_work_elsewhere_ends_it() {
        let patience = Patience::new(LIMIT);
        let work = async {
            patience.elsewhere(sleep(LIMIT)).await;
            std::future::pending::<()>().await
        };
        assert_eq!(patience.wait(work).await, None);
    }
}
