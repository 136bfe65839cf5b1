//! What does the rest of the house get? The finished values of a host, typed.
//!
//! Main function: [`lower`]. Values that hop cannot honour are named in `Host::not_honoured`.

use std::path::PathBuf;
use std::time::Duration;

use crate::target;

use super::Surroundings;
use super::error::ConfigError;
use super::finish::{Finished, paths};
use super::host::{
    AddressFamily, Host, IdentityAgent, Origin, Proxy, StrictHostKeyChecking, Template, UpdateHostKeys, Value,
};
use super::keywords::Keyword;
use super::settings::Setting;
use super::tokens::expand_tilde;

/// The methods that are tried, in order, where `PreferredAuthentications` is not set.
const METHODS: [&str; 4] = ["hostbased", "publickey", "keyboard-interactive", "password"];

/// Types the values of one host.
pub fn lower(finished: &Finished, surroundings: &Surroundings) -> Result<Host, ConfigError> {
    let values = Values { finished, surroundings };
    let hostname = values.text(Keyword::Hostname);
    target::vet_host(&hostname.value).map_err(|why| finished.bad(Keyword::Hostname, why.to_owned()))?;
    Ok(Host {
        alias: finished.alias.clone(),
        hostname,
        port: values.parsed(Keyword::Port)?,
        user: values.text(Keyword::User),
        proxy: values.proxy()?,
        identity_files: values.paths(Keyword::IdentityFile)?,
        certificate_files: values.paths(Keyword::CertificateFile)?,
        identities_only: values.flag(Keyword::IdentitiesOnly),
        identity_agent: values.identity_agent(),
        user_known_hosts_files: values.path_list(Keyword::UserKnownHostsFile)?,
        global_known_hosts_files: values.path_list(Keyword::GlobalKnownHostsFile)?,
        known_hosts_command: values.template(Keyword::KnownHostsCommand),
        strict_host_key_checking: values.choice(Keyword::StrictHostKeyChecking, |word| match word {
            "true" => StrictHostKeyChecking::Yes,
            "false" => StrictHostKeyChecking::Off,
            "accept-new" => StrictHostKeyChecking::AcceptNew,
            _ => StrictHostKeyChecking::Ask,
        }),
        host_key_alias: values.optional(Keyword::HostKeyAlias),
        hash_known_hosts: values.flag(Keyword::HashKnownHosts),
        check_host_ip: values.flag(Keyword::CheckHostIP),
        no_host_authentication_for_localhost: values.flag(Keyword::NoHostAuthenticationForLocalhost),
        update_host_keys: values.choice(Keyword::UpdateHostKeys, |word| match word {
            "true" => UpdateHostKeys::Yes,
            "ask" => UpdateHostKeys::Ask,
            _ => UpdateHostKeys::No,
        }),
        host_key_algorithms: values.list(Keyword::HostKeyAlgorithms),
        kex_algorithms: values.list(Keyword::KexAlgorithms),
        ciphers: values.list(Keyword::Ciphers),
        macs: values.list(Keyword::MACs),
        pubkey_accepted_algorithms: values.list(Keyword::PubkeyAcceptedAlgorithms),
        preferred_authentications: values
            .list(Keyword::PreferredAuthentications)
            .unwrap_or_else(|| Value::default(METHODS.map(str::to_owned).to_vec())),
        pubkey_authentication: values.choice(Keyword::PubkeyAuthentication, |word| word != "false"),
        password_authentication: values.flag(Keyword::PasswordAuthentication),
        kbd_interactive_authentication: values.flag(Keyword::KbdInteractiveAuthentication),
        number_of_password_prompts: values.parsed(Keyword::NumberOfPasswordPrompts)?,
        address_family: values.choice(Keyword::AddressFamily, |word| match word {
            "inet" => AddressFamily::Inet,
            "inet6" => AddressFamily::Inet6,
            _ => AddressFamily::Any,
        }),
        bind_address: values.optional(Keyword::BindAddress),
        bind_interface: values.optional(Keyword::BindInterface),
        compression: values.flag(Keyword::Compression),
        connection_attempts: values.parsed(Keyword::ConnectionAttempts)?,
        connect_timeout: values.seconds(Keyword::ConnectTimeout)?,
        tcp_keep_alive: values.flag(Keyword::TCPKeepAlive),
        server_alive_interval: values
            .seconds(Keyword::ServerAliveInterval)?
            .unwrap_or_else(|| Value::default(Duration::ZERO)),
        server_alive_count_max: values.parsed(Keyword::ServerAliveCountMax)?,
        batch_mode: values.flag(Keyword::BatchMode),
        forward_agent: values.flag(Keyword::ForwardAgent),
        rekey_limit: values.rekey_limit()?,
        send_env: values.each(Keyword::SendEnv),
        set_env: values.set_env(),
        remote_command: values.optional(Keyword::RemoteCommand),
        request_tty: values.choice(Keyword::RequestTTY, |word| {
            match word {
                "true" => "yes",
                "false" => "no",
                other => other,
            }
            .to_owned()
        }),
        log_level: values.text(Keyword::LogLevel),
        not_honoured: values.not_honoured(),
    })
}

