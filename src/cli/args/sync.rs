//! What may be typed after `hop sync`?
//!
//! Main types: [`Sync`]; [`Syncing`], the flags it has beyond those of `cp`.

#![allow(rustdoc::broken_intra_doc_links, reason = "help texts, where brackets are brackets")]

use std::ffi::OsString;

use super::cp::Cp;
use super::help;

/// Make a folder what another one is: what is unchanged stays, what is too much can go
#[derive(clap::Args, Debug)]
#[command(args_override_self = true, after_help = help::SYNC)]
#[command(mut_arg("recursive", |arg| arg.hide(true)), mut_arg("preserve", |arg| arg.hide(true)))]
pub struct Sync {
    #[command(flatten)]
    pub syncing: Syncing,
    #[command(flatten)]
    pub cp: Cp,
}

/// What is left out, and what goes.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Syncing")]
pub struct Syncing {
    /// Remove what the source has not, once everything has arrived, and what is in the way of it [default: leave it]
    #[arg(long)]
    pub delete: bool,
    /// Remove nothing at all when it would be more than N entries
    #[arg(long, value_name = "N", requires = "delete", default_value_t = 1000)]
    pub max_delete: u64,
    /// Leave out entries that match, at both ends: a name (*.tmp), a path (target/debug), from the root of SRC (/build), a
    /// folder (cache/). May be repeated
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<OsString>,
    /// Keep entries that match, though --exclude would leave them out. May be repeated
    #[arg(long, value_name = "PATTERN")]
    pub include: Vec<OsString>,
    /// Compare contents (SHA-256), not times
    #[arg(long)]
    pub checksum: bool,
}
