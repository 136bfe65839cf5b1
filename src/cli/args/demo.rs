//! What may be typed after `hop demo`?

use super::help;

/// Show it all on this machine: two private networks, their bastions, and copies between them
#[derive(clap::Args, Debug)]
#[command(after_help = help::DEMO)]
pub struct Demo {
    /// Leave the hosts running until Ctrl-C, and print the ssh_config that reaches them
    #[arg(long)]
    pub keep: bool,
}