struct Values<'a> {
    finished: &'a Finished,
    surroundings: &'a Surroundings,
}

fn value<T>(setting: &Setting, value: T) -> Value<T> {
    Value { value, origin: setting.origin.clone() }
}

impl Values<'_> {
    fn all(&self, keyword: Keyword) -> &[Setting] {
        self.finished.settings.all(keyword)
    }

    fn first(&self, keyword: Keyword) -> Option<&Setting> {
        self.finished.settings.first(keyword)
    }

    fn optional(&self, keyword: Keyword) -> Option<Value<String>> {
        self.first(keyword).map(|setting| value(setting, setting.word.clone()))
    }

    fn template(&self, keyword: Keyword) -> Option<Value<Template>> {
        let (tokens, variables) = (self.finished.tokens.values(), self.surroundings.env.clone());
        self.first(keyword).map(|setting| value(setting, Template { text: setting.word.clone(), tokens, variables }))
    }

    fn text(&self, keyword: Keyword) -> Value<String> {
        self.optional(keyword).unwrap_or_else(|| Value::default(String::new()))
    }

    fn choice<T>(&self, keyword: Keyword, choose: impl Fn(&str) -> T) -> Value<T> {
        match self.first(keyword) {
            Some(setting) => value(setting, choose(&setting.word)),
            None => Value::default(choose("")),
        }
    }

    fn flag(&self, keyword: Keyword) -> Value<bool> {
        self.choice(keyword, |word| word == "yes")
    }

    fn parse<T: std::str::FromStr>(&self, keyword: Keyword, setting: &Setting) -> Result<Value<T>, ConfigError> {
        let parsed = setting.word.parse().map(|parsed| value(setting, parsed));
        parsed.map_err(|_| self.finished.bad(keyword, format!("`{}` is not a number", setting.word)))
    }

    fn parsed<T: std::str::FromStr>(&self, keyword: Keyword) -> Result<Value<T>, ConfigError> {
        match self.first(keyword) {
            Some(setting) => self.parse(keyword, setting),
            None => Err(self.finished.bad(keyword, "no value".to_owned())),
        }
    }

    fn seconds(&self, keyword: Keyword) -> Result<Option<Value<Duration>>, ConfigError> {
        let Some(setting) = self.first(keyword) else { return Ok(None) };
        self.parse(keyword, setting).map(|seconds| Some(value(setting, Duration::from_secs(seconds.value))))
    }

    /// A list the user set; `None` where it is the built-in one.
    fn list(&self, keyword: Keyword) -> Option<Value<Vec<String>>> {
        let setting = self.first(keyword).filter(|setting| setting.origin != Origin::Default)?;
        Some(value(setting, setting.word.split(',').map(str::to_owned).collect()))
    }

    fn each(&self, keyword: Keyword) -> Vec<Value<String>> {
        self.all(keyword).iter().map(|setting| value(setting, setting.word.clone())).collect()
    }

    fn path(&self, keyword: Keyword, setting: &Setting) -> Result<PathBuf, ConfigError> {
        let expanded = match keyword {
            Keyword::IdentityFile | Keyword::CertificateFile => {
                self.finished.tokens.expand_path(&setting.word, self.surroundings)
            }
            Keyword::GlobalKnownHostsFile => expand_tilde(&setting.word, self.surroundings),
            _ => Ok(setting.word.clone()),
        };
        expanded.map(PathBuf::from).map_err(|problem| self.finished.bad(keyword, problem))
    }

    fn paths(&self, keyword: Keyword) -> Result<Vec<Value<PathBuf>>, ConfigError> {
        paths(self.finished, keyword).map(|file| self.path(keyword, file).map(|path| value(file, path))).collect()
    }

    fn path_list(&self, keyword: Keyword) -> Result<Value<Vec<PathBuf>>, ConfigError> {
        let list = paths(self.finished, keyword).map(|file| self.path(keyword, file)).collect::<Result<_, _>>()?;
        let origin = self.first(keyword).map_or(Origin::Default, |first| first.origin.clone());
        Ok(Value { value: list, origin })
    }

    fn proxy(&self) -> Result<Value<Proxy>, ConfigError> {
        let Some(setting) = self.first(Keyword::ProxyCommand) else { return Ok(Value::default(Proxy::None)) };
        let command = self.finished.tokens.only("hknpr").expand(&setting.word);
        let command = command.map_err(|problem| self.finished.bad(Keyword::ProxyCommand, problem))?;
        match command.as_str() {
            "-" => Err(self.finished.bad(Keyword::ProxyCommand, "hop does not speak on its own stdin".to_owned())),
            _ => Ok(value(setting, Proxy::Command(command))),
        }
    }

    /// `IdentityAgent`, else `SSH_AUTH_SOCK`.
    fn identity_agent(&self) -> Value<IdentityAgent> {
        let from_env = |name: &str, origin: Origin| {
            let path = self.surroundings.env.get(name).filter(|path| !path.is_empty());
            let agent = path.map_or(IdentityAgent::None, |path| IdentityAgent::Socket(path.into()));
            Value { value: agent, origin }
        };
        match self.first(Keyword::IdentityAgent) {
            None => from_env("SSH_AUTH_SOCK", Origin::Env("SSH_AUTH_SOCK".to_owned())),
            Some(agent) if agent.word == "SSH_AUTH_SOCK" => from_env(&agent.word, agent.origin.clone()),
            Some(agent) if agent.word == "none" => value(agent, IdentityAgent::None),
            Some(agent) => match agent.word.strip_prefix('$') {
                Some(name) => from_env(name, agent.origin.clone()),
                None => value(agent, IdentityAgent::Socket(agent.word.clone().into())),
            },
        }
    }

    fn rekey_limit(&self) -> Result<Option<Value<(Option<u64>, Option<Duration>)>>, ConfigError> {
        let bytes: Value<u64> = self.parsed(Keyword::RekeyLimit)?;
        let interval: Value<u64> = self.parsed(Keyword::RekeyInterval)?;
        let some = |number: u64| Some(number).filter(|&number| number > 0);
        let limit = (some(bytes.value), some(interval.value).map(Duration::from_secs));
        Ok((limit != (None, None)).then_some(Value { value: limit, origin: bytes.origin }))
    }

    fn set_env(&self) -> Vec<Value<(String, String)>> {
        let pairs = self.all(Keyword::SetEnv).iter().filter_map(|setting| {
            let (name, content) = setting.word.split_once('=')?;
            Some(value(setting, (name.to_owned(), content.to_owned())))
        });
        pairs.collect()
    }

    /// What the user set and hop does not do.
    fn not_honoured(&self) -> Vec<Value<String>> {
        const OTHERWISE: [(Keyword, &[&str]); 11] = [
            (Keyword::VerifyHostKeyDNS, &["false"]),
            (Keyword::HostbasedAuthentication, &["no"]),
            (Keyword::GssapiAuthentication, &["no"]),
            (Keyword::GssapiKeyExchange, &["no"]),
            (Keyword::PKCS11Provider, &[]),
            (Keyword::SecurityKeyProvider, &["internal"]),
            (Keyword::Tunnel, &["false"]),
            (Keyword::CanonicalizePermittedCNAMEs, &["none"]),
            (Keyword::ForwardAgentSocket, &[]),
            (Keyword::RevokedHostKeys, &[]),
            (Keyword::CASignatureAlgorithms, &[]),
        ];
        let said = OTHERWISE.iter().filter_map(|(keyword, harmless)| {
            let setting = self.first(*keyword).filter(|setting| setting.origin != Origin::Default)?;
            let name = if *keyword == Keyword::ForwardAgentSocket { "forwardagent" } else { keyword.row().name };
            let differs = !harmless.contains(&setting.word.as_str());
            differs.then(|| value(setting, format!("{name} {}", setting.word)))
        });
        said.collect()
    }
}
