//! Which values do the lines set for one host? They are walked in order, once, or twice if the configuration asks for
//! it.
//!
//! Main function: [`evaluate`]. The order is that of OpenSSH's `ssh.c`: flags, the user's file, the system's file, then
//! `Hostname`, canonicalisation, and the second pass with the resulting name. Defaults are filled in `defaults.rs`.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use super::canonical;
use super::resolver::Resolver;
use super::settings::{Applies, Settings};
use crate::config::error::{BadLine, ConfigError};
use crate::config::flags::Purpose;
use crate::config::local_env::LocalEnv;
use crate::config::origin::{Origin, SetBy};
use crate::config::parse::criteria::{Criterion, Test};
use crate::config::parse::files::{Body, ConfigFile, FileReader};
use crate::config::values::keywords::Keyword;
use crate::config::values::tokens::{ConnectionTokens, Tokens};
use crate::wildcard::{ListMatch, match_list, match_list_ignoring_case};

/// The inputs of an evaluation, the same for every host.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The files, in order.
    pub files: &'a [ConfigFile],
    /// The user, the machine and the environment.
    pub local_env: &'a LocalEnv,
    /// The purpose of the session (`Match command`, `Match sessiontype`).
    pub purpose: &'a Purpose,
    /// The source of names and local addresses.
    pub names: &'a dyn Resolver,
}

/// The result of an evaluation.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// The host as typed (`%n`).
    pub alias: String,
    /// The name or address to dial (`%h`).
    pub host: String,
    /// The values set by flags and lines; defaults are still missing.
    pub settings: Settings,
}

/// Walks the files for `alias`; `settings` already holds what the command line sets.
pub fn evaluate(inputs: Inputs<'_>, alias: &str, settings: Settings) -> Result<Evaluated, ConfigError> {
    let mut pass =
        Pass { inputs, alias, host: alias.to_owned(), settings, second: false, wants_second: false, depth: 0 };
    pass.walk_all()?;
    let mut host = match pass.settings.first(Keyword::Hostname) {
        Some(name) => pass.expand_hostname(&name.word)?,
        None => alias.to_owned(),
    };
    if !canonical::is_address(&host) {
        host.make_ascii_lowercase();
    }
    let host = canonical::canonicalise(inputs.names, &pass.settings, host)?;
    let canonicalised = !matches!(pass.settings.word(Keyword::CanonicalizeHostname), "" | "false");
    if canonicalised || pass.wants_second {
        pass.second = true;
        pass.host.clone_from(&host);
        let origin = pass.settings.first(Keyword::Hostname).map(|name| name.origin.clone());
        pass.settings.replace(Keyword::Hostname, std::slice::from_ref(&host), SetBy::BuiltIn);
        if let Some(origin) = origin {
            pass.settings.set_origin(Keyword::Hostname, &origin);
        }
        pass.walk_all()?;
    }
    Ok(Evaluated { alias: alias.to_owned(), host, settings: pass.settings })
}

struct Pass<'a> {
    inputs: Inputs<'a>,
    alias: &'a str,
    /// The name that `Host` lines are compared with: the one typed, then the canonical one.
    host: String,
    settings: Settings,
    second: bool,
    wants_second: bool,
    /// How many `Include` lines enclose the current line.
    depth: usize,
}

/// Why evaluation of a line stops.
enum WalkError {
    /// This line is bad; the others are still evaluated.
    Line(String),
    /// Nothing more is evaluated.
    All(ConfigError),
}

impl From<String> for WalkError {
    fn from(problem: String) -> WalkError {
        WalkError::Line(problem)
    }
}

impl From<ConfigError> for WalkError {
    fn from(error: ConfigError) -> WalkError {
        WalkError::All(error)
    }
}

/// The state that `Host` and `Match` lines change.
#[derive(Clone, Copy)]
struct BlockState {
    applies: Applies,
    /// True inside an `Include` of a block that does not apply: no line of the included file can apply.
    never: bool,
}

