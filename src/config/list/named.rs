//! Which hosts does the configuration name? The names of its `Host` lines, each with its line.
//!
//! Main type: [`NamedHost`]. What a name resolves to is up to [`Configuration::resolve`], as for any other; names that
//! occur only in `Match` lines, or in an `Include` with tokens, are not listed.

use std::path::{Path, PathBuf};

use crate::config::configuration::Configuration;
use crate::config::origin::Origin;
use crate::config::parse::files::{Body, ConfigFile};
use crate::target::HostSpec;

/// A name of a `Host` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedHost {
    /// The name as written; a pattern if it has `*` or `?`.
    pub name: String,
    /// The line it is on.
    pub origin: Origin,
}

impl NamedHost {
    /// Whether the name is a pattern and so not the name of one host.
    pub fn is_pattern(&self) -> bool {
        self.name.contains(['*', '?'])
    }

    /// The host with this name; for a pattern, a host that matches it.
    pub fn host(&self) -> HostSpec {
        HostSpec { user: None, host: self.name.replace(['*', '?'], "x"), port: None }
    }
}

impl Configuration {
    /// The names of all `Host` lines, in the order of the files, each once.
    pub fn named(&self) -> Vec<NamedHost> {
        let mut found: Vec<NamedHost> = Vec::new();
        for named in self.files.iter().flat_map(of_file) {
            if !found.iter().any(|known| known.name == named.name) {
                found.push(named);
            }
        }
        found
    }

    /// The files that were read, in order.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.files.iter().map(|file| file.path.clone()).collect()
    }
}

fn of_file(file: &ConfigFile) -> Vec<NamedHost> {
    let on = |path: &Path, number| Origin::SshConfig(path.to_owned(), number);
    let mut found = Vec::new();
    for line in &file.lines {
        match &line.body {
            Body::Host(patterns) => found.extend(
                patterns.wanted().map(|name| NamedHost { name: name.to_owned(), origin: on(&file.path, line.number) }),
            ),
            Body::Include(files) => found.extend(files.iter().flat_map(of_file)),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::flags::Flags;
    use crate::config::local_env::LocalEnv;

    #[test]
    fn names_are_listed_once_in_order_with_their_lines() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, "Host b !no a\n User me\nHost a 10.*\nMatch host z\nHost *\n").unwrap();
        let flags = Flags { config_file: Some(file.clone()), ..Flags::default() };
        let named = Configuration::load(flags, LocalEnv::default()).unwrap().named();
        let words: Vec<_> = named.iter().map(|named| (named.name.as_str(), named.is_pattern())).collect();
        assert_eq!(words, [("b", false), ("a", false), ("10.*", true), ("*", true)]);
        assert_eq!(named[2].origin, Origin::SshConfig(file, 3));
        assert_eq!(named[2].host().host, "10.x");
    }
}
