//! Which flags do several verbs share? Those about the connection, the output and the progress, as scp and ssh have
//! them.
//!
//! Main types: [`Connection`], [`OutputFlags`], [`ProgressFlags`], [`ScpPort`].

#![allow(rustdoc::broken_intra_doc_links, reason = "help texts, where brackets are brackets")]

use std::path::PathBuf;

use clap::ArgAction;

use super::values::{ProgressChoice, identity, jumps, port};
use crate::config::Patterned;

/// The port, as scp spells it.
#[derive(clap::Args, Debug)]
pub struct ScpPort {
    /// Port of the host, not of its jumps [default: from ssh_config, else 22]
    #[arg(short = 'P', value_name = "PORT", value_parser = port, help_heading = "Connection")]
    pub port: Option<u16>,
    /// Never ask for anything: no passphrase, no password, no unknown host key [default: ask on the terminal]
    #[arg(short = 'B', help_heading = "Connection")]
    pub batch: bool,
}

/// How hosts are reached: the same for every verb.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// Log in with this key, on the jumps too; with PATTERN= only on hosts that match, and on the jumps that lead to
    /// them. May be repeated [default: IdentityFile of ssh_config, the agent, ~/.ssh/id_*]
    #[arg(short = 'i', value_name = "[PATTERN=]FILE", value_parser = identity)]
    pub identities: Vec<Patterned<PathBuf>>,
    /// Go through these hosts, [USER@]HOST[:PORT] with commas between; with PATTERN= only to hosts that match. May be
    /// repeated [default: ProxyJump of ssh_config]
    #[arg(short = 'J', value_name = "[PATTERN=]JUMPS", value_parser = jumps)]
    pub jumps: Vec<Patterned<String>>,
    /// Read this instead of ~/.ssh/config and /etc/ssh/ssh_config; `none` reads nothing
    #[arg(short = 'F', value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// Any option of ssh_config for the host (not its jumps, as with ssh). May be repeated
    #[arg(short = 'o', value_name = "KEY=VALUE")]
    pub options: Vec<String>,
    /// Ciphers to offer, with commas between, best first [default: from ssh_config]
    #[arg(short = 'c', value_name = "CIPHERS")]
    pub ciphers: Option<String>,
    /// Compress on the way: pays on slow links only [default: from ssh_config, else off]
    #[arg(short = 'C')]
    pub compression: bool,
    /// IPv4 only [default: both]
    #[arg(short = '4', conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// IPv6 only [default: both]
    #[arg(short = '6')]
    pub ipv6: bool,
}

/// What is said on the way.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Output")]
pub struct OutputFlags {
    /// Say nothing but errors
    #[arg(short = 'q')]
    pub quiet: bool,
    /// Say each step on the way; more with -vv
    #[arg(short = 'v', action = ArgAction::Count)]
    pub verbose: u8,
}

/// How far it is, and for whom that is said.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Output")]
pub struct ProgressFlags {
    /// Say what happens as JSON on standard output, one object a line; the last one is the summary
    #[arg(long)]
    pub json: bool,
    /// auto, bar (on a terminal), plain (a line every 10 s) or none [env: HOP_PROGRESS] [default: auto: bar on a
    /// terminal, plain under -v, else none]
    #[arg(long, value_name = "HOW", value_enum, hide_possible_values = true)]
    pub progress: Option<ProgressChoice>,
}
