//! Which variables and terminals surround this process? The only reading of the environment.
//!
//! Main type: [`Environment`].

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::IsTerminal;

use crate::config::{Origin, Value};

/// What surrounds this process: variables and terminals.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Every environment variable.
    pub variables: HashMap<String, OsString>,
    /// Standard error is a terminal that can move its cursor.
    pub terminal: bool,
}

/// A `HOP_*` variable that says nothing sensible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: `{text}`: {problem}")]
pub struct WrongVariable {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub text: String,
    /// What it could hold.
    pub problem: String,
}

impl Environment {
    /// This process's own.
    pub fn of_this_process() -> Environment {
        let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
        let variables: HashMap<_, _> = std::env::vars_os().filter_map(text).collect();
        let dumb = variables.get("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
        Environment { terminal: !dumb && std::io::stderr().is_terminal(), variables }
    }

    /// The flag if it was given, else the variable if it is set and not empty, else the default.
    pub fn choose<T>(
        &self,
        flag: (Option<T>, &str),
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
        default: T,
    ) -> Result<Value<T>, WrongVariable> {
        if let (Some(value), spelled) = flag {
            return Ok(Value { value, origin: Origin::Flag(spelled.to_owned()) });
        }
        let Some(text) = self.variables.get(name).filter(|text| !text.is_empty()) else {
            return Ok(Value::default(default));
        };
        let text = text.to_string_lossy();
        let value = read(&text).map_err(|problem| WrongVariable { name, text: text.to_string(), problem })?;
        Ok(Value { value, origin: Origin::Env(name.to_owned()) })
    }
}
