//! One run at a time: [`Lock`], held on a name that stands for a destination; and whether another run is alive
//! ([`Alive`]). Nothing is known here about hosts, or about paths other than that of the folder.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `alive` | whether a run on this machine has ended |
//! | `folder` | the folder for locks |
//!
//! The lock is a `flock(2)` on a file of the holder's own machine, in a folder of the holder's own: the system releases
//! it when the holder ends, however it ends, and nobody else can put a link or a lock in the way. While lock files are
//! created and removed, a file `gate` in that folder is locked, so that none is removed while another run waits for it.

mod alive;
mod folder;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{Context, SHA256};
use rustix::fs::{AtFlags, Mode, OFlags, openat, unlinkat};
use thiserror::Error;

use crate::private_file::{lock, try_lock};

pub use alive::{Alive, Fate, fate};

/// How often a lock that is held is tried again.
const EVERY: Duration = Duration::from_millis(200);
/// How long to wait for the gate, which is held for a few system calls only: a run that holds it longer is stopped or
/// broken.
const GATE: Duration = Duration::from_secs(2);
/// The longest record that is read, in bytes.
const RECORD: u64 = 1024;

/// What to lock, and what other runs are told about the holder.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The destination as typed, for people.
    pub destination: String,
    /// The parts that identify the destination: two are the same if all parts are.
    pub identity: Vec<Vec<u8>>,
    /// The time at which the run began, for people.
    pub since: String,
    /// The machine it runs on: a home folder may be shared by several.
    pub machine: String,
}

/// The run that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub process: u32,
    /// The time at which it began, by its own account.
    pub since: String,
    /// The machine it runs on, by its own account.
    pub machine: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {} since {}", self.process, self.machine, self.since)
    }
}

/// Why the lock was not taken.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another run holds it.
    #[error("{destination} is locked by {}", .holder.as_ref().map_or("another run".to_owned(), Holder::to_string))]
    Held {
        /// The destination as typed.
        destination: String,
        /// The other run; `None` if it has not written its record yet.
        holder: Option<Holder>,
    },
    /// The folder could be changed by others, so a lock in it would mean nothing.
    #[error("{}: belongs to somebody else, or others may write to it: no place for locks", .0.display())]
    Unsafe(PathBuf),
    /// The system refused.
    #[error("{}: cannot lock: {source}", folder.display())]
    Io {
        /// The folder for locks.
        folder: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// A lock, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    folder: OwnedFd,
    name: String,
    _file: File,
}

impl Lock {
    /// Takes the lock in `folder`, which is created if it does not exist. Waits for it up to `at_most`, and calls
    /// `held` once if it has to wait.
    ///
    /// # Errors
    /// [`LockError::Held`] if it is not free in time.
    pub async fn take(
        folder: &Path,
        claim: &Claim,
        at_most: Duration,
        held: impl Fn(&LockError),
    ) -> Result<Lock, LockError> {
        let failed = |source: io::Error| LockError::Io { folder: folder.to_owned(), source };
        let end = Instant::now() + at_most;
        let place = folder::own(folder).map_err(failed)?.ok_or_else(|| LockError::Unsafe(folder.to_owned()))?;
        let mut is_told = false;
        loop {
            match attempt(&place, claim).map_err(failed)? {
                Ok(lock) => return Ok(lock),
                Err(holder) => {
                    let error = LockError::Held { destination: claim.destination.clone(), holder };
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(error);
                    }
                    if !std::mem::replace(&mut is_told, true) {
                        held(&error);
                    }
                    tokio::time::sleep(EVERY.min(left)).await;
                }
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // without the gate the file stays, and the next run removes it
        if let Ok(_gate) = gate(&self.folder) {
            let _ = unlinkat(&self.folder, &self.name, AtFlags::empty());
        }
    }
}

/// Tries once: the lock, or the run that holds it.
fn attempt(folder: &OwnedFd, claim: &Claim) -> io::Result<Result<Lock, Option<Holder>>> {
    let name = file_name(&claim.identity);
    let _gate = gate(folder)?;
    let mut file = open(folder, &name)?;
    if !try_lock(&file)? {
        return Ok(Err(holder(&file)));
    }
    sweep(folder, &name);
    file.set_len(0)?;
    let record = [&std::process::id().to_string(), &claim.since, &claim.machine].map(|field| field.replace('\n', " "));
    file.write_all((record.join("\n") + "\n").as_bytes())?;
    Ok(Ok(Lock { folder: folder.try_clone()?, name, _file: file }))
}

/// Closes the gate until the returned file is dropped.
fn gate(folder: &OwnedFd) -> io::Result<File> {
    let gate = open(folder, "gate")?;
    lock(&gate, GATE).map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => io::Error::new(error.kind(), "another run does not let go of the file `gate`"),
        _ => error,
    })?;
    Ok(gate)
}