impl Pass<'_> {
    fn walk_all(&mut self) -> Result<(), ConfigError> {
        let files = self.inputs.files;
        files.iter().try_for_each(|file| self.walk(file, BlockState { applies: Applies::Yes, never: false }))
    }

    fn walk(&mut self, file: &ConfigFile, mut block: BlockState) -> Result<(), ConfigError> {
        let mut bad = Vec::new();
        for line in &file.lines {
            let set_by = SetBy::Line(&file.path, line.number, file.scope);
            match self.line(set_by, &line.body, &mut block) {
                Ok(()) => {}
                Err(WalkError::Line(problem)) => bad.push(BadLine { origin: set_by.origin(), problem }),
                Err(WalkError::All(error)) => return Err(error),
            }
        }
        if bad.is_empty() { Ok(()) } else { Err(ConfigError::BadLines(bad)) }
    }

    fn line(&mut self, set_by: SetBy<'_>, body: &Body, block: &mut BlockState) -> Result<(), WalkError> {
        match body {
            Body::Set(keyword, words) => self.settings.take(*keyword, words, set_by, block.applies)?,
            Body::Host(patterns) => block.applies = applies(!block.never && patterns.apply_to(&self.host)),
            Body::Match(criteria) => {
                let matched = self.matches(criteria, block.never)?;
                block.applies = applies(!block.never && matched);
            }
            Body::Include(files) => self.include(files, *block)?,
            Body::IncludeLater(_) if block.applies == Applies::No => {}
            Body::IncludeLater(pattern) => {
                let pattern = self.tokens()?.expand(pattern)?;
                let files = FileReader::new(self.inputs.local_env).read_later(&pattern, set_by, self.depth + 1)?;
                self.include(&files, *block)?;
            }
            Body::Unknown(keyword) => {
                let ignored = self.settings.word(Keyword::IgnoreUnknown);
                if match_list(keyword, ignored.to_ascii_lowercase()) != ListMatch::Match {
                    return Err(WalkError::Line(format!("unknown keyword `{keyword}`")));
                }
            }
        }
        Ok(())
    }

    fn include(&mut self, files: &[ConfigFile], block: BlockState) -> Result<(), ConfigError> {
        let inner = BlockState { applies: block.applies, never: block.never || block.applies == Applies::No };
        self.depth += 1;
        files.iter().try_for_each(|file| self.walk(file, inner))?;
        self.depth -= 1;
        Ok(())
    }

    fn matches(&mut self, criteria: &[Criterion], never: bool) -> Result<bool, String> {
        let mut result = true;
        for criterion in criteria {
            if criterion.test == Test::Final {
                self.wants_second = true;
            }
            // a command runs only if every criterion before it holds
            if matches!(criterion.test, Test::Exec(_)) && (!result || never) {
                result = false;
                continue;
            }
            result &= self.holds(&criterion.test)? != criterion.negated;
        }
        Ok(result)
    }

    fn holds(&self, test: &Test) -> Result<bool, String> {
        let listed = |text: &str, list: &str| match_list(text, list) == ListMatch::Match;
        let listed_or_empty =
            |text: &str, list: &str| if text.is_empty() { list.is_empty() } else { listed(text, list) };
        let Inputs { local_env, purpose, names, .. } = self.inputs;
        Ok(match test {
            Test::All => true,
            Test::Canonical | Test::Final => self.second,
            Test::Host(list) => match_list_ignoring_case(&self.target()?, list) == ListMatch::Match,
            Test::OriginalHost(list) => match_list_ignoring_case(self.alias, list) == ListMatch::Match,
            Test::User(list) => listed(self.remote_user(), list),
            Test::LocalUser(list) => listed(&local_env.user, list),
            Test::LocalNetwork(networks) => networks.hold_one_of(&names.local_addresses()?),
            Test::Tagged(list) => listed_or_empty(self.settings.word(Keyword::Tag), list),
            Test::Command(list) => listed_or_empty(purpose.command(), list),
            Test::SessionType(list) => listed(purpose.session_type(), list),
            Test::Version(list) => listed(concat!("hop_", env!("CARGO_PKG_VERSION")), list),
            Test::Exec(command) => self.succeeds(command)?,
        })
    }

    /// The name that `Match host` is compared with.
    fn target(&self) -> Result<String, String> {
        match self.settings.first(Keyword::Hostname) {
            Some(name) if self.second => Ok(name.word.clone()),
            Some(name) => Tokens::of_host(&self.host).expand(&name.word),
            None => Ok(self.host.clone()),
        }
    }

    fn remote_user(&self) -> &str {
        self.settings.first(Keyword::User).map_or(&self.inputs.local_env.user, |user| &user.word)
    }

    fn expand_hostname(&self, name: &str) -> Result<String, ConfigError> {
        Tokens::of_host(self.alias).expand(name).map_err(|problem| ConfigError::Value {
            host: self.alias.to_owned(),
            keyword: "hostname".to_owned(),
            origin: self.settings.first(Keyword::Hostname).map_or(Origin::Default, |name| name.origin.clone()),
            problem,
        })
    }

    /// The tokens as far as they are known while lines are walked.
    fn tokens(&self) -> Result<Tokens, String> {
        let host = self.target()?;
        let port = self.settings.first(Keyword::Port).map_or("22", |port| &port.word);
        let key_alias = self.settings.first(Keyword::HostKeyAlias).map_or(host.as_str(), |alias| &alias.word);
        let (user, jump) = (self.remote_user(), self.settings.last_jump());
        let connection = ConnectionTokens { original: self.alias, host: &host, port, user, key_alias, jump: &jump };
        Ok(Tokens::of_connection(&connection, self.inputs.local_env))
    }

    /// Runs a `Match exec` command in the user's shell, as ssh does: stdin and stdout are `/dev/null`.
    fn succeeds(&self, command: &str) -> Result<bool, String> {
        let local_env = self.inputs.local_env;
        let command = self.tokens()?.expand(command)?;
        let shell = local_env.shell();
        let status = Command::new(&shell).arg("-c").arg(&command).stdin(Stdio::null()).stdout(Stdio::null()).status();
        let status = status.map_err(|error| format!("cannot run {}: {error}", shell.display()))?;
        match status.signal() {
            Some(signal) => Err(format!("`{command}` was ended by signal {signal}")),
            None => Ok(status.success()),
        }
    }
}

