//! What may be typed: the verbs and their flags, as scp and ssh have them, and the help a person reads.
//!
//! Main type: [`Args`]. Words are taken as they stand; `settings.rs` gives them meaning and an origin. Flags of scp and
//! ssh that hop does not have are no part of this file: `refused.rs` says why.

#![allow(rustdoc::broken_intra_doc_links, reason = "help texts, where brackets are brackets")]

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, Parser, Subcommand};

use crate::config::Patterned;

use super::doctor::Doctor;
use super::help;
use super::hosts::Hosts;
use super::key::Key;
use super::reliability::Lasting;
use super::ssh::Ssh;
use super::units;
use super::values::{
    Count, DirectAuth, ProgressChoice, RouteChoice, Symlinks, connections, identity, jumps, lanes, peer, port,
};
use crate::cli::run::unattended::Unattended;
use crate::cli::verbs::sync::Sync;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Copy files and run commands across bastion hosts; keys never leave this machine.
#[derive(Parser, Debug)]
#[command(name = "hop", version, styles = STYLES, max_term_width = 100, after_help = help::HOP)]
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

/// Copy files: up, down, or from one host to another
#[derive(clap::Args, Debug)]
#[command(args_override_self = true, after_help = help::CP)]
pub struct Cp {
    /// PATH here, [USER@]HOST:PATH, or scp://[USER@]HOST[:PORT]/PATH. Wildcards after HOST: are matched on that host;
    /// ~ and ~user are homes there. A local name with a colon is written ./a:b
    #[arg(value_name = "SRC", required = true)]
    pub sources: Vec<OsString>,
    /// A file name or a folder. HOST: alone is the home folder there
    #[arg(value_name = "DST")]
    pub destination: OsString,

    #[command(flatten)]
    pub copying: Copying,
    #[command(flatten)]
    pub lasting: Lasting,
    #[command(flatten)]
    pub unattended: Unattended,
    #[command(flatten)]
    pub port: ScpPort,
    #[command(flatten)]
    pub connection: Connection,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub progress: Progress,
}

/// What is copied, and how.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Copying")]
pub struct Copying {
    /// Copy folders with all that is in them
    #[arg(short = 'r')]
    pub recursive: bool,
    /// Keep times and mode bits [default: times of arrival, mode bits less the umask]
    #[arg(short = 'p')]
    pub preserve: bool,
    /// Symbolic links: follow (copy what they point to), keep (copy the link) or skip [default: follow, as scp]
    #[arg(long, value_name = "HOW", value_enum, hide_possible_values = true)]
    pub symlinks: Option<Symlinks>,
    /// Say what would be copied, how many bytes, which way and why; write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Host to host: direct (straight, or not at all), relay (through this machine, no temporary file), or auto: direct
    /// where it can be proven safe, else relay [env: HOP_ROUTE] [default: auto]
    #[arg(long, value_name = "ROUTE", value_enum, hide_possible_values = true, conflicts_with_all = ["relay", "direct"])]
    pub route: Option<RouteChoice>,
    /// The same as --route direct
    #[arg(short = 'R', conflicts_with = "relay")]
    pub direct: bool,
    /// The same as --route relay
    #[arg(short = '3')]
    pub relay: bool,
    /// Where the source finds the destination of a direct copy [default: HostName and Port of ssh_config]
    #[arg(long, value_name = "HOST[:PORT]", value_parser = peer)]
    pub peer_address: Option<(String, u16)>,
    /// Have the destination of a direct copy fetch, from the source at this address. Without it, the destination fetches
    /// where only that way is open
    #[arg(long, value_name = "HOST[:PORT]", value_parser = peer)]
    pub fetch_from: Option<(String, u16)>,
    /// What the source of a direct copy logs in with (the destination, where it fetches): agent (your key for the other
    /// host, which stays here, signs once) or ephemeral (a key made for this login, let in by a line in the other host's
    /// authorized_keys that is removed at once) [env: HOP_DIRECT_AUTH] [default: agent]
    #[arg(long, value_name = "AUTH", value_enum, hide_possible_values = true)]
    pub direct_auth: Option<DirectAuth>,
    /// Direct only where the signature is of use for that one login: both ends have OpenSSH 8.9 or later
    #[arg(long)]
    pub require_hostbound: bool,
    /// SFTP sessions that share the work: 1 to 64, or auto [env: HOP_LANES] [default: auto]
    #[arg(long, value_name = "N", value_parser = lanes)]
    pub lanes: Option<Count>,
    /// TCP connections to the first host of the way: 1 to 16, or auto [env: HOP_CONNECTIONS] [default: auto]
    #[arg(long, value_name = "N", value_parser = connections)]
    pub connections: Option<Count>,
    /// SFTP is always used; taken so that scripts written for scp work
    #[arg(short = 's', hide = true)]
    pub sftp: bool,
}

/// List files on hosts
#[derive(clap::Args, Debug)]
#[command(args_override_self = true, after_help = help::LS, disable_help_flag = true)]
pub struct Ls {
    /// What to list: [USER@]HOST:PATH, or sftp://[USER@]HOST[:PORT]/PATH. Wildcards are matched on that host; HOST:
    /// alone is the home folder
    #[arg(value_name = "HOST:PATH", required = true)]
    pub targets: Vec<OsString>,

    #[command(flatten)]
    pub listing: Listing,
    /// A host from which nothing comes for so long is lost: 90s, 5m [env: HOP_TIMEOUT] [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = units::duration, help_heading = "Connection")]
    pub timeout: Option<Duration>,
    #[command(flatten)]
    pub port: ScpPort,
    #[command(flatten)]
    pub connection: Connection,
    #[command(flatten)]
    pub output: Output,
    /// Print this help (-h means --human here, as in ls)
    #[arg(long, action = ArgAction::Help)]
    pub help: Option<bool>,
}

/// What is listed, and how.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Listing")]
pub struct Listing {
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

/// Show it all on this machine: two private networks, their bastions, and copies between them
#[cfg(feature = "demo")]
#[derive(clap::Args, Debug)]
#[command(after_help = help::DEMO)]
pub struct Demo {
    /// Leave the hosts running until Ctrl-C, and print the ssh_config that reaches them
    #[arg(long)]
    pub keep: bool,
}

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
pub struct Output {
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
pub struct Progress {
    /// Say what happens as JSON on standard output, one object a line; the last one is the summary
    #[arg(long)]
    pub json: bool,
    /// auto, bar (on a terminal), plain (a line every 10 s) or none [env: HOP_PROGRESS] [default: auto: bar on a
    /// terminal, plain under -v, else none]
    #[arg(long, value_name = "HOW", value_enum, hide_possible_values = true)]
    pub progress: Option<ProgressChoice>,
}