fn open(folder: impl AsFd, name: &str) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(openat(folder, name, flags, Mode::RUSR | Mode::WUSR)?.into())
}

fn holder(file: &File) -> Option<Holder> {
    let mut text = String::new();
    file.take(RECORD).read_to_string(&mut text).ok()?;
    let mut lines = text.lines().map(str::to_owned);
    Some(Holder { process: lines.next()?.parse().ok()?, since: lines.next()?, machine: lines.next()? })
}

/// Removes the files that killed runs left, which nobody has locked.
fn sweep(folder: &OwnedFd, ours: &str) {
    let Ok(entries) = rustix::fs::Dir::read_from(folder) else { return };
    for entry in entries.flatten().take(folder::SWEPT) {
        let Ok(name) = entry.file_name().to_str() else { continue };
        if name.ends_with(".lock")
            && name != ours
            && open(folder, name).is_ok_and(|file| try_lock(&file).unwrap_or(false))
        {
            let _ = unlinkat(folder, name, AtFlags::empty()); // if it stays, another run tries
        }
    }
}

fn file_name(identity: &[Vec<u8>]) -> String {
    let mut hash = Context::new(&SHA256);
    for field in identity {
        // with lengths, no two lists of fields hash the same bytes
        hash.update(&(field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    hex::encode(&hash.finish().as_ref()[..16]) + ".lock"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(identity: &str) -> Claim {
        Claim {
            destination: format!("h:{identity}"),
            identity: vec![b"h".to_vec(), identity.as_bytes().to_vec()],
            since: "today".to_owned(),
            machine: "laptop".to_owned(),
        }
    }

    async fn take(folder: &Path, identity: &str) -> Result<Lock, LockError> {
        Lock::take(folder, &claim(identity), Duration::ZERO, |_| {}).await
    }

    fn locks(folder: &Path) -> usize {
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".lock")).count()
    }

    #[tokio::test]
    async fn one_at_a_time_for_each_name_and_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        let first = take(&folder, "x").await.unwrap();
        let other = take(&folder, "y").await.unwrap();
        let refused = take(&folder, "x").await.unwrap_err();
        let process = std::process::id();
        assert_eq!(refused.to_string(), format!("h:x is locked by process {process} on laptop since today"));
        drop(first);
        let again = take(&folder, "x").await.unwrap();
        drop((again, other));
        assert_eq!(locks(&folder), 0);
    }

    #[tokio::test]
    async fn who_waits_gets_it_next() {
        let dir = tempfile::tempdir().unwrap();
        let first = take(dir.path(), "x").await.unwrap();
        let waits = std::sync::atomic::AtomicUsize::new(0);
        let claim = claim("x");
        let second = Lock::take(dir.path(), &claim, Duration::from_secs(60), |_| {
            waits.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        let release = async {
            tokio::time::sleep(EVERY * 2).await;
            drop(first);
        };
        let (second, ()) = tokio::join!(second, release);
        assert!(second.is_ok());
        assert_eq!(waits.into_inner(), 1, "told once");
    }

    #[tokio::test]
    async fn what_a_killed_run_left_is_removed_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        drop(take(dir.path(), "x").await.unwrap());
        std::fs::write(dir.path().join(file_name(&claim("killed").identity)), "4711\n").unwrap();
        let held = take(dir.path(), "x").await.unwrap();
        assert_eq!(locks(dir.path()), 1);
        drop(held);
        std::fs::write(dir.path().join("precious"), "kept").unwrap();
        std::os::unix::fs::symlink("precious", dir.path().join(file_name(&claim("x").identity))).unwrap();
        assert!(matches!(take(dir.path(), "x").await, Err(LockError::Io { .. })));
        assert_eq!(std::fs::read(dir.path().join("precious")).unwrap(), b"kept");
    }

    #[tokio::test]
    async fn a_folder_that_others_may_write_to_is_no_place_for_locks() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(take(dir.path(), "x").await, Err(LockError::Unsafe(_))));
    }
}
