//! Everything that proves `hop`, in one binary. Each module is one question; a room's tests are one `mod` line here.
//!
//! **A missing tool is a loud skip.** Rust's harness knows no skipped test, so a test that needs a real component asks
//! [`skips::need`] first, and returns when it is not there:
//!
//! ```ignore
//! let Some(server) = need("sftp-server") else { return };
//! ```
//!
//! The skip is written to the file named by `HOP_SKIPS`; `tests/run` sets it, lists every skip at the end, and counts
//! them. With `CI=true` nothing may be skipped: `need` panics instead.
//!
//! **Real servers** come from [`street`]: four sshds on loopback, wired as two bastions with a private server each.
//! **Bad networks** come from [`wire`]: a TCP proxy that delays, throttles and cuts.

mod skips;

// the ground the tests stand on
mod meanwhile;
mod pseudorandom;
mod street;
mod wire;

// the rooms
mod auth;
mod chain;
mod cli;
mod config;
mod copy;
mod demo;
mod direct;
mod forward;
mod sftp;
mod shell;
mod transport;
mod trust;

// what a user does, and what may go wrong with it
mod cron;
mod docker;
mod doctor;
mod end_to_end;
mod failures;
mod makes;
mod untidy;
mod whole;

// a login lent to a host
mod lent;

// what servers run
mod scripts;

// what holds for the project's own text
mod readme;
mod tidy;
