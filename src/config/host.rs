//! A resolved host: every value `ssh` would use for it, and where each one came from.
//!
//! Main type: [`Host`]. Nothing here reads a file or decides precedence; see `typed.rs`.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::session_options::SessionOptions;
use crate::wildcard::match_pattern;

pub use super::origin::{Origin, Value};

/// `StrictHostKeyChecking`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StrictHostKeyChecking {
    /// Never add keys; refuse unknown and changed ones.
    #[default]
    Yes,
    /// Ask a person about unknown keys; refuse changed ones.
    Ask,
    /// Add unknown keys; refuse changed ones.
    AcceptNew,
    /// Add unknown keys. Unlike ssh, hop still refuses changed ones (see `trust`).
    Off,
}

/// `IdentityAgent`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum IdentityAgent {
    /// No agent at all (`none`).
    #[default]
    None,
    /// The path of a socket, already expanded; `SSH_AUTH_SOCK` has been resolved too.
    Socket(PathBuf),
}

/// How the byte stream to a host is opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Proxy {
    /// Directly, or through the hop before it in the list.
    #[default]
    None,
    /// `ProxyCommand`, run by a shell.
    Command {
        /// The shell: `$SHELL`, else `/bin/sh`, as with ssh.
        shell: PathBuf,
        /// The command line, tokens expanded.
        line: String,
        /// What carries SSH.
        carrier: ProxyCarrier,
    },
}

/// What a `ProxyCommand` gives (`ProxyUseFdpass`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyCarrier {
    /// Its standard streams, as long as it runs.
    #[default]
    Streams,
    /// A connected socket, which it passes on.
    PassedSocket,
}

/// A command whose tokens are expanded later, with the values known by then.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template {
    /// The text as written.
    pub text: String,
    /// The values of the tokens that the configuration knows.
    pub tokens: Vec<(char, String)>,
    /// The environment, for `${NAME}`.
    pub variables: HashMap<String, OsString>,
}

