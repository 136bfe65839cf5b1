//! What may be typed for runs that nobody watches?
//!
//! Main type: [`Unattended`]. What the flags do is in `run/unattended.rs`.

#![allow(rustdoc::broken_intra_doc_links, reason = "help texts, where brackets are brackets")]

use std::path::PathBuf;
use std::time::Duration;

use super::units;

/// What a run does besides its work.
#[derive(clap::Args, Debug, Clone, Default)]
#[command(next_help_heading = "Unattended")]
pub struct Unattended {
    /// One run at a time for this destination: a second one ends with exit code 75, or with =TIME waits so long for the
    /// first (90s, 10m, 2h) [default: no lock]
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, value_parser = units::duration)]
    pub lock: Option<Option<Duration>>,
    /// Append what happens to FILE, one JSON object a line; made with mode 0600
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// When the run has ended, well or badly, put a JSON document in FILE: each file with its size and hashes, the host
    /// keys of the way, times, exit code
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub receipt: Option<PathBuf>,
}
