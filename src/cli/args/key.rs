//! What may be typed after `hop key`.

#![allow(rustdoc::broken_intra_doc_links, reason = "help texts, where brackets are brackets")]

use std::path::PathBuf;

use clap::Subcommand;

use super::help;

/// Look after the key files that the configuration names
#[derive(clap::Args, Debug)]
#[command(after_help = help::KEY, subcommand_required = true, arg_required_else_help = true)]
pub struct Key {
    /// Read this instead of ~/.ssh/config and /etc/ssh/ssh_config
    #[arg(short = 'F', value_name = "FILE", global = true)]
    pub config_file: Option<PathBuf>,
    #[command(subcommand)]
    pub task: KeyTask,
}

/// What is done with them.
#[derive(Subcommand, Debug)]
pub enum KeyTask {
    /// List each key: type, fingerprint, owner, mode, the hosts that use it, and what is wrong with it
    Check(CheckFlags),
    /// Take from others the right to read or change a key, after asking
    Fix(Fix),
}

/// `hop key check`.
#[derive(clap::Args, Debug)]
pub struct CheckFlags {
    /// Key files [default: those that the configuration names, and ~/.ssh/id_* where they are]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// `hop key fix`.
#[derive(clap::Args, Debug)]
pub struct Fix {
    /// Key files [default: those that the configuration names, and ~/.ssh/id_* where they are]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Do not ask
    #[arg(short = 'y')]
    pub yes: bool,
}
