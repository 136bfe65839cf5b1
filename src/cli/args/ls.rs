//! What may be typed after `hop ls`?
//!
//! Main type: [`Ls`].

#![allow(rustdoc::broken_intra_doc_links, reason = "help texts, where brackets are brackets")]

use std::ffi::OsString;
use std::time::Duration;

use clap::ArgAction;

use super::flag_groups::{Connection, OutputFlags, ScpPort};
use super::help;
use super::units;

/// List files on hosts
#[derive(clap::Args, Debug)]
#[command(args_override_self = true, after_help = help::LS, disable_help_flag = true)]
pub struct Ls {
    /// What to list: [USER@]HOST:PATH, or sftp://[USER@]HOST[:PORT]/PATH. Wildcards are matched on that host; HOST:
    /// alone is the home folder
    #[arg(value_name = "HOST:PATH", required = true)]
    pub targets: Vec<OsString>,

    #[command(flatten)]
    pub listing: ListingFlags,
    /// A host from which nothing comes for so long is lost: 90s, 5m [env: HOP_TIMEOUT] [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = units::duration, help_heading = "Connection")]
    pub timeout: Option<Duration>,
    #[command(flatten)]
    pub port: ScpPort,
    #[command(flatten)]
    pub connection: Connection,
    #[command(flatten)]
    pub output: OutputFlags,
    /// Print this help (-h means --human here, as in ls)
    #[arg(long, action = ArgAction::Help)]
    pub help: Option<bool>,
}

/// What is listed, and how.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Listing")]
pub struct ListingFlags {
    /// One entry a line with mode, owner, size and time (UTC)
    #[arg(short = 'l')]
    pub long: bool,
    /// Names that begin with a dot too
    #[arg(short = 'a')]
    pub all: bool,
    /// Sizes as 1.5K, 23M, 4.0G
    #[arg(short = 'h')]
    pub human: bool,
    /// Folders below folders too
    #[arg(short = 'R')]
    pub recursive: bool,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}
