//! What may be typed after `hop doctor`.

#![allow(rustdoc::broken_intra_doc_links, reason = "help texts, where brackets are brackets")]

use std::ffi::OsString;

use super::flag_groups::{Connection, OutputFlags};
use super::help;

/// Try each step of the way to a host, say what works and what does not, why, and what to do
#[derive(clap::Args, Debug)]
#[command(args_override_self = true, after_help = help::DOCTOR)]
pub struct Doctor {
    /// [USER@]HOST as for ssh, or HOST:PATH to look at the disk there. With two of them, what lies between them is looked at too: whether the first reaches the
    /// second and the other way round, and how fast
    #[arg(value_name = "HOST", required = true)]
    pub hosts: Vec<OsString>,
    /// Offer to repair what is wrong on this machine, asking before each change
    #[arg(long, conflicts_with = "json")]
    pub fix: bool,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Never ask for anything: no passphrase, no password, no unknown host key [default: ask on the terminal]
    #[arg(short = 'B', help_heading = "Connection")]
    pub batch: bool,

    #[command(flatten)]
    pub connection: Connection,
    #[command(flatten)]
    pub output: OutputFlags,
}
