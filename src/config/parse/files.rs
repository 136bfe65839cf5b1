//! Which lines are there? Configuration files are read and checked once, and kept as a tree of lines.
//!
//! Main types: [`ConfigFile`], [`FileLine`]. A file below the user's home, and every included one, must belong to root
//! or to the user and be writable by nobody else (`read_config_file_depth` in OpenSSH's `readconf.c`). Nothing is
//! evaluated here, so no command in a file runs before the check.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::criteria::{Criterion, HostPatterns, parse_criteria};
use super::glob::glob;
use crate::config::error::{BadLine, ConfigError};
use crate::config::lines::{RawLine, Words, split_lines};
use crate::config::local_env::LocalEnv;
use crate::config::origin::{Origin, Scope, SetBy};
use crate::config::values::jump::Jump;
use crate::config::values::keywords::{Directive, Keyword, directive};
use crate::config::values::tokens::{expand_env, expand_tilde};
use crate::wildcard::{ListMatch, match_list};

/// The deepest nesting of `Include`.
const DEEPEST: usize = 16;
/// The largest file that is read, in bytes.
const LARGEST: u64 = 16 << 20;

/// Whether owner and mode are checked before a file is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileCheck {
    /// They are.
    OwnerAndMode,
    /// They are not: the file was named with `-F`, or is the system's own.
    Nothing,
}

/// A file that has been read.
#[derive(Debug)]
pub struct ConfigFile {
    /// The path of the file.
    pub path: PathBuf,
    /// Whose file it is.
    pub scope: Scope,
    /// Its lines, in order.
    pub lines: Vec<FileLine>,
}

/// A line that has been parsed.
#[derive(Debug)]
pub struct FileLine {
    /// The line number, from 1.
    pub number: usize,
    /// What the line says.
    pub body: Body,
}

/// What a line says.
#[derive(Debug)]
pub enum Body {
    /// A keyword and its words, as `ssh -G` prints them.
    Set(Keyword, Vec<String>),
    /// `Host`.
    Host(HostPatterns),
    /// `Match`.
    Match(Vec<Criterion>),
    /// `Include`, with the files it names.
    Include(Vec<ConfigFile>),
    /// An `Include` whose name has tokens: which files it names depends on the host.
    IncludeLater(String),
    /// An unknown keyword: an error unless `IgnoreUnknown` names it.
    Unknown(String),
}

/// Reads files and collects the lines that cannot be used.
pub struct FileReader<'a> {
    local_env: &'a LocalEnv,
    bad: Vec<BadLine>,
    /// The first `IgnoreUnknown` given with `-o`, in lowercase.
    ignored: Option<String>,
}

