//! Where? ssh_config text and flags become the hosts to pass through, every value with its origin.
//!
//! Main type: [`Configuration`]. Files are read and checked once ([`Configuration::load`]); each host is then resolved as
//! `ssh` would resolve it ([`Configuration::resolve`]), its jumps before it. The language and its quirks are those of
//! OpenSSH 9.2p1, with the keywords that came later. Nothing is dialled here; names are looked up only where
//! `CanonicalizeHostname` or rules for aliases ask for it, and `Match exec` runs what the user's own, checked files say.
//!
//! ```text
//! parse      a line → keyword and words        files     files, Include, owner and mode
//! keywords   one row a keyword                 values    what the words mean (choices, numbers, forward, jump, algorithms)
//! matching   Host and Match                    evaluate  which lines hold for a host
//! canonical  full names, addresses             finish    defaults and expansions
//! names      the resolver, this machine
//! dump       `ssh -G`                          lower     → host::Host
//! way        jumps before hosts
//! named      which hosts there are           stanza    one more
//! ```

mod algorithms;
mod canonical;
mod choices;
mod dump;
mod errand;
mod error;
mod evaluate;
mod files;
mod finish;
mod forward;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod glob;
pub mod host;
mod jump;
mod keywords;
mod lower;
mod matching;
mod named;
mod names;
mod numbers;
mod parse;
mod settings;
mod stanza;
mod tokens;
mod values;
mod way;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

pub use errand::{Errand, SessionType};
pub use error::{BadLine, ConfigError, ConfigErrorKind};
pub use host::{AddressFamily, Host, Origin, Value};
pub use named::Named;
pub use names::{Found, Names, SystemNames};
pub use stanza::{Stanza, StanzaError};

use files::{Check, File, Reader, Scope};

use crate::target::HostSpec;

/// What the command line says, already taken apart by `cli`.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `-F`: this file alone is read; `none` = no file at all.
    pub config_file: Option<PathBuf>,
    /// `-o`, as `Key=Value` or `Key Value`, in order. For the target only, as with ssh.
    pub options: Vec<String>,
    /// `-l`, for the target only.
    pub user: Option<String>,
    /// `-p` / `-P`, for the target only.
    pub port: Option<u16>,
    /// `-J JUMPS` and `-J PATTERN=JUMPS`: the jumps of the targets that match.
    pub jumps: Vec<Patterned<String>>,
    /// `-i FILE` and `-i PATTERN=FILE`: a host takes those that match its name and those without a pattern; a jump that
    /// no pattern matches takes those of the host behind it.
    pub identities: Vec<Patterned<PathBuf>>,
    /// `-4` and `-6`, for every hop.
    pub address_family: Option<AddressFamily>,
    /// `-B`, for every hop.
    pub batch: bool,
    /// `-C`, for the target only.
    pub compression: bool,
    /// What the session is for.
    pub purpose: Purpose,
}

/// A value for the hosts that match a pattern list, or for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterned<T> {
    /// As in `Match originalhost`: `*`, `?`, commas, `!`.
    pub pattern: Option<String>,
    /// The value.
    pub value: T,
}

/// What the session to the target is for (`Match command`, `Match sessiontype`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Purpose {
    /// An interactive shell.
    #[default]
    Shell,
    /// One remote command.
    Exec(String),
    /// The `sftp` subsystem.
    Sftp,
    /// No session, only a way through (a jump, `-N`).
    Nothing,
}

impl Purpose {
    fn command(&self) -> &str {
        match self {
            Purpose::Exec(command) => command,
            Purpose::Sftp => "sftp",
            Purpose::Shell | Purpose::Nothing => "",
        }
    }

    fn session_type(&self) -> &'static str {
        match self {
            Purpose::Exec(_) => "exec",
            Purpose::Sftp => "subsystem",
            Purpose::Shell => "shell",
            Purpose::Nothing => "none",
        }
    }
}

