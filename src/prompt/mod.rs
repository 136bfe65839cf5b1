//! What the engine asks a person, and clocks that stand still meanwhile: [`Prompt`],
//! [`PausableClock`]. Who the person is, is the front door's business.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `question` `pausable_clock` | one question; a clock |

mod pausable_clock;
mod question;

pub use pausable_clock::PausableClock;
pub use question::{NoAnswer, NoPrompt, Prompt};