impl<'a> FileReader<'a> {
    /// A reader that has read nothing yet.
    pub fn new(local_env: &'a LocalEnv) -> FileReader<'a> {
        FileReader { local_env, bad: Vec::new(), ignored: None }
    }

    /// Reads a file and those it includes. `None` if the file does not exist.
    pub fn read(&mut self, path: &Path, scope: Scope, check: FileCheck) -> Result<Option<ConfigFile>, ConfigError> {
        self.read_at_depth(path, scope, check, 0)
    }

    /// Reads the files of an `Include` whose tokens are expanded; `depth` is how many `Include` lines enclose it.
    pub fn read_later(
        mut self,
        pattern: &str,
        set_by: SetBy<'_>,
        depth: usize,
    ) -> Result<Vec<ConfigFile>, ConfigError> {
        match self.included(pattern, set_by.scope(), depth) {
            Ok(files) => self.finish().map(|()| files),
            Err(LineError::Include(error)) => Err(error),
            Err(LineError::Problem(problem)) => {
                Err(ConfigError::BadLines(vec![BadLine { origin: set_by.origin(), problem }]))
            }
        }
    }

    /// Reads one line given with `-o`.
    pub fn read_flag(&mut self, line: &str) -> Option<(Keyword, Vec<String>)> {
        let origin = Origin::Flag(format!("-o {line}"));
        let raw = match crate::config::lines::read_line(0, line) {
            Ok(raw) => raw?,
            Err(unreadable) => return self.complain(origin, unreadable.problem),
        };
        match directive(&raw.keyword) {
            Some(Directive::Setting(keyword)) => match self.words(keyword, raw.rest) {
                Ok(words) => {
                    if let (Keyword::IgnoreUnknown, None) = (keyword, &self.ignored) {
                        self.ignored = Some(words.concat().to_ascii_lowercase());
                    }
                    Some((keyword, words))
                }
                Err(problem) => self.complain(origin, format!("{}: {problem}", raw.keyword)),
            },
            Some(Directive::WithoutEffect) => None,
            Some(_) => self.complain(origin, format!("{} is not for the command line", raw.keyword)),
            None if self.ignores(&raw.keyword) => None,
            None => self.complain(origin, format!("unknown keyword `{}`", raw.keyword)),
        }
    }

    fn ignores(&self, keyword: &str) -> bool {
        self.ignored.as_ref().is_some_and(|ignored| match_list(keyword, ignored) == ListMatch::Match)
    }

    /// Checks the jumps given with `-J`, strictly, since they end up in names and tokens.
    pub fn check_jumps(&mut self, list: &str) {
        let jumps = list.split(',').filter(|_| !list.eq_ignore_ascii_case("none"));
        let bad = jumps.filter_map(|jump| Jump::parse(jump).and_then(Jump::vetted).err());
        self.bad.extend(bad.map(|problem| BadLine { origin: Origin::Flag("-J".to_owned()), problem }));
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// The lines that cannot be used, if there are any.
    pub fn finish(self) -> Result<(), ConfigError> {
        if self.bad.is_empty() { Ok(()) } else { Err(ConfigError::BadLines(self.bad)) }
    }

    fn complain<T>(&mut self, origin: Origin, problem: String) -> Option<T> {
        self.bad.push(BadLine { origin, problem });
        None
    }

    fn read_at_depth(
        &mut self,
        path: &Path,
        scope: Scope,
        check: FileCheck,
        depth: usize,
    ) -> Result<Option<ConfigFile>, ConfigError> {
        if depth > DEEPEST {
            return Err(ConfigError::TooDeep { file: path.to_owned() });
        }
        let Some(bytes) = contents(path, check, self.local_env.uid)? else { return Ok(None) };
        let mut lines = Vec::new();
        for raw in split_lines(&bytes) {
            let (number, bodies) = match raw {
                Ok(raw) => (raw.number, self.body(&raw, scope, depth)),
                Err(bad) => (bad.number, Err(LineError::Problem(bad.problem))),
            };
            match bodies {
                Ok(bodies) => lines.extend(bodies.into_iter().map(|body| FileLine { number, body })),
                Err(LineError::Problem(problem)) => {
                    self.bad.push(BadLine { origin: Origin::SshConfig(path.to_owned(), number), problem });
                }
                Err(LineError::Include(error)) => return Err(error),
            }
        }
        Ok(Some(ConfigFile { path: path.to_owned(), scope, lines }))
    }

    fn body(&mut self, raw: &RawLine<'_>, scope: Scope, depth: usize) -> Result<Vec<Body>, LineError> {
        let problem = |problem: String| LineError::Problem(format!("{}: {problem}", raw.keyword));
        let mut words = Words::new(raw.rest).map_err(|why| problem(why.to_owned()))?;
        Ok(vec![match directive(&raw.keyword) {
            None => Body::Unknown(raw.keyword.clone()),
            Some(Directive::WithoutEffect) => return Ok(Vec::new()),
            Some(Directive::Setting(keyword)) => Body::Set(keyword, self.words(keyword, raw.rest).map_err(problem)?),
            Some(Directive::Match) => Body::Match(parse_criteria(raw.rest).map_err(problem)?),
            Some(Directive::Host) => Body::Host(HostPatterns::new(words.all()).map_err(problem)?),
            Some(Directive::Include) => return self.include(words.all(), scope, depth),
        }])
    }

    /// The files of an `Include`, in order. `${VAR}` is expanded now; a name with tokens is kept for later.
    fn include(&mut self, patterns: Vec<String>, scope: Scope, depth: usize) -> Result<Vec<Body>, LineError> {
        let mut bodies = Vec::new();
        for pattern in patterns {
            let plain = expand_env(&pattern, self.local_env).map_err(include_problem)?;
            bodies.push(match plain.contains('%') {
                true => Body::IncludeLater(plain),
                false => Body::Include(self.included(&plain, scope, depth + 1)?),
            });
        }
        Ok(bodies)
    }

    fn included(&mut self, pattern: &str, scope: Scope, depth: usize) -> Result<Vec<ConfigFile>, LineError> {
        let mut files = Vec::new();
        for file in self.named(pattern, scope).map_err(include_problem)? {
            let read = self.read_at_depth(&file, scope, FileCheck::OwnerAndMode, depth);
            files.extend(read.map_err(LineError::Include)?);
        }
        Ok(files)
    }

    fn words(&self, keyword: Keyword, rest: &str) -> Result<Vec<String>, String> {
        let mut words = Words::new(rest)?;
        let read = (keyword.row().read)(&mut words, self.local_env)?;
        if words.left() > 0 { Err("extra arguments at the end of the line".to_owned()) } else { Ok(read) }
    }

    /// The files that one word of an `Include` names.
    fn named(&self, pattern: &str, scope: Scope) -> Result<Vec<PathBuf>, String> {
        let tilde = pattern.starts_with('~');
        let anchored = match scope {
            _ if pattern.is_empty() => return Err("an empty argument".to_owned()),
            Scope::System if tilde => return Err(format!("bad include path `{pattern}`")),
            _ if tilde => PathBuf::from(expand_tilde(pattern, self.local_env)?),
            Scope::User => self.local_env.home.join(".ssh").join(pattern),
            Scope::System => self.local_env.system_folder.join(pattern),
        };
        Ok(glob(&anchored))
    }
}

enum LineError {
    Problem(String),
    Include(ConfigError),
}

fn include_problem(problem: String) -> LineError {
    LineError::Problem(format!("include: {problem}"))
}

/// The bytes of a file; owner and mode are checked on the open descriptor.
fn contents(path: &Path, check: FileCheck, uid: u32) -> Result<Option<Vec<u8>>, ConfigError> {
    let unreadable = |source| ConfigError::Read { file: path.to_owned(), source };
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let metadata = file.metadata().map_err(unreadable)?;
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    if check == FileCheck::OwnerAndMode && ((owner != 0 && owner != uid) || mode & 0o022 != 0) {
        return Err(ConfigError::Permissions { file: path.to_owned(), uid: owner, mode });
    }
    if metadata.is_dir() {
        return Ok(Some(Vec::new()));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match bytes.len() as u64 > LARGEST {
        true => Err(unreadable(io::Error::new(io::ErrorKind::FileTooLarge, "the file is larger than 16 MiB"))),
        false => Ok(Some(bytes)),
    }
}
