//! What does the engine ask a person? A secret, a yes or no, a line of text. `cli` asks on the terminal or by a
//! program; [`NoPrompt`]
//! answers nothing, which is what cron and `BatchMode yes` get.

use thiserror::Error;
use zeroize::Zeroizing;

/// Why there is no answer.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// There is no person to ask: no terminal, `-B`, or `BatchMode yes`.
    #[error("no terminal to ask on")]
    NobodyThere,
    /// The person did not answer (end of input, Ctrl-C).
    #[error("the question was not answered")]
    GivenUp,
}

/// Asks a person. Calls block: the engine makes them from a blocking task, one at a time.
pub trait Prompt: Send + Sync {
    /// Asks with the echo off: a passphrase, a password, a one-time code.
    fn secret(&self, question: &str) -> Result<Zeroizing<String>, NoAnswer>;
    /// Asks for one line, shown as it is typed.
    fn answer(&self, question: &str) -> Result<String, NoAnswer>;
    /// Asks for leave to do `what`, which a person gives by a yes.
    fn agrees(&self, what: &str) -> Result<bool, NoAnswer> {
        let answer = self.answer(&format!("{what}? [y/N] "))?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
    /// Whether a person can be asked; callers check this before they prepare a question.
    fn is_there(&self) -> bool;
}

/// A prompt without a person.
pub struct NoPrompt;

impl Prompt for NoPrompt {
    fn secret(&self, _: &str) -> Result<Zeroizing<String>, NoAnswer> {
        Err(NoAnswer::NobodyThere)
    }

    fn answer(&self, _: &str) -> Result<String, NoAnswer> {
        Err(NoAnswer::NobodyThere)
    }

    fn is_there(&self) -> bool {
        false
    }
}