/// One resolved host to pass through or to end at; paths and tokens are expanded. `Host::default()` is a host about
/// which nothing is known: it has no name, and nothing is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Host {
    /// The host as typed on the command line or in `ProxyJump` (`%n`); errors use this name.
    pub alias: String,
    /// The name or address to dial (`%h`).
    pub hostname: Value<String>,
    /// TCP port.
    pub port: Value<u16>,
    /// The user to log in as.
    pub user: Value<String>,
    /// `ProxyCommand`, for the first hop or for one whose jump it replaces.
    pub proxy: Value<Proxy>,
    /// `IdentityFile` and `-i`, in order; `Origin::Default` marks the built-in list (`~/.ssh/id_…`), whose files may be
    /// absent.
    pub identity_files: Vec<Value<PathBuf>>,
    /// `CertificateFile`, in order.
    pub certificate_files: Vec<Value<PathBuf>>,
    /// `IdentitiesOnly`.
    pub identities_only: Value<bool>,
    /// `IdentityAgent`, or `SSH_AUTH_SOCK`.
    pub identity_agent: Value<IdentityAgent>,
    /// `AddKeysToAgent`.
    pub add_keys_to_agent: Value<AddKeysToAgent>,
    /// `UserKnownHostsFile`.
    pub user_known_hosts_files: Value<Vec<PathBuf>>,
    /// `GlobalKnownHostsFile`.
    pub global_known_hosts_files: Value<Vec<PathBuf>>,
    /// `KnownHostsCommand`, tokens not yet expanded, since some need the presented key.
    pub known_hosts_command: Option<Value<Template>>,
    /// `StrictHostKeyChecking`.
    pub strict_host_key_checking: Value<StrictHostKeyChecking>,
    /// `HostKeyAlias`.
    pub host_key_alias: Option<Value<String>>,
    /// `HashKnownHosts`.
    pub hash_known_hosts: Value<bool>,
    /// `CheckHostIP`.
    pub check_host_ip: Value<bool>,
    /// `NoHostAuthenticationForLocalhost`.
    pub no_host_authentication_for_localhost: Value<bool>,
    /// `UpdateHostKeys`.
    pub update_host_keys: Value<UpdateHostKeys>,
    /// `RevokedHostKeys`: keys that are never accepted.
    pub revoked_host_keys: Option<Value<PathBuf>>,
    /// `FingerprintHash` as `ssh -G` prints it: `SHA256`, `MD5`, …
    pub fingerprint_hash: Value<String>,
    /// `CASignatureAlgorithms`, the resulting list, if the user set one.
    pub ca_signature_algorithms: Option<Value<Vec<String>>>,
    /// `RequiredRSASize`, in bits.
    pub required_rsa_size: Value<u32>,
    /// `HostKeyAlgorithms`, the resulting list, if the user set one.
    pub host_key_algorithms: Option<Value<Vec<String>>>,
    /// `KexAlgorithms`, the resulting list, if the user set one.
    pub kex_algorithms: Option<Value<Vec<String>>>,
    /// `Ciphers`, the resulting list, if the user set one.
    pub ciphers: Option<Value<Vec<String>>>,
    /// `MACs`, the resulting list, if the user set one.
    pub macs: Option<Value<Vec<String>>>,
    /// `PubkeyAcceptedAlgorithms`, the resulting list, if the user set one.
    pub pubkey_accepted_algorithms: Option<Value<Vec<String>>>,
    /// `PreferredAuthentications`, in order.
    pub preferred_authentications: Value<Vec<String>>,
    /// `PubkeyAuthentication` (`unbound` and `host-bound` count as yes).
    pub pubkey_authentication: Value<bool>,
    /// `PasswordAuthentication`.
    pub password_authentication: Value<bool>,
    /// `KbdInteractiveAuthentication`.
    pub kbd_interactive_authentication: Value<bool>,
    /// `KbdInteractiveDevices`, as it is sent to the server.
    pub kbd_interactive_devices: Option<Value<String>>,
    /// `NumberOfPasswordPrompts`.
    pub number_of_password_prompts: Value<u32>,
    /// `AddressFamily`.
    pub address_family: Value<AddressFamily>,
    /// `BindAddress`.
    pub bind_address: Option<Value<String>>,
    /// `BindInterface`.
    pub bind_interface: Option<Value<String>>,
    /// `Compression`.
    pub compression: Value<bool>,
    /// `ConnectionAttempts`.
    pub connection_attempts: Value<u32>,
    /// `ConnectTimeout`; `None` keeps hop's own limits.
    pub connect_timeout: Option<Value<Duration>>,
    /// `TCPKeepAlive`.
    pub tcp_keep_alive: Value<bool>,
    /// `ServerAliveInterval`; zero = off.
    pub server_alive_interval: Value<Duration>,
    /// `ServerAliveCountMax`.
    pub server_alive_count_max: Value<u32>,
    /// `BatchMode`: never ask a person.
    pub batch_mode: Value<bool>,
    /// `ForwardAgent`.
    pub forward_agent: Value<bool>,
    /// `VersionAddendum`: what follows hop's name in the version sent to the server.
    pub version_addendum: Option<Value<String>>,
    /// `WarnWeakCrypto`. Unlike ssh 10, hop warns only where it is set.
    pub warn_weak_crypto: Value<bool>,
    /// `RekeyLimit` in bytes and seconds; `None` if not set.
    pub rekey_limit: Option<Value<RekeyLimit>>,
    /// The patterns of `SendEnv`.
    pub send_env: Vec<Value<String>>,
    /// The pairs of `SetEnv`.
    pub set_env: Vec<Value<(String, String)>>,
    /// `RemoteCommand`, tokens expanded.
    pub remote_command: Option<Value<String>>,
    /// `RequestTTY`: `no`, `yes`, `force` or `auto`.
    pub request_tty: Value<String>,
    /// `LogLevel`, by its name.
    pub log_level: Value<String>,
    /// Options for a shell or a tunnel.
    pub session_options: SessionOptions,
    /// Settings that hop does not honour, each with its line.
    pub not_honoured: Vec<NotHonoured>,
}

impl Host {
    /// The variables to send: those in `variables` that `SendEnv` names, sorted by name, then those of `SetEnv`.
    pub fn environment(&self, variables: &HashMap<String, OsString>) -> Vec<(String, String)> {
        let wanted = |name: &str| self.send_env.iter().any(|pattern| match_pattern(name, &pattern.value));
        let text = |(name, value): (&String, &OsString)| Some((name.clone(), value.to_str()?.to_owned()));
        let mut sent: Vec<_> = variables.iter().filter(|(name, _)| wanted(name)).filter_map(text).collect();
        sent.sort();
        sent.extend(self.set_env.iter().map(|pair| pair.value.clone()));
        sent
    }
}

