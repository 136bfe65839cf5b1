//! Which variables and terminals does this process have? Only here is the environment read.
//!
//! Main type: [`Environment`].

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::IsTerminal;

use anyhow::anyhow;

use crate::config::{Origin, Value};

/// The environment of this process: variables and terminals.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Every environment variable.
    pub variables: HashMap<String, OsString>,
    /// Whether standard error is a terminal that can move its cursor.
    pub terminal: bool,
}

impl Environment {
    /// The environment of this process.
    pub fn of_this_process() -> Environment {
        let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
        let variables: HashMap<_, _> = std::env::vars_os().filter_map(text).collect();
        let dumb = variables.get("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
        Environment { terminal: !dumb && std::io::stderr().is_terminal(), variables }
    }

    /// The flag if it was given, otherwise the variable if it is set and not empty, otherwise the default.
    ///
    /// # Errors
    /// When the variable has a bad value: its name, and what is accepted.
    pub fn choose<T>(
        &self,
        flag: (Option<T>, &str),
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
        default: T,
    ) -> anyhow::Result<Value<T>> {
        if let (Some(value), spelled) = flag {
            return Ok(Value { value, origin: Origin::Flag(spelled.to_owned()) });
        }
        let Some(text) = self.variables.get(name).filter(|text| !text.is_empty()) else {
            return Ok(Value::default(default));
        };
        let text = text.to_string_lossy();
        let value = read(&text).map_err(|problem| anyhow!("{name}: `{text}`: {problem}"))?;
        Ok(Value { value, origin: Origin::Env(name.to_owned()) })
    }
}
