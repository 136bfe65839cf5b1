//! Which values hold for one host? The lines are walked in order, once, or twice where the configuration asks for it.
//!
//! Main function: [`evaluate`]. The order is that of OpenSSH's `ssh.c`: flags, the user's file, the system's file, then
//! `Hostname`, canonicalisation, and the second pass with the name that came of it. Defaults are filled in `finish.rs`.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use super::canonical::{self, Names};
use super::error::{BadLine, ConfigError};
use super::files::{Body, File, Line};
use super::host::Origin;
use super::keywords::Keyword;
use super::matching::{Criterion, Test, Verdict, match_list, match_list_ignoring_case};
use super::settings::{Applies, Place, Settings};
use super::tokens::{Connection, Tokens};
use super::{Purpose, Surroundings};

/// What an evaluation looks at; the same for every host.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The files, in order.
    pub files: &'a [File],
    /// The user, the machine, the variables.
    pub surroundings: &'a Surroundings,
    /// What the session is for (`Match command`, `Match sessiontype`).
    pub purpose: &'a Purpose,
    /// Who knows names and networks.
    pub names: &'a dyn Names,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// As typed (`%n`).
    pub alias: String,
    /// The name or address to dial (`%h`).
    pub host: String,
    /// The values; defaults are still missing.
    pub settings: Settings,
}

/// Walks the files for `alias`, `settings` holding what the command line says.
pub fn evaluate(ground: Ground<'_>, alias: &str, settings: Settings) -> Result<Evaluated, ConfigError> {
    let mut pass = Pass { ground, alias, host: alias.to_owned(), settings, second: false, wants_second: false };
    pass.walk_all()?;
    let mut host = match pass.settings.first(Keyword::Hostname) {
        Some(name) => pass.expand_hostname(&name.word)?,
        None => alias.to_owned(),
    };
    if !canonical::is_address(&host) {
        host.make_ascii_lowercase();
    }
    let host = canonical::canonicalise(ground.names, &pass.settings, host)?;
    let canonicalised = !matches!(pass.settings.word(Keyword::CanonicalizeHostname), "" | "false");
    if canonicalised || pass.wants_second {
        pass.second = true;
        pass.host.clone_from(&host);
        let place = pass.settings.first(Keyword::Hostname).map(|name| name.origin.clone());
        pass.settings.replace(Keyword::Hostname, std::slice::from_ref(&host), Place::BuiltIn);
        if let Some(origin) = place {
            pass.settings.blame(Keyword::Hostname, &origin);
        }
        pass.walk_all()?;
    }
    Ok(Evaluated { alias: alias.to_owned(), host, settings: pass.settings })
}

struct Pass<'a> {
    ground: Ground<'a>,
    alias: &'a str,
    /// What `Host` lines are compared with: the name as typed, then the canonical one.
    host: String,
    settings: Settings,
    second: bool,
    wants_second: bool,
}

/// The state that `Host` and `Match` lines change.
#[derive(Clone, Copy)]
struct Block {
    applies: Applies,
    /// Inside an `Include` of a block that does not apply: nothing can apply.
    never: bool,
}

