//! What may be typed after `hop cp`?
//!
//! Main type: [`Cp`].

#![allow(rustdoc::broken_intra_doc_links, reason = "help texts, where brackets are brackets")]

use std::ffi::OsString;

use super::flag_groups::{Connection, OutputFlags, ProgressFlags, ScpPort};
use super::help;
use super::reliability::ReliabilityFlags;
use super::unattended::Unattended;
use super::values::{Count, DirectAuth, RouteChoice, SymlinkChoice, connections, lanes, peer, ssh_program};

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
    pub reliability: ReliabilityFlags,
    #[command(flatten)]
    pub unattended: Unattended,
    #[command(flatten)]
    pub port: ScpPort,
    #[command(flatten)]
    pub connection: Connection,
    #[command(flatten)]
    pub output: OutputFlags,
    #[command(flatten)]
    pub progress: ProgressFlags,
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
    pub symlinks: Option<SymlinkChoice>,
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
    #[command(flatten)]
    pub taken: ScpTakenFlags,
}

/// Flags of scp that are taken so that scripts written for it work, and change nothing.
#[derive(clap::Args, Debug)]
pub struct ScpTakenFlags {
    /// SFTP: always
    #[arg(short = 's', hide = true)]
    pub sftp: bool,
    /// SSH protocol 2: there is no other
    #[arg(short = '2', hide = true)]
    pub protocol_2: bool,
    /// The agent for the source of a direct copy, which hop lends one login instead
    #[arg(short = 'A', hide = true)]
    pub agent: bool,
    /// No checks of the names that a server of the old protocol sends: SFTP has no such names
    #[arg(short = 'T', hide = true)]
    pub no_name_checks: bool,
    /// The program that speaks SSH: only the system's own, in whose place hop is
    #[arg(short = 'S', value_name = "PROGRAM", hide = true, value_parser = ssh_program)]
    pub ssh_program: Option<String>,
    /// Requests and buffers of scp's own: hop finds out (--lanes)
    #[arg(short = 'X', value_name = "OPTION", hide = true)]
    pub sftp_options: Vec<String>,
}
