//! A person at the keyboard, scripted: answers in order, and remembers what was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use hop::auth::Keyring;
use hop::progress::{Event, Observer, Silent};
use hop::prompt::{Asking, NoAnswer, Prompt};
use zeroize::Zeroizing;

/// Answers from a list; gives up at its end.
pub struct Person {
    answers: Mutex<VecDeque<String>>,
    asked: Mutex<Vec<String>>,
}

impl Person {
    pub fn who_says(answers: &[&str]) -> Arc<Person> {
        let answers = answers.iter().map(|answer| (*answer).to_owned()).collect();
        Arc::new(Person { answers: Mutex::new(answers), asked: Mutex::default() })
    }

    /// What was asked so far, `shown: ` before what is not hidden.
    pub fn was_asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic while it is held").clone()
    }

    /// A keyring that asks this person.
    pub fn keyring(self: &Arc<Self>) -> Keyring {
        Keyring::new(Asking::new(self.clone()), Arc::new(Silent))
    }

    fn next(&self, question: String) -> Result<String, NoAnswer> {
        self.asked.lock().expect("no panic while it is held").push(question);
        self.answers.lock().expect("no panic while it is held").pop_front().ok_or(NoAnswer::GivenUp)
    }
}

impl Prompt for Person {
    fn secret(&self, question: &str) -> Result<Zeroizing<String>, NoAnswer> {
        self.next(question.to_owned()).map(Zeroizing::new)
    }

    fn answer(&self, question: &str) -> Result<String, NoAnswer> {
        self.next(format!("shown: {question}"))
    }

    fn is_there(&self) -> bool {
        true
    }
}

/// A keyring with nobody to ask.
pub fn alone() -> Keyring {
    Keyring::new(Asking::nobody(), Arc::new(Silent))
}

/// Keeps what it is told.
#[derive(Default)]
pub struct Notes(Mutex<Vec<Event>>);

impl Notes {
    pub fn text(&self) -> String {
        format!("{:#?}", self.0.lock().expect("no panic while it is held"))
    }
}

impl Observer for Notes {
    fn event(&self, event: Event) {
        self.0.lock().expect("no panic while it is held").push(event);
    }
}
