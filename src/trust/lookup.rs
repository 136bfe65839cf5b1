//! Where is a host looked up, and under which name? [`Lookup`] holds this for a resolved host; the files and the
//! command it names are read here.

use std::net::IpAddr;
use std::path::PathBuf;

use tokio::task::spawn_blocking;

use super::command::{Invocation, KnownHostsCommand};
use super::error::TrustError;
use super::known_hosts::{KnownHostsText, KnownSource, SHORTEST_RSA};
use super::policy::Policy;
use super::presented::Presented;
use super::record::Naming;

/// The name of a host in known_hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupName {
    /// The hostname as resolved, with the port if that is not 22.
    Host {
        /// Hostname or address.
        hostname: String,
        /// TCP port.
        port: u16,
    },
    /// `HostKeyAlias`: no port.
    Alias(String),
}

impl LookupName {
    /// The name as written in a hosts field: `host`, `[host]:2222`.
    pub fn as_known(&self) -> String {
        match self {
            LookupName::Host { hostname, port } => with_port(&hostname.to_ascii_lowercase(), *port),
            LookupName::Alias(alias) => alias.to_ascii_lowercase(),
        }
    }

    /// The name without its port, as the principals of a certificate are written.
    pub(super) fn bare(&self) -> String {
        match self {
            LookupName::Host { hostname, .. } => hostname.to_ascii_lowercase(),
            LookupName::Alias(alias) => alias.to_ascii_lowercase(),
        }
    }

    fn port(&self) -> u16 {
        match self {
            LookupName::Host { port, .. } => *port,
            LookupName::Alias(_) => 22,
        }
    }
}

pub(super) fn with_port(host: &str, port: u16) -> String {
    if port == 22 { host.to_owned() } else { format!("[{host}]:{port}") }
}

/// Where to look a host up, and how strict to be: a property of the resolved host.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// The name to look up.
    pub name: LookupName,
    /// The address that this machine dialled; `None` behind a jump or a ProxyCommand.
    pub address: Option<IpAddr>,
    /// The port that was dialled, under which the address is known (an alias has none).
    pub port: u16,
    /// `UserKnownHostsFile`; new keys go to the first file.
    pub user_files: Vec<PathBuf>,
    /// `GlobalKnownHostsFile`.
    pub global_files: Vec<PathBuf>,
    /// `RevokedHostKeys`: public keys, one per line, or a key revocation list.
    pub revoked_keys: Option<PathBuf>,
    /// `StrictHostKeyChecking`.
    pub policy: Policy,
    /// `HashKnownHosts`.
    pub naming: Naming,
    /// `KnownHostsCommand`.
    pub command: Option<KnownHostsCommand>,
    /// `CheckHostIP`: the address is looked up too.
    pub check_address: bool,
    /// `RequiredRSASize`: the shortest RSA host key accepted, in bits; never below [`SHORTEST_RSA`].
    pub shortest_rsa: u32,
    /// `CASignatureAlgorithms`: the algorithms an authority may sign certificates with; `None` for all that hop
    /// supports.
    pub authority_signatures: Option<Vec<String>>,
    /// `NoHostAuthenticationForLocalhost`: any key is accepted from a loopback address without an alias.
    pub trust_loopback: bool,
}

impl Lookup {
    /// The strictest lookup: no files, and nothing accepted.
    pub fn new(name: LookupName) -> Lookup {
        Lookup {
            port: name.port(),
            name,
            address: None,
            user_files: Vec::new(),
            global_files: Vec::new(),
            revoked_keys: None,
            policy: Policy::Strict,
            naming: Naming::Plain,
            command: None,
            check_address: false,
            shortest_rsa: SHORTEST_RSA,
            authority_signatures: None,
            trust_loopback: false,
        }
    }

    pub(super) fn takes_any_key(&self) -> bool {
        let loopback = self.address.is_some_and(|address| address.is_loopback());
        self.trust_loopback && loopback && matches!(self.name, LookupName::Host { .. })
    }

    /// The address to look up under `CheckHostIP`; `None` for loopback, and if the address is itself the name.
    pub(super) fn address_as_known(&self) -> Option<String> {
        let address = self.address.filter(|address| self.check_address && !address.is_loopback())?;
        let known = with_port(&address.to_string(), self.port);
        (known != self.name.bare()).then_some(known)
    }
}

/// Reads all files of the lookup, the user's first.
pub(super) async fn read_known_hosts(lookup: &Lookup) -> Result<Vec<KnownHostsText>, TrustError> {
    let sources = [(&lookup.user_files, KnownSource::User), (&lookup.global_files, KnownSource::Global)];
    let files: Vec<_> = sources.iter().flat_map(|(files, s)| files.iter().map(|file| (file.clone(), *s))).collect();
    let read = spawn_blocking(move || {
        let read = |(file, source): (PathBuf, KnownSource)| match KnownHostsText::read(&file, source) {
            Ok(page) => page.map(Ok),
            Err(source) => Some(Err(TrustError::Read { file, source })),
        };
        files.into_iter().filter_map(read).collect()
    });
    read.await.unwrap_or_else(|error| {
        let file = lookup.user_files.first().cloned().unwrap_or_default();
        Err(TrustError::Read { file, source: std::io::Error::other(error) })
    })
}

pub(super) async fn ask_command(
    lookup: &Lookup,
    invocation: Invocation,
    name: &str,
    presented: Option<&Presented>,
) -> Result<Option<KnownHostsText>, TrustError> {
    let Some(command) = &lookup.command else { return Ok(None) };
    match command.run(invocation, name, presented).await {
        Ok(page) => Ok(Some(page)),
        Err(problem) => Err(TrustError::Command { host: lookup.name.as_known(), problem }),
    }
}
