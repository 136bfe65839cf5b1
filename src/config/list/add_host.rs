//! How is a host added to the configuration? A `Host` block is made, tried out, and appended.
//!
//! Main type: [`HostBlock`]. Existing lines are not touched, and the previous state of the file is kept as
//! `FILE.hop-bak`. Values that an earlier line of the file would override are refused before anything is written.

use std::fs::{File, Permissions, copy, remove_file, rename, set_permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::config::configuration::Configuration;
use crate::config::error::ConfigError;
use crate::config::flags::Flags;
use crate::config::host::Host;
use crate::config::local_env::LocalEnv;
use crate::config::origin::Origin;
use crate::config::values::jump::Jump;
use crate::private_file::{PATIENCE, beside, lock, make_folder, write_new};
use crate::target::{HostSpec, vet_host, vet_user};

/// A host to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostBlock {
    /// The name in the `Host` line.
    pub name: String,
    /// `HostName`.
    pub address: String,
    /// `Port`, if it is not 22.
    pub port: Option<u16>,
    /// `User`.
    pub user: Option<String>,
    /// `IdentityFile`, an absolute path.
    pub key: Option<PathBuf>,
    /// `ProxyJump`.
    pub via: Option<String>,
}

/// Why a host was not added; the file is unchanged.
#[derive(Debug, Error)]
pub enum HostBlockError {
    /// The name is taken.
    #[error("{name}: there is such a host already ({origin})")]
    Exists {
        /// The name.
        name: String,
        /// Its line.
        origin: Origin,
    },
    /// A word that cannot be in a `Host` block, or would mean something else there.
    #[error("`{word}`: {why}")]
    Unfit {
        /// The word as given.
        word: String,
        /// What is wrong with it.
        why: String,
    },
    /// `ProxyJump` names a host that the configuration does not know.
    #[error("{via}: no host of the configuration")]
    NoSuchJump {
        /// The name.
        via: String,
    },
    /// An earlier line already sets a value for this host, and in ssh_config the first value counts.
    #[error("{keyword} would be {value}: {origin} comes first")]
    Overruled {
        /// The keyword.
        keyword: &'static str,
        /// The value the host would get.
        value: String,
        /// The line that sets it.
        origin: Origin,
    },
    /// The configuration cannot be read, or would contain an error once the host is added.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file cannot be written.
    #[error("{}: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl HostBlock {
    /// The text of the block, as it is appended.
    pub fn text(&self, home: &Path) -> String {
        let mut text = format!("Host {}\n    HostName {}\n", self.name, self.address);
        let mut line = |keyword: &str, value: &str| text.push_str(&format!("    {keyword} {value}\n"));
        self.port.iter().for_each(|port| line("Port", &port.to_string()));
        self.user.iter().for_each(|user| line("User", user));
        if let Some(key) = &self.key {
            line("IdentityFile", &written(key, home));
            line("IdentitiesOnly", "yes");
        }
        self.via.iter().for_each(|via| line("ProxyJump", via));
        text
    }

    /// Appends the block to `file`, or to `~/.ssh/config` if that is `None`, and returns the path it was written to.
    /// Blocks.
    ///
    /// # Errors
    /// [`HostBlockError`]; nothing has been changed then.
    pub fn append(&self, file: Option<&Path>, local_env: &LocalEnv) -> Result<PathBuf, HostBlockError> {
        self.vet()?;
        let own = local_env.home.join(".ssh/config");
        let file = file.unwrap_or(&own);
        let written = |source| HostBlockError::Write { file: file.to_owned(), source };
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        make_folder(folder).map_err(written)?;
        let _turn = locked(folder).map_err(written)?;
        // the file itself, so that a symbolic link to it stays a link
        let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        self.refuse_to_repeat(&file, &own, local_env)?;
        let before = match std::fs::read(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            read => read.map_err(written)?,
        };
        let trial = beside(&file, ".hop-new");
        let tried = write_trial(&trial, &self.after(&before, &local_env.home))
            .map_err(written)
            .and_then(|()| self.try_out(&trial, &file, local_env))
            .and_then(|()| put_in_place(&trial, &file).map_err(written));
        tried.inspect_err(|_| drop(remove_file(&trial)))?;
        Ok(file)
    }

