//! What may be typed? The verbs.
//!
//! Main type: [`Args`]. Words are kept as typed; `settings.rs` gives them a meaning and an origin. Flags of scp and ssh
//! that hop does not have are not listed here: `parse.rs` says why.

#![allow(rustdoc::broken_intra_doc_links, reason = "help texts, where brackets are brackets")]

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};

use super::cp::Cp;
#[cfg(feature = "demo")]
use super::demo::Demo;
use super::doctor::Doctor;
use super::help;
use super::hosts::Hosts;
use super::key::Key;
use super::ls::Ls;
use super::ssh::Ssh;
use super::sync::Sync;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Copy files and run commands across bastion hosts; keys never leave this machine.
#[derive(Parser, Debug)]
#[command(name = "hop", version, propagate_version = true, styles = STYLES, max_term_width = 100, after_help = help::HOP)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Verb {
    Cp(Box<Cp>),
    Sync(Box<Sync>),
    Ls(Ls),
    Ssh(Box<Ssh>),
    Doctor(Box<Doctor>),
    Key(Key),
    Hosts(Hosts),
    #[cfg(feature = "demo")]
    Demo(Demo),
}