/// Who runs this, and where: the engine reads no environment itself.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The home folder, from the password database as ssh takes it.
    pub home: PathBuf,
    /// The local user's name.
    pub user: String,
    /// The local user's id.
    pub uid: u32,
    /// This machine's name (`%l`).
    pub hostname: String,
    /// The environment, `SSH_AUTH_SOCK` among it.
    pub env: HashMap<String, OsString>,
    /// Where the system's `ssh_config` and `ssh_known_hosts` are; `/etc/ssh`.
    pub system_folder: PathBuf,
}

impl Default for Surroundings {
    /// Nobody, nowhere: what tests start from.
    fn default() -> Surroundings {
        Surroundings {
            home: PathBuf::from("/nonexistent"),
            user: "nobody".to_owned(),
            uid: 65534,
            hostname: "localhost".to_owned(),
            env: HashMap::new(),
            system_folder: PathBuf::from("/etc/ssh"),
        }
    }
}

impl Surroundings {
    /// The shell that runs the user's commands: `$SHELL`, else `/bin/sh`.
    pub fn shell(&self) -> PathBuf {
        self.env.get("SHELL").filter(|shell| !shell.is_empty()).map_or_else(|| "/bin/sh".into(), PathBuf::from)
    }
}

/// The configuration of one run: flags and files, read and checked.
pub struct Configuration {
    flags: Flags,
    options: Vec<(String, keywords::Keyword, Vec<String>)>,
    files: Vec<File>,
    surroundings: Surroundings,
    names: Box<dyn Names>,
}

impl Configuration {
    /// Reads the files and the flags.
    ///
    /// # Errors
    /// Lines that ssh would refuse ([`ConfigError::BadLines`], all of them), files that others could have written, a `-F`
    /// file that is not there.
    pub fn load(flags: Flags, surroundings: Surroundings) -> Result<Configuration, ConfigError> {
        let mut reader = Reader::new(&surroundings);
        let read =
            |line: &String| reader.read_flag(line).map(|(keyword, words)| (format!("-o {line}"), keyword, words));
        let options = flags.options.iter().filter_map(read).collect();
        flags.jumps.iter().for_each(|jumps| reader.check_jumps(&jumps.value));
        let mut files = Vec::new();
        match &flags.config_file {
            Some(none) if none.as_os_str().eq_ignore_ascii_case("none") => {}
            Some(file) => {
                let missing = || ConfigError::Read { file: file.clone(), source: std::io::ErrorKind::NotFound.into() };
                files.push(reader.read(file, Scope::User, Check::Nothing)?.ok_or_else(missing)?);
            }
            None => {
                let user = surroundings.home.join(".ssh/config");
                let system = surroundings.system_folder.join("ssh_config");
                files.extend(reader.read(&user, Scope::User, Check::OwnerAndMode)?);
                files.extend(reader.read(&system, Scope::System, Check::Nothing)?);
            }
        }
        reader.finish()?;
        Ok(Configuration { flags, options, files, surroundings, names: Box::new(SystemNames) })
    }

    /// Replaces the system's resolver.
    #[must_use]
    pub fn with_names(mut self, names: impl Names + 'static) -> Configuration {
        self.names = Box::new(names);
        self
    }

    /// The hosts to pass through, in the order they are dialled; the last one is the target. May look names up and run
    /// `Match exec` commands: it blocks.
    ///
    /// # Errors
    /// What ssh would refuse, loops among the jumps, names a shell could act on.
    pub fn resolve(&self, target: &HostSpec) -> Result<Vec<Host>, ConfigError> {
        way::hops(self, target)
    }