/// A setting that hop does not honour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotHonoured {
    /// The keyword and its value, as `ssh -G` prints them.
    pub setting: Value<String>,
    /// Where it is missed.
    pub matters: Matters,
}

/// Where it matters that a value is not honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matters {
    /// In every shell, command and tunnel.
    InSessions,
    /// In shells and commands where there is a display.
    WithDisplay,
    /// In shells with a terminal.
    AtTerminals,
    /// Where a login was refused.
    ForLogins,
    /// Where a host key was not accepted.
    ForHostKeys,
    /// Hardly anywhere: it is told under `-v` alone.
    Little,
}

/// `RekeyLimit`: the number of bytes and the time after which keys are exchanged again.
pub type RekeyLimit = (Option<u64>, Option<Duration>);

/// `AddKeysToAgent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AddKeysToAgent {
    /// Whether keys are added.
    pub add: AddKeys,
    /// Seconds after which the agent forgets the key.
    pub lifetime: Option<u32>,
}

/// Whether keys go into the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddKeys {
    /// They do not.
    #[default]
    No,
    /// They do.
    Yes,
    /// A person is asked for each.
    Ask,
    /// They do, and the agent asks a person at each use.
    Confirm,
}

/// `UpdateHostKeys`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UpdateHostKeys {
    /// Add keys that the server has proven to hold.
    Yes,
    /// Ask before adding them.
    Ask,
    /// Never add any.
    #[default]
    No,
}

/// `AddressFamily`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressFamily {
    /// Both.
    #[default]
    Any,
    /// IPv4 only (`-4`).
    Inet,
    /// IPv6 only (`-6`).
    Inet6,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A host with ssh's defaults and no files.
    pub(crate) fn plain(alias: &str) -> Host {
        Host {
            alias: alias.to_owned(),
            hostname: Value::default(alias.to_owned()),
            port: Value::default(22),
            user: Value::default("nobody".to_owned()),
            proxy: Value::default(Proxy::None),
            identity_files: Vec::new(),
            certificate_files: Vec::new(),
            identities_only: Value::default(false),
            identity_agent: Value::default(IdentityAgent::None),
            user_known_hosts_files: Value::default(Vec::new()),
            global_known_hosts_files: Value::default(Vec::new()),
            known_hosts_command: None,
            strict_host_key_checking: Value::default(StrictHostKeyChecking::Ask),
            host_key_alias: None,
            hash_known_hosts: Value::default(false),
            check_host_ip: Value::default(false),
            no_host_authentication_for_localhost: Value::default(false),
            update_host_keys: Value::default(UpdateHostKeys::No),
            host_key_algorithms: None,
            kex_algorithms: None,
            ciphers: None,
            macs: None,
            pubkey_accepted_algorithms: None,
            preferred_authentications: Value::default(Vec::new()),
            pubkey_authentication: Value::default(true),
            password_authentication: Value::default(true),
            kbd_interactive_authentication: Value::default(true),
            number_of_password_prompts: Value::default(3),
            address_family: Value::default(AddressFamily::Any),
            bind_address: None,
            bind_interface: None,
            compression: Value::default(false),
            connection_attempts: Value::default(1),
            connect_timeout: None,
            tcp_keep_alive: Value::default(true),
            server_alive_interval: Value::default(Duration::ZERO),
            server_alive_count_max: Value::default(3),
            batch_mode: Value::default(false),
            forward_agent: Value::default(false),
            rekey_limit: None,
            send_env: Vec::new(),
            set_env: Vec::new(),
            remote_command: None,
            request_tty: Value::default("auto".to_owned()),
            log_level: Value::default("INFO".to_owned()),
            session_options: SessionOptions::default(),
            not_honoured: Vec::new(),
            ..Host::default()
        }
    }

    #[test]
    fn variables_are_chosen_by_pattern_and_set_ones_follow() {
        let mut host = plain("h");
        host.send_env = vec![Value::default("LC_*".to_owned()), Value::default("LANG".to_owned())];
        host.set_env = vec![Value::default(("A".to_owned(), "1".to_owned()))];
        let here = [("LC_ALL", "C"), ("LANG", "de"), ("HOME", "/x")];
        let here = here.map(|(name, value)| (name.to_owned(), OsString::from(value))).into();
        let sent = host.environment(&here);
        let sent: Vec<_> = sent.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(sent, ["LANG=de", "LC_ALL=C", "A=1"]);
    }
}
