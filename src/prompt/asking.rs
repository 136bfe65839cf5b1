//! Who is asked next? One question is open at a time, whichever hop of whichever way it is about: [`Asking`], the queue of all
//! who ask the person, and a clock that stands still meanwhile.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::pausable_clock::PausableClock;
use super::question::{NoPrompt, Prompt};

/// A person who can be asked, and who is asked one thing at a time.
pub struct Asking {
    person: Arc<dyn Prompt>,
    turn: Arc<Mutex<()>>,
    /// Stands still while a question is open.
    clock: Arc<PausableClock>,
}

impl Asking {
    /// Asks `person`.
    pub fn new(person: Arc<dyn Prompt>) -> Arc<Asking> {
        Arc::new(Asking { person, turn: Arc::default(), clock: PausableClock::running() })
    }

    /// Nobody is there.
    pub fn nobody() -> Arc<Asking> {
        Asking::new(Arc::new(NoPrompt))
    }

    /// True when a person could answer; asking them costs nothing before this is known.
    pub fn is_there(&self) -> bool {
        self.person.is_there()
    }

    /// A question is open.
    pub fn is_open(&self) -> bool {
        self.clock.is_paused()
    }

    /// Has `talk` ask, a question or several in a row, once nobody else does. It goes on when the asker has gone: its question
    /// is still on the screen. `None` when it panicked.
    pub async fn ask<T: Send + 'static>(&self, talk: impl FnOnce(&dyn Prompt) -> T + Send + 'static) -> Option<T> {
        let open = self.clock.pause();
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let person = Arc::clone(&self.person);
        let talking = tokio::task::spawn_blocking(move || {
            let said = talk(&*person);
            drop((turn, open));
            said
        });
        talking.await.ok()
    }

    /// Runs `work` for at most `limit`, not counting the time a question is open.
    ///
    /// # Errors
    /// `limit`, when that was not enough.
    pub async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Result<T, Duration> {
        let end = self.clock.elapsed() + limit;
        self.clock.until(|| end, work).await.ok_or(limit)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::task::JoinSet;
    use zeroize::Zeroizing;

    use super::super::question::NoAnswer;
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
        let work = async move { question.ask(|person| person.answer("well?")).await };
        let answer = asking.within(Duration::from_millis(300), work).await;
        assert_eq!(answer.unwrap().unwrap(), Ok("yes".into()));
    }

    /// Answers slowly, and notices who asks meanwhile.
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

    #[tokio::test]
    async fn questions_of_any_kind_stand_one_at_a_time() {
        let person = Arc::new(Busy::default());
        let asking = Asking::new(person.clone());
        let mut askers = JoinSet::new();
        for _ in 0..4 {
            let (one, other) = (asking.clone(), asking.clone());
            askers.spawn(async move { one.ask(|person| person.secret("password: ").map(drop)).await });
            askers.spawn(async move { other.ask(|person| person.answer("yes or no? ").map(drop)).await });
        }
        assert!(askers.join_all().await.into_iter().all(|answer| answer == Some(Ok(()))));
        assert_eq!(person.most.load(Ordering::Acquire), 1);
    }

    /// Answers when it is told what.
    struct Patient(std::sync::Mutex<std::sync::mpsc::Receiver<String>>);

    impl Prompt for Patient {
        fn secret(&self, _: &str) -> Result<Zeroizing<String>, NoAnswer> {
            Err(NoAnswer::GivenUp)
        }
        fn answer(&self, _: &str) -> Result<String, NoAnswer> {
            self.0.lock().unwrap().recv().map_err(|_| NoAnswer::GivenUp)
        }
        fn is_there(&self) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn a_question_stands_until_it_is_answered_though_its_asker_has_gone() {
        let (tell, told) = std::sync::mpsc::channel();
        let asking = Asking::new(Arc::new(Patient(told.into())));
        let first = asking.ask(|person| person.answer("the first? "));
        assert!(tokio::time::timeout(Duration::from_millis(20), first).await.is_err());
        assert!(asking.is_open());
        ["to the first", "to the second"].iter().for_each(|answer| tell.send((*answer).to_owned()).unwrap());
        let second = asking.ask(|person| person.answer("the second? ")).await;
        assert_eq!(second, Some(Ok("to the second".to_owned())));
    }

    #[tokio::test]
    async fn work_that_never_ends_is_given_up() {
        let asking = Asking::nobody();
        let outcome = asking.within(Duration::from_millis(250), std::future::pending::<()>()).await;
        assert_eq!(outcome, Err(Duration::from_millis(250)));
    }
}
