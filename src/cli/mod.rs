//! The front door: the only room that prints, prompts, reads the environment and exits.
//!
//! | file | question |
//! | --- | --- |
//! | `args` `options` `refused` `help` | what may be typed, what is refused and why, what a person reads about it |
//! | `settings` | flag > `HOP_*` > ssh_config > default, each value with its origin |
//! | [`report`] | what is said while a verb works: bars, plain lines, JSON |
//! | `ask` | questions on the terminal |
//! | [`safe`] | strangers' bytes made harmless |

mod args;
pub mod ask;
mod help;
mod options;
mod refused;
pub mod report;
pub mod safe;
mod settings;
