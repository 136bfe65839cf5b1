//! What do all verbs share? A run from its start to its exit code, the hosts it can reach, and this process.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `network` `unattended` | the hosts of a run; its lock, its log, its receipt |
//! | `verb_run` | a run from start to exit code |
//! | `process` | signals, panics, core dumps |

pub mod network;
pub mod process;
pub mod unattended;
pub mod verb_run;
