//! Where is an accepted key remembered? At the end of the user's first known_hosts file, under a lock, in one write.
//!
//! The file is created 0600, and `~/.ssh` 0700; lines that stand there are never changed, and one without its final
//! newline gets it. Nothing here asks whether the key may be recorded (see `mod.rs`).

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use russh::keys::ssh_key::PublicKey;
use russh::keys::ssh_key::public::KeyData;
use rustix::fs::{FlockOperation, flock};

use super::hashed;
use super::known_hosts::{Marker, entries};

/// How long another writer may hold the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the names are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// As they are.
    Plain,
    /// As HMAC-SHA1 with a salt (`HashKnownHosts yes`), one line a name.
    Hashed,
}

/// True when `name` can stand in a hosts field and mean itself (`check_host_key` of OpenSSH refuses the same, and more
/// is refused here: what would break the line).
pub(super) fn can_name(name: &str) -> bool {
    let host = name.strip_prefix('[').and_then(|rest| rest.rsplit_once("]:")).map_or(name, |(host, _)| host);
    !host.is_empty()
        && !host.starts_with('!')
        && host.bytes().all(|b| b > b' ' && b != 0x7f && !b"@?*#[]|'\"\\,".contains(&b))
}

/// Appends a line (two when hashed) that knows `key` by `names`. Does nothing when all of them already know it.
///
/// # Errors
/// What the system said; `TimedOut` when another writer holds the lock for ten seconds.
pub(super) fn append(file: &Path, names: &[&str], key: &KeyData, naming: Naming) -> io::Result<()> {
    let mut opened = locked(file)?;
    let mut text = Vec::new();
    opened.read_to_end(&mut text)?;
    if names.iter().all(|name| knows(&text, name, key)) {
        return Ok(());
    }
    let repair = if text.last().is_none_or(|&b| b == b'\n') { "" } else { "\n" };
    let lines = format!("{repair}{}", lines(names, key, naming)?);
    opened.seek(SeekFrom::End(0))?;
    opened.write_all(lines.as_bytes())
}

fn knows(text: &[u8], name: &str, key: &KeyData) -> bool {
    entries(text).any(|e| e.marker == Marker::None && e.names(name) && e.key().as_ref() == Some(key))
}

/// The lines for `key`, each with its newline.
pub(super) fn lines(names: &[&str], key: &KeyData, naming: Naming) -> io::Result<String> {
    let key = PublicKey::new(key.clone(), "").to_openssh().map_err(io::Error::other)?;
    let key = key.trim_end();
    match naming {
        Naming::Plain => Ok(format!("{} {key}\n", names.join(","))),
        Naming::Hashed => {
            let hash = |name: &&str| hashed::hash(name).map(|hashed| format!("{hashed} {key}\n"));
            names.iter().map(hash).collect::<Option<String>>().ok_or_else(|| io::Error::other("no random bytes"))
        }
    }
}

/// Opens `file` for appending and locks it; makes it, and its `.ssh` folder, when missing.
pub(super) fn locked(file: &Path) -> io::Result<File> {
    make_folder(file)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let opened = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(file)?;
        lock(&opened, deadline)?;
        // another writer may have put a new file in its place while we waited
        let (ours, theirs) = (opened.metadata()?, file.metadata()?);
        if (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()) {
            return Ok(opened);
        }
    }
}

fn make_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) if folder.ends_with(".ssh") => match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn lock(file: &File, deadline: Instant) -> io::Result<()> {
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < deadline => sleep(Duration::from_millis(20)),
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(io::ErrorKind::TimedOut.into()),
            done => return Ok(done?),
        }
    }
}
