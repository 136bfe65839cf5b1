//! Where did a value come from? Each value is kept with its origin, and the origins are ordered.
//!
//! Main types: [`Origin`], [`Value`]. What a value means is not known here.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where a value came from. The order is the precedence: a later variant wins over an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Origin {
    /// Built in, as given in `ssh_config(5)`.
    #[default]
    Default,
    /// A line of an ssh_config file (line numbers from 1).
    SshConfig(PathBuf, usize),
    /// An environment variable.
    Env(String),
    /// A flag of the command line, as typed (`-p`, `-o Port=…`).
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::SshConfig(file, line) => write!(f, "{}:{line}", file.display()),
            Origin::Env(name) => write!(f, "${name}"),
            Origin::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A value and its origin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Value<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

impl<T> Value<T> {
    /// A built-in value.
    pub fn default(value: T) -> Self {
        Value { value, origin: Origin::Default }
    }
}

impl<T> std::ops::Deref for Value<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// Whose file a line is in: decides what a relative `Include` and `~` mean, and whether an identity counts as asked
/// for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The user's file, or the command line.
    User,
    /// The system's file.
    System,
}

/// What sets a value: a line, a flag, or hop itself.
#[derive(Debug, Clone, Copy)]
pub enum SetBy<'a> {
    /// A line of a file: path, line number, whose file it is.
    Line(&'a Path, usize, Scope),
    /// A flag of the command line.
    Flag(&'a str),
    /// hop itself: the value is built in.
    BuiltIn,
}

impl SetBy<'_> {
    /// The same as an [`Origin`], which owns its parts.
    pub fn origin(&self) -> Origin {
        match *self {
            SetBy::Line(file, line, _) => Origin::SshConfig(file.to_owned(), line),
            SetBy::Flag(flag) => Origin::Flag(flag.to_owned()),
            SetBy::BuiltIn => Origin::Default,
        }
    }

    /// Whose file the line is in.
    pub fn scope(&self) -> Scope {
        match *self {
            SetBy::Line(_, _, scope) => scope,
            SetBy::Flag(_) | SetBy::BuiltIn => Scope::User,
        }
    }
}