    /// The lines `ssh -G` would print, each with its origin.
    ///
    /// # Errors
    /// As [`Configuration::resolve`], for the target alone.
    pub fn dump(&self, target: &HostSpec) -> Result<Vec<(String, String, Origin)>, ConfigError> {
        way::target(self, target).map(|finished| dump::lines(&finished))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::host::{IdentityAgent, Proxy, StrictHostKeyChecking};

    fn surroundings() -> Surroundings {
        Surroundings { home: "/home/me".into(), user: "me".into(), ..Surroundings::default() }
    }

    fn configuration(text: &str, flags: Flags) -> Result<Configuration, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, text).unwrap();
        Configuration::load(Flags { config_file: Some(file), ..flags }, surroundings())
    }

    fn host(name: &str) -> HostSpec {
        HostSpec { user: None, host: name.to_owned(), port: None }
    }

    fn ways(text: &str, flags: Flags, name: &str) -> Result<Vec<String>, ConfigError> {
        let hops = configuration(text, flags)?.resolve(&host(name))?;
        let hop = |hop: &Host| {
            let keys: Vec<_> = hop.identity_files.iter().filter(|key| key.origin != Origin::Default).collect();
            let keys: Vec<_> = keys.iter().map(|key| format!(" {}", key.display())).collect();
            format!("{}@{}:{}{}", *hop.user, *hop.hostname, *hop.port, keys.concat())
        };
        Ok(hops.iter().map(hop).collect())
    }

    const STREET: &str = "
        Host acc-bastion
            HostName 54.0.0.1
            User ec2-user
            IdentityFile ~/bastion.pem
        Host acc-pvt
            HostName 10.10.2.20
            ProxyJump acc-bastion
            StrictHostKeyChecking accept-new
        Host deep
            ProxyJump acc-pvt,u@mid:2222
        Host *
            User admin
    ";

    #[test]
    fn jumps_come_before_the_hosts_behind_them() {
        let to = |name| ways(STREET, Flags::default(), name).unwrap();
        let bastion = "ec2-user@54.0.0.1:22 /home/me/bastion.pem";
        assert_eq!(to("acc-bastion"), [bastion]);
        assert_eq!(to("acc-pvt"), [bastion, "admin@10.10.2.20:22"]);
        assert_eq!(to("deep"), [bastion, "admin@10.10.2.20:22", "u@mid:2222", "admin@deep:22"]);
    }

    #[test]
    fn every_value_knows_where_it_came_from() {
        let hops = configuration(STREET, Flags::default()).unwrap().resolve(&host("acc-pvt")).unwrap();
        let target = hops.last().unwrap();
        assert!(matches!(&target.hostname.origin, Origin::SshConfig(file, 7) if file.ends_with("config")));
        assert_eq!(target.strict_host_key_checking.value, StrictHostKeyChecking::AcceptNew);
        assert_eq!(target.port.origin, Origin::Default);
        assert_eq!(target.identity_agent.value, IdentityAgent::None);
        assert_eq!(target.proxy.value, Proxy::None);
        assert!(target.identity_files.iter().all(|key| key.origin == Origin::Default));
    }

    #[test]
    fn keys_and_jumps_of_the_command_line_go_to_the_hosts_their_patterns_name() {
        let patterned = |pattern: &str, value: &str| Patterned { pattern: Some(pattern.into()), value: value.into() };
        let flags = Flags {
            jumps: vec![patterned("10.10.*", "ec2-user@54.1.1.1"), patterned("10.20.*", "ec2-user@13.2.2.2")],
            identities: vec![
                Patterned { pattern: Some("10.10.*".into()), value: "/acc.pem".into() },
                Patterned { pattern: Some("10.20.*".into()), value: "/dell.pem".into() },
                Patterned { pattern: Some("13.*".into()), value: "/jump.pem".into() },
            ],
            ..Flags::default()
        };
        let to = |name| ways("", flags.clone(), name).unwrap();
        assert_eq!(to("10.10.2.20"), ["ec2-user@54.1.1.1:22 /acc.pem", "me@10.10.2.20:22 /acc.pem"]);
        assert_eq!(to("10.20.2.20"), ["ec2-user@13.2.2.2:22 /jump.pem", "me@10.20.2.20:22 /dell.pem"]);
        assert_eq!(to("other"), ["me@other:22"]);
    }

    #[test]
    fn jumps_of_the_command_line_are_the_targets_and_replace_the_files() {
        let flags = |jumps: &str| Flags {
            jumps: vec![Patterned { pattern: None, value: jumps.into() }],
            user: Some("flag".into()),
            port: Some(7),
            ..Flags::default()
        };
        assert_eq!(ways(STREET, flags("none"), "acc-pvt").unwrap(), ["flag@10.10.2.20:7"]);
        assert_eq!(ways(STREET, flags("x@h"), "acc-pvt").unwrap(), ["x@h:22", "flag@10.10.2.20:7"]);
        assert!(matches!(ways(STREET, flags("$(id)"), "acc-pvt"), Err(ConfigError::BadLines(_))));
    }

    #[test]
    fn loops_are_refused() {
        let text = "Host a\nProxyJump b\nHost b\nProxyJump c\nHost c\nProxyJump a\n";
        let error = ways(text, Flags::default(), "a").unwrap_err();
        assert_eq!(error.to_string(), "a: the jumps go in a loop: a > b > c > a");
        let to_self = ways("ProxyJump bastion", Flags::default(), "bastion").unwrap_err();
        assert!(matches!(to_self, ConfigError::JumpLoop { .. }));
        let endless = ways("ProxyJump x%h", Flags::default(), "h").unwrap_err();
        assert!(matches!(endless, ConfigError::TooManyHops { .. }), "{endless}");
    }

    #[test]
    fn unknown_keywords_are_errors_with_their_line_unless_ignored() {
        let error = ways("Port 1\nNonsense x\nPort y\n", Flags::default(), "h").unwrap_err().to_string();
        assert!(error.ends_with("config:3: port: bad port `y`"), "{error}");
        let error = ways("Port 1\nNonsense x\n", Flags::default(), "h").unwrap_err().to_string();
        assert!(error.ends_with("config:2: unknown keyword `nonsense`"), "{error}");
        assert!(ways("IgnoreUnknown non*\nNonsense x\n", Flags::default(), "h").is_ok());
    }

    #[test]
    fn names_from_the_configuration_are_vetted() {
        for bad in ["HostName $(id)", "HostName -x", "ProxyJump a;b", "ProxyJump -x"] {
            assert!(ways(bad, Flags::default(), "h").is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_that_is_named_must_be_there() {
        let flags = Flags { config_file: Some("/nonexistent/config".into()), ..Flags::default() };
        assert!(matches!(Configuration::load(flags, surroundings()), Err(ConfigError::Read { .. })));
        let flags = Flags { config_file: Some("none".into()), ..Flags::default() };
        assert_eq!(Configuration::load(flags, surroundings()).unwrap().resolve(&host("h")).unwrap().len(), 1);
    }

    /// Scraps that configurations are made of; none of them runs anything.
    const SCRAPS: [&str; 36] = [
        "\n",
        "\n",
        "\n",
        " ",
        " ",
        " ",
        "=",
        "\"",
        "'",
        "\\",
        "#",
        "\t",
        "\r",
        "\u{0}",
        "é",
        "%h",
        "%",
        "${X}",
        "${",
        "~",
        ",",
        "!",
        "*",
        "Host",
        "Match",
        "final",
        "host",
        "h",
        "ProxyJump",
        "ProxyCommand",
        "HostName",
        "Include",
        "Port",
        "22",
        "IdentityFile",
        "CanonicalDomains",
    ];

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_configuration_panic(
            scraps in proptest::collection::vec(proptest::sample::select(&SCRAPS[..]), 0..60),
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..8),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("config");
            std::fs::write(&file, [scraps.concat().as_bytes(), &bytes].concat()).unwrap();
            let flags = Flags { config_file: Some(file), ..Flags::default() };
            if let Ok(configuration) = Configuration::load(flags, surroundings()) {
                let _ = (configuration.dump(&host("h")), configuration.resolve(&host("h")));
            }
        }
    }
}
