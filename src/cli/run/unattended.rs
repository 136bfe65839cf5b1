//! What do runs that nobody watches need? A lock for each destination, a log, a receipt.
//!
//! Main type: [`LockedDestination`], which tells whether two words mean the same place. Locks are in
//! `~/.local/state/hop/locks` of this machine (the home folder of the password database, so that cron and a terminal
//! share them), never on the destination: so there is nothing to clean up there, and no server has to be trusted with a
//! lock.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::config::Host;
use crate::config::host::Proxy;
use crate::error::Error;
use crate::lock::{Claim, Lock};
use crate::progress::{Event, Observer};

use super::verb_run::Run;
use crate::cli::args::unattended::Unattended;
use crate::cli::env::environment::Environment;
use crate::cli::env::host_env;
use crate::cli::output::journal::Journal;
use crate::cli::output::json::Object;
use crate::cli::output::receipt::Receipt;
use crate::cli::output::summary::Record;
use crate::cli::output::{safe, timestamps};

/// The destination of a copy, in a form that tells one place from another.
pub enum LockedDestination {
    /// A path on this machine.
    Here(PathBuf),
    /// A host, by the hosts on the way to it, and a path there.
    There(Vec<Host>, Vec<u8>),
}

impl Unattended {
    /// Opens the files that record the run. This is done before anything is copied, so that none is missing afterwards.
    ///
    /// # Errors
    /// If one cannot be written.
    pub fn records(&self, sources: &[OsString], destination: &OsStr) -> Result<Vec<Box<dyn Record>>, Error> {
        let named = |sources: &[OsString]| sources.iter().map(|word| safe::line(word.as_bytes())).collect::<Vec<_>>();
        let about = || {
            Object::default()
                .with("version", env!("CARGO_PKG_VERSION"))
                .with("sources", named(sources))
                .text("destination", &safe::line(destination.as_bytes()))
        };
        let mut records: Vec<Box<dyn Record>> = Vec::new();
        if let Some(path) = &self.receipt {
            let started = timestamps::instant(SystemTime::now());
            let beginning = Object::default()
                .with("process", std::process::id())
                .text("machine", &machine())
                .with("started", started)
                .and(about());
            records.push(Box::new(Receipt::begin(path, beginning).map_err(|source| local(path, source))?));
        }
        if let Some(path) = &self.log {
            let journal = Journal::open(path, Object::event("run").and(about()));
            records.push(Box::new(journal.map_err(|source| local(path, source))?));
        }
        Ok(records)
    }

    /// Takes the lock for `typed`, if one is wanted; it is held until the returned value is dropped.
    ///
    /// # Errors
    /// If it is not free in time.
    pub async fn lock(
        &self,
        typed: &OsStr,
        place: &LockedDestination,
        environment: &Environment,
        run: &Arc<Run>,
    ) -> Result<Option<Lock>, Error> {
        let Some(wait_for_lock) = self.lock else { return Ok(None) };
        let claim = Claim {
            destination: safe::line(typed.as_bytes()),
            identity: place.identity(),
            since: timestamps::date_of(SystemTime::now()),
            machine: machine(),
        };
        let waits = |held: &dyn std::error::Error| run.reporter.event(Event::Waiting(held.to_string()));
        let folder = host_env::locks(&environment.variables);
        let lock = Lock::take(&folder, &claim, wait_for_lock.unwrap_or_default(), |held| waits(held)).await?;
        Ok(Some(lock))
    }
}

fn local(path: &Path, source: std::io::Error) -> Error {
    Error::Local { path: path.to_owned(), source }
}

fn machine() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

impl LockedDestination {
    /// Parts that are equal for two words that mean the same place, as far as this can be told without asking the host.
    fn identity(&self) -> Vec<Vec<u8>> {
        match self {
            LockedDestination::Here(path) => vec![b"here".to_vec(), real(path).as_os_str().as_bytes().to_vec()],
            LockedDestination::There(way, path) => {
                let hosts = way.iter().map(|host| match &host.proxy.value {
                    Proxy::None => format!("{}:{}", host.hostname.value, host.port.value),
                    Proxy::Command { line, .. } => format!("{}:{} by {line}", host.hostname.value, host.port.value),
                });
                let user = way.last().map_or("", |host| &host.user.value);
                let path = there(user.as_bytes(), path);
                std::iter::once("there".to_owned()).chain(hosts).map(String::into_bytes).chain([path]).collect()
            }
        }
    }
}

/// The path with symbolic links resolved, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let found = whole.ancestors().find_map(|known| Some((known.canonicalize().ok()?, whole.strip_prefix(known).ok()?)));
    match found {
        Some((known, rest)) if !rest.as_os_str().is_empty() => known.join(rest),
        Some((known, _)) => known,
        None => whole,
    }
}

/// A path on a host, from the root or from the user's home folder.
fn there(user: &[u8], path: &[u8]) -> Vec<u8> {
    let home = [b"~", user].concat();
    let (root, rest) = match path {
        [b'/', rest @ ..] => (Vec::new(), rest),
        b"~" => (home, &b""[..]),
        [b'~', b'/', rest @ ..] => (home, rest),
        [b'~', ..] => {
            let (home, rest) = path.split_at(path.iter().position(|byte| *byte == b'/').unwrap_or(path.len()));
            (home.to_vec(), rest)
        }
        _ => (home, path),
    };
    let names = rest.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
    std::iter::once(&root[..]).chain(names).collect::<Vec<_>>().join(&b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_on_a_host_has_one_name() {
        let me = |path: &str| String::from_utf8(there(b"me", path.as_bytes())).unwrap();
        for home in ["", "~", "~/", ".", "./", "~me/"] {
            assert_eq!(me(home), "~me", "{home}");
        }
        for file in ["a/b", "./a//b", "~/a/b/", "a/./b", "~me/a/b"] {
            assert_eq!(me(file), "~me/a/b", "{file}");
        }
        assert_eq!(me("/srv//x/"), "/srv/x");
        assert_ne!(me("/srv"), me("srv"));
        assert_ne!(me("a/../b"), me("b"), "a may be a link");
    }

    #[test]
    fn one_place_here_has_one_name() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("real")).unwrap();
        std::os::unix::fs::symlink("real", dir.path().join("link")).unwrap();
        let name = |path: &str| real(&dir.path().join(path));
        assert_eq!(name("link"), name("real/"));
        assert_eq!(name("link/new"), name("real/new"));
        assert_ne!(name("link/new"), name("real/other"));
    }

    #[test]
    fn private_addresses_behind_two_bastions_are_two_hosts() {
        let way = |bastion: &str| {
            let host =
                |name: &str| Host { hostname: crate::config::Value::default(name.to_owned()), ..Host::default() };
            vec![host(bastion), host("10.0.0.5")]
        };
        let (one, two) = (way("54.0.0.1"), way("54.0.0.2"));
        let identity = |way: &[Host]| LockedDestination::There(way.to_vec(), b"f".to_vec()).identity();
        assert_ne!(identity(&one), identity(&two));
        assert_eq!(identity(&one), identity(&way("54.0.0.1")));
    }
}
