//! Is another run on this machine still alive? [`Alive`] is a file named by the run's number and locked as long as the
//! run lives. From it [`fate`] tells at any later time whether the run has ended. It knows nothing about runs on other
//! machines.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, flock, fstat, openat, unlinkat};
use rustix::io::Errno;

use super::folder::{SWEPT, own};
use crate::private_file::try_lock;

/// How long the file of a run that has ended is kept: until then other runs may continue what that run left.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The longest name of a machine that is read, in bytes.
const MACHINE: u64 = 256;

/// Whether a run is still alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is alive.
    Alive,
    /// It has ended.
    Dead,
    /// Nothing is known about it here.
    Unknown,
}

/// The sign that a run is alive, until it is dropped.
#[derive(Debug)]
pub struct Alive {
    folder: OwnedFd,
    name: String,
    _file: File,
}

impl Alive {
    /// Shows other runs that the run with this number is alive; `None` if there is no folder to do so.
    pub fn show(folder: &Path, run: u64) -> Option<Alive> {
        let folder = own(folder).ok()??;
        sweep(&folder);
        let name = file_name(run);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&folder, &name, flags, Mode::RUSR | Mode::WUSR).ok()?);
        let shown = try_lock(&file).is_ok_and(|is_locked| is_locked) && file.write_all(&machine()).is_ok();
        if !shown {
            // a file that is not locked would tell that the run is dead
            let _ = unlinkat(&folder, &name, AtFlags::empty());
            return None;
        }
        Some(Alive { folder, name, _file: file })
    }

    /// Removes the sign of a run that has ended and left nothing that another run could ask about.
    pub fn forget(self) {
        // if it stays, a later run removes it
        let _ = unlinkat(&self.folder, &self.name, AtFlags::empty());
    }
}

/// Whether the run with this number is alive, according to `folder`.
pub fn fate(folder: &Path, run: u64) -> Fate {
    let Ok(Some(folder)) = own(folder) else { return Fate::Unknown };
    let Some(mut file) = open(&folder, &file_name(run)) else { return Fate::Unknown };
    match is_free(&file) {
        Ok(false) => Fate::Alive,
        // locks may not work across machines that share a folder
        Ok(true) if said(&mut file) == machine() => Fate::Dead,
        Ok(true) | Err(_) => Fate::Unknown,
    }
}

/// Whether nobody holds an exclusive lock on the file. The check takes a shared lock, so that checks do not disturb
/// each other.
fn is_free(file: &File) -> Result<bool, Errno> {
    match flock(file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error),
    }
}

fn open(folder: &OwnedFd, name: &str) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(folder, name, flags, Mode::empty()).ok()?;
    let is_file = FileType::from_raw_mode(fstat(&file).ok()?.st_mode) == FileType::RegularFile;
    is_file.then(|| file.into())
}

fn said(file: &mut File) -> Vec<u8> {
    let mut text = Vec::new();
    match file.take(MACHINE).read_to_end(&mut text) {
        Ok(_) => text,
        Err(_) => Vec::new(),
    }
}

fn machine() -> Vec<u8> {
    rustix::system::uname().nodename().to_bytes().to_vec()
}

fn file_name(run: u64) -> String {
    format!("{run:016x}.run")
}

/// Removes the files of runs that ended long ago.
fn sweep(folder: &OwnedFd) {
    let Ok(entries) = rustix::fs::Dir::read_from(folder) else { return };
    for entry in entries.flatten().take(SWEPT) {
        let Ok(name) = entry.file_name().to_str() else { continue };
        if name.ends_with(".run") && open(folder, name).is_some_and(|file| is_old(&file) && is_free(&file) == Ok(true))
        {
            // if it stays, the next run removes it
            let _ = unlinkat(folder, name, AtFlags::empty());
        }
    }
}

fn is_old(file: &File) -> bool {
    let modified = file.metadata().and_then(|found| found.modified());
    modified.is_ok_and(|modified| SystemTime::now().duration_since(modified).is_ok_and(|age| age > KEPT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_lives_until_it_ends_and_is_known_to_have_ended() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/locks");
        assert_eq!(fate(&folder, 7), Fate::Unknown);
        let run = Alive::show(&folder, 7).unwrap();
        assert_eq!((fate(&folder, 7), fate(&folder, 8)), (Fate::Alive, Fate::Unknown));
        assert!(Alive::show(&folder, 7).is_none(), "a number belongs to one run");
        drop(run);
        assert_eq!(fate(&folder, 7), Fate::Dead);
        Alive::show(&folder, 8).unwrap().forget();
        assert_eq!(fate(&folder, 8), Fate::Unknown);
    }

    #[test]
    fn another_machines_run_is_not_known_here() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(file_name(7)), "another machine").unwrap();
        assert_eq!(fate(dir.path(), 7), Fate::Unknown);
        std::os::unix::fs::symlink("elsewhere", dir.path().join(file_name(8))).unwrap();
        assert_eq!(fate(dir.path(), 8), Fate::Unknown);
    }

    #[test]
    fn files_of_runs_that_ended_long_ago_are_swept_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - KEPT - Duration::from_secs(1);
        let age = |run: u64| {
            let file = File::options().write(true).open(dir.path().join(file_name(run))).unwrap();
            file.set_modified(old).unwrap();
        };
        drop(Alive::show(dir.path(), 1).unwrap());
        drop(Alive::show(dir.path(), 2).unwrap());
        let lives = Alive::show(dir.path(), 3).unwrap();
        age(1);
        age(3);
        drop(Alive::show(dir.path(), 4).unwrap());
        assert_eq!([1, 2, 3].map(|run| fate(dir.path(), run)), [Fate::Unknown, Fate::Dead, Fate::Alive]);
        drop(lives);
    }
}
