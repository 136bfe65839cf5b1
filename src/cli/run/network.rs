//! How do connection flags become ways? The configuration is read once, and all hosts of a run share one chain.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::chain::{Chain, Way};
use crate::config::{Configuration, Flags, Host, Origin};
use crate::error::Error;
use crate::forward;
use crate::progress::{Event, Observer};
use crate::prompt::{NoPrompt, Prompt};
use crate::target::HostSpec;

use super::verb_run::Run;
use crate::cli::args::values::Count;
use crate::cli::env::environment::Environment;
use crate::cli::env::host_env;
use crate::cli::output::person::PersonPrompt;

/// The window of each channel of a shell or a tunnel, in bytes: ssh's own value. With more, many tunnels at once would
/// need too much memory.
const SSH_WINDOW: u32 = 2 * 1024 * 1024;
/// The most sessions of one run: the shell's, the one for listeners on the host, and those of the tunnels.
const SSH_LANES: usize = 2 + forward::MOST_SESSIONS;

/// The hosts that can be reached in one run.
pub struct Network {
    configuration: Configuration,
    chain: Chain,
    run: Arc<Run>,
}

/// Who is asked: nobody with `-B`.
fn prompt(flags: &Flags, environment: &Environment, run: &Arc<Run>) -> Arc<dyn Prompt> {
    match flags.batch {
        true => Arc::new(NoPrompt),
        false => Arc::new(PersonPrompt::of(&environment.variables, &run.reporter)),
    }
}

impl Network {
    /// Reads the configuration; opens nothing.
    pub fn read(flags: Flags, environment: &Environment, run: &Arc<Run>) -> Result<Network, Error> {
        let chain = Chain::new(prompt(&flags, environment, run), run.reporter.clone());
        Network::over(chain, flags, environment, run)
    }

    /// The same for `hop ssh`, whose ProxyCommands write to its own standard error, `errors`.
    pub fn read_for_ssh(
        flags: Flags,
        environment: &Environment,
        run: &Arc<Run>,
        errors: Arc<OwnedFd>,
    ) -> Result<Network, Error> {
        let chain = Chain::with_proxy_errors(prompt(&flags, environment, run), run.reporter.clone(), errors);
        Network::over(chain, flags, environment, run)
    }

    fn over(chain: Chain, flags: Flags, environment: &Environment, run: &Arc<Run>) -> Result<Network, Error> {
        let configuration = Configuration::load(flags, host_env::of_this_process(environment.variables.clone()))?;
        Ok(Network { configuration, chain, run: run.clone() })
    }

    /// The same network, for hosts to which other flags apply.
    pub fn with(&self, flags: Flags, environment: &Environment) -> Result<Network, Error> {
        let configuration = Configuration::load(flags, host_env::of_this_process(environment.variables.clone()))?;
        Ok(Network { configuration, chain: self.chain.clone(), run: self.run.clone() })
    }

    /// Spreads the lanes of a copy over this many TCP connections.
    pub fn spread_over(mut self, connections: Count) -> Network {
        if let Count::Exactly(connections) = connections {
            self.chain = self.chain.with_connections(connections);
        }
        self
    }

    /// The way to a host, through its jumps.
    pub fn way(&self, host: &HostSpec) -> Result<Way, Error> {
        Ok(self.way_over(self.resolve(host)?))
    }

    /// The way over these hosts, of which the last is the target.
    pub fn way_over(&self, hosts: Vec<Host>) -> Way {
        self.chain.way(hosts)
    }

    /// The way to a host for a shell and its tunnels, each lane a session of its own: over the same bastions, or over a
    /// TCP connection of its own if there are none.
    pub fn way_for_ssh(&self, host: &HostSpec) -> Result<Way, Error> {
        let hops = self.resolve(host)?;
        let connections = if hops.len() == 1 { SSH_LANES } else { 1 };
        Ok(self.chain.clone().with_connections(connections).with_window(SSH_WINDOW).way(hops))
    }

    /// The hosts on the way to a host, which is itself the last.
    pub fn resolve(&self, host: &HostSpec) -> Result<Vec<Host>, Error> {
        let hops = self.configuration.resolve(host)?;
        self.run.remember(&hops);
        for (hop, said) in hops.iter().flat_map(|hop| hop.not_honoured.iter().map(move |said| (hop, said))) {
            let text = format!("{}: not honoured: {} ({})", hop.alias, said.setting.value, said.setting.origin);
            self.run.reporter.event(Event::Detail(text));
        }
        Ok(hops)
    }

    /// The lines of `ssh -G`.
    pub fn dump(&self, host: &HostSpec) -> Result<Vec<(String, String, Origin)>, Error> {
        Ok(self.configuration.dump(host)?)
    }
}
