//! What do the other rooms get? All values of a host, typed.
//!
//! Main function: [`typed_host`]. Values that hop cannot honour are listed in `Host::not_honoured`.

use std::path::PathBuf;
use std::time::Duration;

use crate::target;

use super::error::ConfigError;
use super::evaluate::defaults::{CompleteSettings, LISTS, paths};
use super::evaluate::settings::Setting;
use super::host::{
    AddKeys, AddKeysToAgent, AddressFamily, Host, IdentityAgent, Matters, NotHonoured, Proxy, ProxyCarrier, RekeyLimit,
    StrictHostKeyChecking, Template, UpdateHostKeys,
};
use super::local_env::LocalEnv;
use super::origin::{Origin, Value};
use super::session_options::{LocalCommand, SessionOptions, SessionType, escape_char};
use super::values::keywords::{Keyword, ROWS};
use super::values::support::{Support, support};
use super::values::tokens::expand_tilde;

/// The authentication methods to try, in order, if `PreferredAuthentications` is not set.
const METHODS: [&str; 4] = ["hostbased", "publickey", "keyboard-interactive", "password"];

/// The most bytes of `VersionAddendum`: a version has at most 255 (RFC 4253 §4.2).
const LONGEST_ADDENDUM: usize = 200;

/// Converts the values of one host to their types.
pub fn typed_host(complete: &CompleteSettings, local_env: &LocalEnv) -> Result<Host, ConfigError> {
    let values = TypedValues { complete, local_env };
    let mut host = Host {
        alias: complete.alias.clone(),
        session_options: values.session_options()?,
        not_honoured: values.not_honoured(),
        ..Host::default()
    };
    values.reach(&mut host)?;
    values.trust(&mut host)?;
    values.algorithms(&mut host)?;
    values.login(&mut host)?;
    values.session(&mut host);
    Ok(host)
}

struct TypedValues<'a> {
    complete: &'a CompleteSettings,
    local_env: &'a LocalEnv,
}

fn value<T>(setting: &Setting, value: T) -> Value<T> {
    Value { value, origin: setting.origin.clone() }
}