    fn vet(&self) -> Result<(), HostBlockError> {
        let unfit = |word: &str, why: &str| HostBlockError::Unfit { word: word.to_owned(), why: why.to_owned() };
        let odd = |c: char| c.is_whitespace() || c.is_control() || "*?!,\"'#%=".contains(c);
        if self.name.is_empty() || self.name.contains(odd) {
            return Err(unfit(&self.name, "a name has no blank, quote, comma, wildcard or any of ! # % ="));
        }
        for host in [&self.name, &self.address] {
            vet_host(host).map_err(|why| unfit(host, why))?;
        }
        if self.address.contains(['%', '#', '"']) {
            return Err(unfit(&self.address, "not an address"));
        }
        if let Some(user) = &self.user {
            vet_user(user).map_err(|why| unfit(user, why))?;
            if user.contains(|c: char| odd(c) && c != '!') {
                return Err(unfit(user, "a user name has no blank, quote, comma, wildcard or any of # % ="));
            }
        }
        if let Some(key) = self.key.as_deref().and_then(Path::to_str).filter(|key| key.contains(['"', '\\', '\n', '$']))
        {
            return Err(unfit(key, "a path with a quote, backslash or dollar cannot stand in ssh_config"));
        }
        match &self.via {
            Some(via) => via.split(',').try_for_each(|jump| {
                let vetted = Jump::parse(jump).and_then(Jump::vetted);
                vetted.map(drop).map_err(|why| unfit(via, &why))
            }),
            None => Ok(()),
        }
    }

    /// Checks that the name is free, and that each jump is a known host or an address.
    fn refuse_to_repeat(&self, file: &Path, own: &Path, local_env: &LocalEnv) -> Result<(), HostBlockError> {
        let is_own = own.canonicalize().is_ok_and(|own| own == file);
        if !file.exists() {
            return self.jumps_are_known(&[]);
        }
        let config_file = (!is_own).then(|| file.to_owned());
        let named = Configuration::load(Flags { config_file, ..Flags::default() }, local_env.clone())?.named();
        if let Some(taken) = named.iter().find(|named| named.name == self.name) {
            return Err(HostBlockError::Exists { name: self.name.clone(), origin: taken.origin.clone() });
        }
        self.jumps_are_known(&named.into_iter().map(|named| named.name).collect::<Vec<_>>())
    }

    fn jumps_are_known(&self, names: &[String]) -> Result<(), HostBlockError> {
        let is_known = |host: &str| host.contains(['.', ':']) || names.iter().any(|name| name == host);
        let jumps = self.via.iter().flat_map(|via| via.split(','));
        let mut hosts = jumps.filter_map(|jump| Jump::parse(jump).and_then(Jump::vetted).ok());
        match hosts.find(|jump| !is_known(&jump.host)) {
            Some(unknown) => Err(HostBlockError::NoSuchJump { via: unknown.host }),
            None => Ok(()),
        }
    }

    fn after(&self, before: &[u8], home: &Path) -> Vec<u8> {
        let gap: &[u8] = match before {
            [] | [.., b'\n', b'\n'] => b"",
            [.., b'\n'] => b"\n",
            _ => b"\n\n",
        };
        [before, gap, self.text(home).as_bytes()].concat()
    }

    /// Resolves the host from the new text and checks that its values are those asked for.
    fn try_out(&self, trial: &Path, file: &Path, local_env: &LocalEnv) -> Result<(), HostBlockError> {
        let flags = Flags { config_file: Some(trial.to_owned()), ..Flags::default() };
        let configuration = Configuration::load(flags, local_env.clone())?;
        let hops = configuration.resolve(&HostSpec { user: None, host: self.name.clone(), port: None })?;
        let host = hops.last().expect("a way has at least its target");
        let overruled = |keyword: &'static str, value: String, origin: &Origin| {
            let origin = match origin {
                Origin::SshConfig(path, line) if path == trial => Origin::SshConfig(file.to_owned(), *line),
                other => other.clone(),
            };
            Err(HostBlockError::Overruled { keyword, value, origin })
        };
        if host.hostname.value != self.address {
            return overruled("HostName", host.hostname.value.clone(), &host.hostname.origin);
        }
        if host.port.value != self.port.unwrap_or(host.port.value) {
            return overruled("Port", host.port.value.to_string(), &host.port.origin);
        }
        if self.user.as_ref().is_some_and(|user| *user != host.user.value) {
            return overruled("User", host.user.value.clone(), &host.user.origin);
        }
        if let Some(first) = self.other_key_first(host) {
            return overruled("IdentityFile", first.0, &first.1);
        }
        let before: Vec<&str> = hops[..hops.len() - 1].iter().map(|hop| hop.alias.as_str()).collect();
        match (&self.via, before.last()) {
            (Some(via), Some(last)) if via.ends_with(last) || via.contains(&format!("{last}:")) => Ok(()),
            (None, None) => Ok(()),
            _ => overruled("ProxyJump", before.join(","), &host.proxy.origin),
        }
    }

    /// An identity that would be offered before the block's own.
    fn other_key_first(&self, host: &Host) -> Option<(String, Origin)> {
        let key = self.key.as_ref()?;
        let first = host.identity_files.first().filter(|first| first.value != *key)?;
        Some((first.value.display().to_string(), first.origin.clone()))
    }
}