impl Pass<'_> {
    fn walk_all(&mut self) -> Result<(), ConfigError> {
        let files = self.ground.files;
        files.iter().try_for_each(|file| self.walk(file, Block { applies: Applies::Yes, never: false }))
    }

    fn walk(&mut self, file: &File, mut block: Block) -> Result<(), ConfigError> {
        let mut bad = Vec::new();
        for line in &file.lines {
            let place = Place::Line(&file.path, line.number, file.scope);
            match self.line(file, line, &mut block)? {
                Ok(()) => {}
                Err(problem) => bad.push(BadLine { origin: place.origin(), problem }),
            }
        }
        if bad.is_empty() { Ok(()) } else { Err(ConfigError::BadLines(bad)) }
    }

    /// One line; the inner result is what is wrong with it.
    fn line(&mut self, file: &File, line: &Line, block: &mut Block) -> Result<Result<(), String>, ConfigError> {
        let place = Place::Line(&file.path, line.number, file.scope);
        match &line.body {
            Body::Set(keyword, words) => return Ok(self.settings.take(*keyword, words, place, block.applies)),
            Body::Host(patterns) => block.applies = applies(!block.never && patterns.apply_to(&self.host)),
            Body::Match(criteria) => {
                let matched = match self.matches(criteria, block.never) {
                    Ok(matched) => matched,
                    Err(problem) => return Ok(Err(problem)),
                };
                block.applies = applies(!block.never && matched);
            }
            Body::Include(files) => {
                let inner = Block { applies: block.applies, never: block.never || block.applies == Applies::No };
                files.iter().try_for_each(|file| self.walk(file, inner))?;
            }
            Body::Unknown(keyword) => {
                let ignored = self.settings.word(Keyword::IgnoreUnknown);
                if match_list(keyword, &ignored.to_ascii_lowercase()) != Verdict::Match {
                    return Ok(Err(format!("unknown keyword `{keyword}`")));
                }
            }
        }
        Ok(Ok(()))
    }

    fn matches(&mut self, criteria: &[Criterion], never: bool) -> Result<bool, String> {
        let mut result = true;
        for criterion in criteria {
            if criterion.test == Test::Final {
                self.wants_second = true;
            }
            // a command is run only when everything before it holds
            if matches!(criterion.test, Test::Exec(_)) && (!result || never) {
                result = false;
                continue;
            }
            result &= self.holds(&criterion.test)? != criterion.negated;
        }
        Ok(result)
    }

    fn holds(&self, test: &Test) -> Result<bool, String> {
        let listed = |text: &str, list: &str| match_list(text, list) == Verdict::Match;
        let listed_or_empty =
            |text: &str, list: &str| if text.is_empty() { list.is_empty() } else { listed(text, list) };
        let Ground { surroundings, purpose, names, .. } = self.ground;
        Ok(match test {
            Test::All => true,
            Test::Canonical | Test::Final => self.second,
            Test::Host(list) => match_list_ignoring_case(&self.target()?, list) == Verdict::Match,
            Test::OriginalHost(list) => match_list_ignoring_case(self.alias, list) == Verdict::Match,
            Test::User(list) => listed(self.remote_user(), list),
            Test::LocalUser(list) => listed(&surroundings.user, list),
            Test::LocalNetwork(networks) => networks.hold_one_of(&names.local_addresses()?),
            Test::Tagged(list) => listed_or_empty(self.settings.word(Keyword::Tag), list),
            Test::Command(list) => listed_or_empty(purpose.command(), list),
            Test::SessionType(list) => listed(purpose.session_type(), list),
            Test::Version(list) => listed(concat!("hop_", env!("CARGO_PKG_VERSION")), list),
            Test::Exec(command) => self.succeeds(command)?,
        })
    }

    /// The name `Match host` sees.
    fn target(&self) -> Result<String, String> {
        match self.settings.first(Keyword::Hostname) {
            Some(name) if self.second => Ok(name.word.clone()),
            Some(name) => Tokens::of_host(&self.host).expand(&name.word),
            None => Ok(self.host.clone()),
        }
    }

    fn remote_user(&self) -> &str {
        self.settings.first(Keyword::User).map_or(&self.ground.surroundings.user, |user| &user.word)
    }

    fn expand_hostname(&self, name: &str) -> Result<String, ConfigError> {
        Tokens::of_host(self.alias).expand(name).map_err(|problem| ConfigError::Value {
            host: self.alias.to_owned(),
            keyword: "hostname".to_owned(),
            origin: self.settings.first(Keyword::Hostname).map_or(Origin::Default, |name| name.origin.clone()),
            problem,
        })
    }

    /// Runs a `Match exec` command in the user's shell, as ssh does: nothing to read, nothing to print.
    fn succeeds(&self, command: &str) -> Result<bool, String> {
        let host = self.target()?;
        let port = self.settings.first(Keyword::Port).map_or("22", |port| &port.word);
        let key_alias = self.settings.first(Keyword::HostKeyAlias).map_or(host.as_str(), |alias| &alias.word);
        let connection = Connection { original: self.alias, host: &host, port, user: self.remote_user(), key_alias };
        let surroundings = self.ground.surroundings;
        let command = Tokens::of_connection(&connection, surroundings).expand(command)?;
        let shell = surroundings.shell();
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