impl TypedValues<'_> {
    fn reach(&self, host: &mut Host) -> Result<(), ConfigError> {
        host.hostname = self.text(Keyword::Hostname);
        target::vet_host(&host.hostname).map_err(|why| self.complete.bad(Keyword::Hostname, why.to_owned()))?;
        host.port = self.parsed(Keyword::Port)?;
        host.proxy = self.proxy()?;
        host.address_family = self.choice(Keyword::AddressFamily, |word| match word {
            "inet" => AddressFamily::Inet,
            "inet6" => AddressFamily::Inet6,
            _ => AddressFamily::Any,
        });
        host.bind_address = self.optional(Keyword::BindAddress);
        host.bind_interface = self.optional(Keyword::BindInterface);
        host.compression = self.flag(Keyword::Compression);
        host.connection_attempts = self.parsed(Keyword::ConnectionAttempts)?;
        // as with ssh, zero means no limit
        host.connect_timeout = self.seconds(Keyword::ConnectTimeout)?.filter(|limit| !limit.is_zero());
        host.tcp_keep_alive = self.flag(Keyword::TCPKeepAlive);
        host.server_alive_interval = self.seconds(Keyword::ServerAliveInterval)?.unwrap_or_default();
        host.server_alive_count_max = self.parsed(Keyword::ServerAliveCountMax)?;
        host.rekey_limit = self.rekey_limit()?;
        host.version_addendum = self.version_addendum()?;
        host.warn_weak_crypto = self.flag(Keyword::WarnWeakCrypto);
        Ok(())
    }

    fn trust(&self, host: &mut Host) -> Result<(), ConfigError> {
        host.user_known_hosts_files = self.path_list(Keyword::UserKnownHostsFile)?;
        host.global_known_hosts_files = self.path_list(Keyword::GlobalKnownHostsFile)?;
        host.known_hosts_command = self.template(Keyword::KnownHostsCommand);
        host.revoked_host_keys = self.paths(Keyword::RevokedHostKeys)?.pop();
        host.strict_host_key_checking = self.choice(Keyword::StrictHostKeyChecking, |word| match word {
            "false" => StrictHostKeyChecking::Off,
            "accept-new" => StrictHostKeyChecking::AcceptNew,
            "ask" => StrictHostKeyChecking::Ask,
            _ => StrictHostKeyChecking::Yes,
        });
        host.host_key_alias = self.optional(Keyword::HostKeyAlias);
        host.hash_known_hosts = self.flag(Keyword::HashKnownHosts);
        host.check_host_ip = self.flag(Keyword::CheckHostIP);
        host.no_host_authentication_for_localhost = self.flag(Keyword::NoHostAuthenticationForLocalhost);
        host.update_host_keys = self.choice(Keyword::UpdateHostKeys, |word| match word {
            "true" => UpdateHostKeys::Yes,
            "ask" => UpdateHostKeys::Ask,
            _ => UpdateHostKeys::No,
        });
        host.fingerprint_hash = self.text(Keyword::FingerprintHash);
        host.required_rsa_size = self.parsed(Keyword::RequiredRSASize)?;
        Ok(())
    }

    fn algorithms(&self, host: &mut Host) -> Result<(), ConfigError> {
        host.host_key_algorithms = self.list(Keyword::HostKeyAlgorithms)?;
        host.kex_algorithms = self.spoken(Keyword::KexAlgorithms)?;
        host.ciphers = self.spoken(Keyword::Ciphers)?;
        host.macs = self.spoken(Keyword::MACs)?;
        host.pubkey_accepted_algorithms = self.list(Keyword::PubkeyAcceptedAlgorithms)?;
        host.ca_signature_algorithms = self.list(Keyword::CASignatureAlgorithms)?;
        Ok(())
    }

    fn login(&self, host: &mut Host) -> Result<(), ConfigError> {
        host.user = self.text(Keyword::User);
        host.identity_files = self.paths(Keyword::IdentityFile)?;
        host.certificate_files = self.paths(Keyword::CertificateFile)?;
        host.identities_only = self.flag(Keyword::IdentitiesOnly);
        host.identity_agent = self.identity_agent();
        host.add_keys_to_agent = self.add_keys_to_agent();
        let methods = self.list(Keyword::PreferredAuthentications)?;
        host.preferred_authentications = methods.unwrap_or_else(|| Value::default(METHODS.map(str::to_owned).to_vec()));
        host.pubkey_authentication = self.choice(Keyword::PubkeyAuthentication, |word| word != "false");
        host.password_authentication = self.flag(Keyword::PasswordAuthentication);
        host.kbd_interactive_authentication = self.flag(Keyword::KbdInteractiveAuthentication);
        host.kbd_interactive_devices = self.optional(Keyword::KbdInteractiveDevices);
        host.number_of_password_prompts = self.parsed(Keyword::NumberOfPasswordPrompts)?;
        host.batch_mode = self.flag(Keyword::BatchMode);
        host.forward_agent = self.flag(Keyword::ForwardAgent);
        Ok(())
    }

    fn session(&self, host: &mut Host) {
        host.send_env = self.each(Keyword::SendEnv);
        host.set_env = self.set_env();
        host.remote_command = self.optional(Keyword::RemoteCommand);
        let tty = |word: &str| match word {
            "true" => "yes".to_owned(),
            "false" => "no".to_owned(),
            other => other.to_owned(),
        };
        host.request_tty = self.choice(Keyword::RequestTTY, tty);
        let level = |word: &str| if word == "SILENT" { "QUIET" } else { word }.to_owned();
        host.log_level = self.choice(Keyword::LogLevel, level);
    }

    fn all(&self, keyword: Keyword) -> &[Setting] {
        self.complete.settings.all(keyword)
    }

    fn first(&self, keyword: Keyword) -> Option<&Setting> {
        self.complete.settings.first(keyword)
    }

    fn optional(&self, keyword: Keyword) -> Option<Value<String>> {
        self.first(keyword).map(|setting| value(setting, setting.word.clone()))
    }

    fn template(&self, keyword: Keyword) -> Option<Value<Template>> {
        let (tokens, variables) = (self.complete.tokens.values(), self.local_env.env.clone());
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
        parsed.map_err(|_| self.complete.bad(keyword, format!("`{}` is not a number", setting.word)))
    }

    fn parsed<T: std::str::FromStr>(&self, keyword: Keyword) -> Result<Value<T>, ConfigError> {
        match self.first(keyword) {
            Some(setting) => self.parse(keyword, setting),
            None => Err(self.complete.bad(keyword, "no value".to_owned())),
        }
    }

    fn seconds(&self, keyword: Keyword) -> Result<Option<Value<Duration>>, ConfigError> {
        let Some(setting) = self.first(keyword) else { return Ok(None) };
        self.parse(keyword, setting).map(|seconds| Some(value(setting, Duration::from_secs(seconds.value))))
    }

    /// A list that the user set; `None` if it is the built-in one.
    fn list(&self, keyword: Keyword) -> Result<Option<Value<Vec<String>>>, ConfigError> {
        let Some(setting) = self.first(keyword).filter(|setting| setting.origin != Origin::Default) else {
            return Ok(None);
        };
        let list: Vec<String> = setting.word.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        match list.is_empty() {
            true => Err(self.complete.bad(keyword, "nothing is left of the list".to_owned())),
            false => Ok(Some(value(setting, list))),
        }
    }

    /// A list of which hop speaks at least one.
    fn spoken(&self, keyword: Keyword) -> Result<Option<Value<Vec<String>>>, ConfigError> {
        let list = self.list(keyword)?;
        match list.as_ref().filter(|list| self.not_spoken(keyword).count() == list.value.len()) {
            Some(list) => Err(self.complete.bad(keyword, format!("hop speaks none of {}", list.value.join(",")))),
            None => Ok(list),
        }
    }

    /// The names of a list that the user set and hop does not speak.
    fn not_spoken(&self, keyword: Keyword) -> impl Iterator<Item = &str> {
        let family = LISTS.iter().find(|(of, _)| *of == keyword).map(|(_, family)| *family);
        let setting = self.first(keyword).filter(|setting| setting.origin != Origin::Default);
        let names = setting.into_iter().flat_map(|setting| setting.word.split(','));
        names.filter(move |name| family.is_some_and(|family| !family.speaks(name)))
    }

    fn each(&self, keyword: Keyword) -> Vec<Value<String>> {
        self.all(keyword).iter().map(|setting| value(setting, setting.word.clone())).collect()
    }

    fn path(&self, keyword: Keyword, setting: &Setting) -> Result<PathBuf, ConfigError> {
        let expanded = match keyword {
            Keyword::IdentityFile | Keyword::CertificateFile | Keyword::RevokedHostKeys => {
                self.complete.tokens.expand_path(&setting.word, self.local_env)
            }
            Keyword::GlobalKnownHostsFile => expand_tilde(&setting.word, self.local_env),
            _ => Ok(setting.word.clone()),
        };
        expanded.map(PathBuf::from).map_err(|problem| self.complete.bad(keyword, problem))
    }

    fn paths(&self, keyword: Keyword) -> Result<Vec<Value<PathBuf>>, ConfigError> {
        paths(self.complete, keyword).map(|file| self.path(keyword, file).map(|path| value(file, path))).collect()
    }

    fn path_list(&self, keyword: Keyword) -> Result<Value<Vec<PathBuf>>, ConfigError> {
        let list = paths(self.complete, keyword).map(|file| self.path(keyword, file)).collect::<Result<_, _>>()?;
        let origin = self.first(keyword).map_or(Origin::Default, |first| first.origin.clone());
        Ok(Value { value: list, origin })
    }

    fn proxy(&self) -> Result<Value<Proxy>, ConfigError> {
        let Some(setting) = self.first(Keyword::ProxyCommand) else { return Ok(Value::default(Proxy::None)) };
        let command = self.complete.tokens.only("hknpr").expand(&setting.word);
        let command = command.map_err(|problem| self.complete.bad(Keyword::ProxyCommand, problem))?;
        let shell = self.local_env.env.get("SHELL").filter(|shell| !shell.is_empty());
        let shell = shell.map_or_else(|| PathBuf::from("/bin/sh"), PathBuf::from);
        let carrier = match self.flag(Keyword::ProxyUseFdpass).value {
            true => ProxyCarrier::PassedSocket,
            false => ProxyCarrier::Streams,
        };
        match command.as_str() {
            "-" => Err(self.complete.bad(Keyword::ProxyCommand, "hop does not speak on its own stdin".to_owned())),
            _ => Ok(value(setting, Proxy::Command { shell, line: command, carrier })),
        }
    }

    /// `VersionAddendum`, tokens and variables expanded.
    fn version_addendum(&self) -> Result<Option<Value<String>>, ConfigError> {
        let Some(setting) = self.first(Keyword::VersionAddendum) else { return Ok(None) };
        let bad = |problem: String| self.complete.bad(Keyword::VersionAddendum, problem);
        let text = self.complete.tokens.expand_with_env(&setting.word, self.local_env).map_err(bad)?;
        match text.len() > LONGEST_ADDENDUM || text.chars().any(char::is_control) {
            true => Err(bad("too long, or with control characters".to_owned())),
            false => Ok(Some(value(setting, text))),
        }
    }

    /// `IdentityAgent`, else `SSH_AUTH_SOCK`.
    fn identity_agent(&self) -> Value<IdentityAgent> {
        let from_env = |name: &str, origin: Origin| {
            let path = self.local_env.env.get(name).filter(|path| !path.is_empty());
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

    /// `AddKeysToAgent`, from the words that `ssh -G` prints.
    fn add_keys_to_agent(&self) -> Value<AddKeysToAgent> {
        let words = self.all(Keyword::AddKeysToAgent);
        let lifetime = words.last().and_then(|word| word.word.parse().ok());
        self.choice(Keyword::AddKeysToAgent, |word| AddKeysToAgent {
            add: match word {
                "" | "false" => AddKeys::No,
                "ask" => AddKeys::Ask,
                "confirm" => AddKeys::Confirm,
                _ => AddKeys::Yes,
            },
            lifetime,
        })
    }

    fn rekey_limit(&self) -> Result<Option<Value<RekeyLimit>>, ConfigError> {
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

    /// The command line of `LocalCommand`, for the shell of the user here, if `PermitLocalCommand` lets it run.
    fn local_command(&self) -> Result<Option<LocalCommand>, ConfigError> {
        let permitted = self.flag(Keyword::PermitLocalCommand).value;
        let Some(setting) = self.first(Keyword::LocalCommand).filter(|_| permitted) else { return Ok(None) };
        let line = self.complete.tokens.with('T', "NONE").expand(&setting.word);
        let line = line.map_err(|problem| self.complete.bad(Keyword::LocalCommand, problem))?;
        Ok(Some(LocalCommand { shell: self.local_env.shell(), line }))
    }

    fn session_options(&self) -> Result<SessionOptions, ConfigError> {
        let octal = |printed: &str| u32::from_str_radix(printed, 8).unwrap_or(0o177);
        let fork_after_authentication = self.flag(Keyword::ForkAfterAuthentication);
        let stdin_null = match fork_after_authentication.value {
            true => fork_after_authentication.clone(),
            false => self.flag(Keyword::StdinNull),
        };
        Ok(SessionOptions {
            local_command: self.local_command()?,
            session_type: self.choice(Keyword::SessionType, |word| match word {
                "none" => SessionType::None,
                "subsystem" => SessionType::Subsystem,
                _ => SessionType::Default,
            }),
            stdin_null,
            fork_after_authentication,
            escape_char: self.choice(Keyword::EscapeChar, escape_char),
            agent_socket: self.agent_socket(),
            local_forwards: self.each(Keyword::LocalForward),
            remote_forwards: self.each(Keyword::RemoteForward),
            permit_remote_open: self.each(Keyword::PermitRemoteOpen),
            gateway_ports: self.flag(Keyword::GatewayPorts),
            exit_on_forward_failure: self.flag(Keyword::ExitOnForwardFailure),
            stream_local_bind_mask: self.choice(Keyword::StreamLocalBindMask, octal),
            stream_local_bind_unlink: self.flag(Keyword::StreamLocalBindUnlink),
        })
    }

    /// `ForwardAgent` with a path, or with `$VARIABLE`.
    fn agent_socket(&self) -> Option<Value<PathBuf>> {
        let setting = self.first(Keyword::ForwardAgentSocket)?;
        let path = match setting.word.strip_prefix('$') {
            Some(name) => PathBuf::from(self.local_env.env.get(name)?),
            None => PathBuf::from(&setting.word),
        };
        Some(value(setting, path))
    }

    /// Settings of the user that hop does not honour.
    fn not_honoured(&self) -> Vec<NotHonoured> {
        let said = ROWS.iter().filter_map(|row| {
            let Support::NotDone(matters, harmless) = support(row.keyword) else { return None };
            // without a path there is nothing to share
            let alone = row.keyword == Keyword::ControlMaster && self.first(Keyword::ControlPath).is_none();
            let words = if alone { &[] } else { self.all(row.keyword) };
            let first = words.first().filter(|first| first.origin != Origin::Default)?;
            let words = words.iter().map(|word| word.word.as_str()).collect::<Vec<_>>().join(" ");
            let setting = value(first, format!("{} {words}", row.name));
            (!harmless.contains(&words.as_str())).then_some(NotHonoured { setting, matters })
        });
        said.chain(LISTS.iter().filter_map(|(keyword, _)| self.passed_over(*keyword))).collect()
    }

    /// The names of a list that are passed over.
    fn passed_over(&self, keyword: Keyword) -> Option<NotHonoured> {
        let names = self.not_spoken(keyword).collect::<Vec<_>>().join(",");
        let setting = self.first(keyword).filter(|_| !names.is_empty())?;
        let setting = value(setting, format!("{} {names}", keyword.row().name));
        Some(NotHonoured { setting, matters: Matters::Little })
    }
}

#[cfg(test)]
mod tests;
