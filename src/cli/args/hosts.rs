//! What may be typed after `hop hosts`.

#![allow(rustdoc::broken_intra_doc_links, reason = "help texts, where brackets are brackets")]

use std::path::PathBuf;

use clap::Subcommand;

use super::help;
use super::values::port;

/// Show the hosts of the configuration, each behind the bastion that leads to it; add one
#[derive(clap::Args, Debug)]
#[command(after_help = help::HOSTS)]
pub struct Hosts {
    /// Read this instead of ~/.ssh/config and /etc/ssh/ssh_config; `add` writes there
    #[arg(short = 'F', value_name = "FILE", global = true)]
    pub config_file: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    #[command(subcommand)]
    pub task: Option<HostsTask>,
}

/// What else can be done.
#[derive(Subcommand, Debug)]
pub enum HostsTask {
    /// Append a host to ~/.ssh/config, once it is sure that it would be reached as asked
    Add(Add),
}

/// `hop hosts add`.
#[derive(clap::Args, Debug)]
pub struct Add {
    /// What it will be called
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The name or address to connect to; of a host behind a bastion, the one in its own network
    #[arg(long, value_name = "ADDRESS")]
    pub address: String,
    /// Whom to log in as: ec2-user, ubuntu, admin, … [default: as ssh_config says, else your name here]
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// The key file to log in with [default: as ssh_config says, else the agent and ~/.ssh/id_*]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The bastion that leads to it, [USER@]HOST[:PORT] with commas between; a host of the configuration or an address
    #[arg(long, value_name = "JUMPS")]
    pub via: Option<String>,
    /// The port of its sshd [default: 22]
    #[arg(long, value_name = "PORT", value_parser = port)]
    pub port: Option<u16>,
}
