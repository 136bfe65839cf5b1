//! What is printed, and where? The screen, JSON, logs and receipts, questions, and strangers' bytes made harmless.
//!
//! Main type: [`reporter::Reporter`]. It shows progress with one of these faces:
//!
//! | face | where | what it shows |
//! | --- | --- | --- |
//! | bars | a terminal | nothing for 250 ms, then a bar for each large file and a total, 15 times a second at most |
//! | plain | `--progress plain`, `-v` | a line every ten seconds |
//! | none | elsewhere, `-q` | failures and remarks only |
//!
//! [`journal`] and [`receipt`] write their files meanwhile, on the same thread.
//!
//! Messages for people go to standard error; standard output is for data: [`json`] and the plan of a dry run.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `person` | who is asked: the terminal or a program |
//! | `library_log` `terminal` `askpass` | the log of the SSH library; questions |
//! | `reporter` | takes events from the engine without ever making it wait |
//! | `worker` | the thread that owns the screen |
//! | `bars` `plain` `journal` `receipt` `lines` | the forms in which events are shown or written |
//! | `json` `meter` `stderr` `stdout` | objects, rates, lines |
//! | `summary` `display` `numbers` `safe` `timestamps` | what these need |

pub mod askpass;
pub mod bars;
pub mod display;
pub mod journal;
pub mod json;
pub mod library_log;
pub mod lines;
pub mod meter;
pub mod numbers;
pub mod person;
pub mod plain;
pub mod receipt;
pub mod reporter;
pub mod safe;
pub mod stderr;
pub mod stdout;
pub mod summary;
pub mod terminal;
pub mod timestamps;
pub mod worker;