fn applies(yes: bool) -> Applies {
    if yes { Applies::Yes } else { Applies::No }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::config::evaluate::resolver::ResolvedName;
    use crate::config::host::AddressFamily;
    use crate::config::origin::Scope;
    use crate::config::parse::files::FileCheck;

    struct Office;

    impl Resolver for Office {
        fn look_up(&self, name: &str, _: AddressFamily) -> Option<ResolvedName> {
            (name == "db.office.example.").then(ResolvedName::default)
        }

        fn local_addresses(&self) -> Result<Vec<IpAddr>, String> {
            Ok(vec!["10.1.2.3".parse().unwrap()])
        }
    }

    fn evaluated(text: &str, alias: &str, purpose: &Purpose) -> Result<Evaluated, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, text.replace("@DIR@", &folder.path().to_string_lossy())).unwrap();
        std::fs::write(folder.path().join("for-db"), "User from-include\n").unwrap();
        std::fs::write(folder.path().join("loop-db"), text.replace("@DIR@", &folder.path().to_string_lossy())).unwrap();
        let local_env =
            LocalEnv { uid: rustix::process::getuid().as_raw(), user: "me".to_owned(), ..LocalEnv::default() };
        let mut reader = FileReader::new(&local_env);
        let files: Vec<ConfigFile> = reader.read(&path, Scope::User, FileCheck::Nothing)?.into_iter().collect();
        reader.finish()?;
        let inputs = Inputs { files: &files, local_env: &local_env, purpose, names: &Office };
        evaluate(inputs, alias, Settings::default())
    }

    fn user(text: &str, purpose: &Purpose) -> String {
        evaluated(text, "db", purpose).unwrap().settings.word(Keyword::User).to_owned()
    }

    #[test]
    fn criteria_that_came_after_9_2() {
        let copies = |criterion: &str| user(&format!("Tag work\nMatch {criterion}\nUser yes"), &Purpose::Sftp) == "yes";
        for criterion in [
            "tagged work",
            "tagged w*,!home",
            "command sftp",
            "sessiontype subsystem",
            "localnetwork 10.0.0.0/8",
            "localnetwork 192.168.0.0/16,10.1.2.3",
            "!version OpenSSH*",
            "!tagged \"\"",
        ] {
            assert!(copies(criterion), "{criterion}");
        }
        for criterion in ["tagged home", "!command sftp", "sessiontype shell,exec", "localnetwork 10.0.0.0/16"] {
            assert!(!copies(criterion), "{criterion}");
        }
        assert_eq!(user("Match command \"\"\nUser yes", &Purpose::Shell), "yes");
        assert_eq!(user("Match command uname*\nUser yes", &Purpose::Exec("uname -a".into())), "yes");
    }

    #[test]
    fn names_are_made_whole_before_the_second_pass() {
        let text = "CanonicalizeHostname yes\nCanonicalDomains lan.example office.example\nHost db\nPort 1\n\
                    Host db.office.example\nUser second\nMatch canonical host *.office.example\nHostKeyAlias alias\n";
        let evaluated = evaluated(text, "db", &Purpose::Shell).unwrap();
        assert_eq!((evaluated.alias.as_str(), evaluated.host.as_str()), ("db", "db.office.example"));
        let word = |keyword| evaluated.settings.word(keyword);
        assert_eq!([Keyword::Port, Keyword::User, Keyword::HostKeyAlias].map(word), ["1", "second", "alias"]);
    }

    #[test]
    fn an_include_may_have_tokens_in_its_name() {
        assert_eq!(user("Include @DIR@/for-%h", &Purpose::Shell), "from-include");
        assert_eq!(user("Include @DIR@/for-%h%%", &Purpose::Shell), "");
        assert_eq!(user("Host other\nInclude @DIR@/for-%q\n", &Purpose::Shell), "");
        assert!(matches!(evaluated("Include @DIR@/for-%q", "db", &Purpose::Shell), Err(ConfigError::BadLines(_))));
        let endless = evaluated("Include @DIR@/loop-%h", "db", &Purpose::Shell);
        assert!(matches!(endless, Err(ConfigError::TooDeep { .. })));
    }
}