/// A path as written in ssh_config: `~` for the home folder, percent signs doubled, quoted if it contains blanks.
fn written(key: &Path, home: &Path) -> String {
    let path = match key.strip_prefix(home) {
        Ok(inside) => Path::new("~").join(inside),
        Err(_) => key.to_owned(),
    };
    let path = path.to_string_lossy().replace('%', "%%");
    if path.contains([' ', '\t', '#', '\'', '=']) { format!("\"{path}\"") } else { path }
}

/// One writer at a time; released when dropped.
fn locked(folder: &Path) -> io::Result<File> {
    let folder = File::open(folder)?;
    lock(&folder, PATIENCE)?;
    Ok(folder)
}

fn write_trial(file: &Path, text: &[u8]) -> io::Result<()> {
    // what an interrupted run left is nobody's: we hold the lock
    match remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write_new(file, text)
}

fn put_in_place(trial: &Path, file: &Path) -> io::Result<()> {
    if let Ok(metadata) = file.metadata() {
        set_permissions(trial, Permissions::from_mode(metadata.permissions().mode() & 0o7777))?;
        copy(file, beside(file, ".hop-bak"))?;
    }
    rename(trial, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(name: &str, via: Option<&str>) -> HostBlock {
        HostBlock {
            name: name.into(),
            address: "10.10.2.20".into(),
            port: Some(2222),
            user: Some("ec2-user".into()),
            key: Some("/home/me/my keys/acc.pem".into()),
            via: via.map(str::to_owned),
        }
    }

    fn ground(text: &str) -> (tempfile::TempDir, PathBuf, LocalEnv) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, text).unwrap();
        let uid = rustix::process::getuid().as_raw();
        (folder, file, LocalEnv { home: "/home/me".into(), uid, ..LocalEnv::default() })
    }

    #[test]
    fn the_block_is_appended_and_the_last_state_kept() {
        let (_folder, file, me) = ground("Host acc-bastion\n  HostName 54.0.0.1");
        block("acc-pvt", Some("acc-bastion")).append(Some(&file), &me).unwrap();
        assert_eq!(
            std::fs::read_to_string(&file).unwrap(),
            "Host acc-bastion\n  HostName 54.0.0.1\n\nHost acc-pvt\n    HostName 10.10.2.20\n    Port 2222\n    \
             User ec2-user\n    IdentityFile \"~/my keys/acc.pem\"\n    IdentitiesOnly yes\n    ProxyJump acc-bastion\n"
        );
        let kept = std::fs::read_to_string(beside(&file, ".hop-bak")).unwrap();
        assert_eq!(kept, "Host acc-bastion\n  HostName 54.0.0.1");
        assert!(!beside(&file, ".hop-new").exists());
    }

    #[test]
    fn what_would_not_mean_what_was_asked_is_refused_and_nothing_written() {
        let text = "Host taken\n  Port 1\nHost acc-*\n  User admin\n";
        let (_folder, file, me) = ground(text);
        let refused = |block: HostBlock| block.append(Some(&file), &me).unwrap_err().to_string();
        assert!(refused(block("taken", None)).starts_with("taken: there is such a host already"));
        assert!(refused(block("acc-pvt", None)).starts_with("User would be admin: "));
        assert_eq!(refused(block("new", Some("nobody"))), "nobody: no host of the configuration");
        assert!(refused(block("a b", None)).starts_with("`a b`: "));
        assert!(refused(block("x", Some("x.y,$(id)"))).starts_with("`x.y,$(id)`"));
        assert!(refused(HostBlock { address: "-x".into(), ..block("n", None) }).starts_with("`-x`"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        assert!(!beside(&file, ".hop-bak").exists() && !beside(&file, ".hop-new").exists());
    }

    #[test]
    fn a_first_file_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let uid = rustix::process::getuid().as_raw();
        let me = LocalEnv { home: folder.path().into(), uid, ..LocalEnv::default() };
        block("acc-bastion", None).append(None, &me).unwrap();
        let file = folder.path().join(".ssh/config");
        assert!(std::fs::read_to_string(&file).unwrap().starts_with("Host acc-bastion\n"));
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
