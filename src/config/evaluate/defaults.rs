//! Which values hold for what the configuration leaves unset? The built-in ones; and the expansions that need all
//! values are made here.
//!
//! Main type: [`CompleteSettings`]. The steps are those of `fill_default_options` in OpenSSH's `readconf.c` and of
//! `ssh.c` up to the point where `ssh -G` prints.

use super::pass::Evaluated;
use super::settings::{Setting, Settings};
use crate::config::error::ConfigError;
use crate::config::local_env::LocalEnv;
use crate::config::origin::{Origin, SetBy};
use crate::config::values::algorithms::Family;
use crate::config::values::keywords::{Keyword, ROWS};
use crate::config::values::tokens::{ConnectionTokens, Tokens};

/// All values of one host, defaults included.
#[derive(Debug, Clone)]
pub struct CompleteSettings {
    /// The host as typed (`%n`).
    pub alias: String,
    /// The name or address to dial (`%h`).
    pub host: String,
    /// The values, as `ssh -G` prints them.
    pub settings: Settings,
    /// The values of the `%` tokens for this connection.
    pub tokens: Tokens,
}

/// The keywords whose value is a list of algorithms.
pub const LISTS: [(Keyword, Family); 8] = [
    (Keyword::Ciphers, Family::Cipher),
    (Keyword::MACs, Family::Mac),
    (Keyword::KexAlgorithms, Family::Kex),
    (Keyword::HostKeyAlgorithms, Family::Key),
    (Keyword::HostbasedAcceptedAlgorithms, Family::Key),
    (Keyword::PubkeyAcceptedAlgorithms, Family::Key),
    (Keyword::CASignatureAlgorithms, Family::Signature),
    (Keyword::GssapiKexAlgorithms, Family::GssapiKex),
];

/// The keywords for which `none` is the same as no line at all.
const CLEARED_BY_NONE: [Keyword; 10] = [
    Keyword::LocalCommand,
    Keyword::RemoteCommand,
    Keyword::ProxyCommand,
    Keyword::ProxyJump,
    Keyword::ControlPath,
    Keyword::RevokedHostKeys,
    Keyword::PKCS11Provider,
    Keyword::SecurityKeyProvider,
    Keyword::KnownHostsCommand,
    Keyword::VersionAddendum,
];

/// Fills in the defaults and expands tokens and paths.
pub fn complete(evaluated: Evaluated, local_env: &LocalEnv) -> Result<CompleteSettings, ConfigError> {
    let Evaluated { alias, host, mut settings } = evaluated;
    fill_defaults(&mut settings, local_env);
    for keyword in CLEARED_BY_NONE {
        if settings.word(keyword).eq_ignore_ascii_case("none") {
            settings.clear(keyword);
        }
    }
    settings.fill(Keyword::User, std::slice::from_ref(&local_env.user), SetBy::BuiltIn);
    let hostname_origin = settings.first(Keyword::Hostname).map(|name| name.origin.clone());
    settings.replace(Keyword::Hostname, std::slice::from_ref(&host), SetBy::BuiltIn);
    settings.set_origin(Keyword::Hostname, &hostname_origin.unwrap_or(Origin::Default));
    if !settings.all(Keyword::ProxyJump).is_empty() {
        set(&mut settings, Keyword::ProxyUseFdpass, "no");
    }
    let Ok(()) = settings
        .rewrite(Keyword::HostKeyAlias, |alias| Ok::<_, std::convert::Infallible>(alias.word.to_ascii_lowercase()));
    tame_update_host_keys(&mut settings);
    let key_alias = settings.first(Keyword::HostKeyAlias).map_or(&alias, |alias| &alias.word);
    let jump = settings.last_jump();
    let connection = ConnectionTokens {
        original: &alias,
        host: &host,
        port: settings.word(Keyword::Port),
        user: settings.word(Keyword::User),
        key_alias,
        jump: &jump,
    };
    let tokens = Tokens::of_connection(&connection, local_env);
    let mut complete = CompleteSettings { alias, host, settings, tokens };
    complete.assemble_lists()?;
    complete.expand(local_env)?;
    match complete.settings.word(Keyword::ConnectionAttempts) {
        "0" => Err(complete.bad(Keyword::ConnectionAttempts, "at least one attempt is needed".to_owned())),
        _ => Ok(complete),
    }
}

impl CompleteSettings {
    /// An error about a value of this host.
    pub fn bad(&self, keyword: Keyword, problem: String) -> ConfigError {
        let origin = self.settings.first(keyword).map_or(Origin::Default, |setting| setting.origin.clone());
        ConfigError::Value { host: self.alias.clone(), keyword: keyword.row().name.to_owned(), origin, problem }
    }

    /// Rewrites each word of a value; an error names the origin of the value.
    fn rewrite(
        &mut self,
        keyword: Keyword,
        change: impl Fn(&Tokens, &Setting) -> Result<String, String>,
    ) -> Result<(), ConfigError> {
        let tokens = self.tokens.clone();
        self.settings.rewrite(keyword, |setting| change(&tokens, setting)).map_err(|problem| self.bad(keyword, problem))
    }

