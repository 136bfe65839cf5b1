//! What the engine asks a person, one question at a time, and clocks that stand still meanwhile: [`Prompt`], [`Asking`],
//! [`PausableClock`]. Who the person is, is the front door's business.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `asking` | the queue of questions |
//! | `question` `pausable_clock` | one question; a clock |

mod asking;
mod pausable_clock;
mod question;

pub use asking::Asking;
pub use pausable_clock::PausableClock;
pub use question::{NoAnswer, NoPrompt, Prompt};