    fn assemble_lists(&mut self) -> Result<(), ConfigError> {
        for (keyword, family) in LISTS {
            if self.settings.all(keyword).is_empty() {
                let list = family.default_list().join(",");
                self.settings.replace(keyword, &[list], SetBy::BuiltIn);
            } else {
                self.rewrite(keyword, |_, list| family.assemble(&list.word).map(|list| list.join(",")))?;
            }
        }
        Ok(())
    }

    fn expand(&mut self, local_env: &LocalEnv) -> Result<(), ConfigError> {
        self.rewrite(Keyword::RemoteCommand, |tokens, command| tokens.expand(&command.word))?;
        for keyword in [Keyword::ControlPath, Keyword::IdentityAgent, Keyword::ForwardAgentSocket] {
            self.rewrite(keyword, |tokens, path| tokens.expand_path(&path.word, local_env))?;
        }
        self.rewrite(Keyword::GlobalKnownHostsFile, |_, path| Ok(none_in_lowercase(&path.word)))?;
        self.rewrite(Keyword::UserKnownHostsFile, |tokens, path| {
            tokens.expand_path(&none_in_lowercase(&path.word), local_env)
        })?;
        for keyword in [Keyword::LocalForward, Keyword::RemoteForward] {
            self.rewrite(keyword, |tokens, forward| expand_ends(tokens, &forward.word))?;
        }
        Ok(())
    }
}

fn none_in_lowercase(word: &str) -> String {
    if word.eq_ignore_ascii_case("none") { "none".to_owned() } else { word.to_owned() }
}

/// Expands tokens in those ends of a forwarding that are paths.
fn expand_ends(tokens: &Tokens, forward: &str) -> Result<String, String> {
    let ends = forward.split(' ').map(|end| if end.contains('/') { tokens.expand(end) } else { Ok(end.to_owned()) });
    ends.collect::<Result<Vec<_>, _>>().map(|ends| ends.join(" "))
}

fn set(settings: &mut Settings, keyword: Keyword, word: &str) {
    settings.replace(keyword, &[word.to_owned()], SetBy::BuiltIn);
}

fn fill_defaults(settings: &mut Settings, local_env: &LocalEnv) {
    if settings.word(Keyword::ClearAllForwardings) == "yes" {
        settings.clear(Keyword::LocalForward);
        settings.clear(Keyword::RemoteForward);
        set(settings, Keyword::Tunnel, "false");
    }
    let update = if updates_host_keys(settings) { "true" } else { "false" };
    settings.fill(Keyword::UpdateHostKeys, &[update.to_owned()], SetBy::BuiltIn);
    // Debian's ssh sends keepalives by default under BatchMode
    let alive = if settings.word(Keyword::BatchMode) == "yes" { "300" } else { "0" };
    settings.fill(Keyword::ServerAliveInterval, &[alive.to_owned()], SetBy::BuiltIn);
    let system = |name: &str| local_env.system_folder.join(name).to_string_lossy().into_owned();
    let known_hosts = [system("ssh_known_hosts"), system("ssh_known_hosts2")];
    settings.fill(Keyword::GlobalKnownHostsFile, &known_hosts, SetBy::BuiltIn);
    for row in ROWS {
        let words: Vec<String> = row.default.iter().map(|&word| word.to_owned()).collect();
        settings.fill(row.keyword, &words, SetBy::BuiltIn);
    }
}

/// The default of `UpdateHostKeys`: yes, unless host keys are kept in other files or checked by DNS.
fn updates_host_keys(settings: &Settings) -> bool {
    let files = settings.all(Keyword::UserKnownHostsFile);
    let usual = files.is_empty() || matches!(files, [only] if only.word == "~/.ssh/known_hosts");
    usual && matches!(settings.word(Keyword::VerifyHostKeyDNS), "" | "false")
}

/// Turns `UpdateHostKeys ask` off where nobody could be asked.
fn tame_update_host_keys(settings: &mut Settings) {
    let persists = settings.word(Keyword::ControlPersist) != "no" && !settings.all(Keyword::ControlPath).is_empty();
    let no_terminal = settings.word(Keyword::RequestTTY) == "false" || !settings.all(Keyword::RemoteCommand).is_empty();
    let silent = matches!(settings.word(Keyword::LogLevel), "SILENT" | "FATAL" | "ERROR");
    if settings.word(Keyword::UpdateHostKeys) == "ask" && (persists || no_terminal || silent) {
        set(settings, Keyword::UpdateHostKeys, "false");
    }
}

/// The files of a keyword as paths; `none` names no file.
pub fn paths(complete: &CompleteSettings, keyword: Keyword) -> impl Iterator<Item = &Setting> {
    complete.settings.all(keyword).iter().filter(|file| !file.word.eq_ignore_ascii_case("none"))
}
