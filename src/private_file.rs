//! How is a file written that is its owner's alone, and that another run may be writing? Under a lock, in a folder for its
//! owner, as a new file of mode 0600 that is on the disk before it gets its name.
//!
//! A lock is a `flock(2)`: the system lets go of it when its holder ends, however it ends. What stands in the files, and what
//! is kept of their last state, is for those who write them.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// How long another writer may hold a file of the user's.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How often a lock that somebody holds is tried again.
const LOOK: Duration = Duration::from_millis(2);

/// Locks `file` if nobody has it; it stays locked while it is open.
///
/// # Errors
/// What the system said, if it was not that somebody has it.
pub fn try_lock(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Locks `file` as soon as nobody has it. Blocks.
///
/// # Errors
/// As [`try_lock`]; `TimedOut` when it is held for longer than `at_most`.
pub fn lock(file: &File, at_most: Duration) -> io::Result<()> {
    let end = Instant::now() + at_most;
    while !try_lock(file)? {
        if Instant::now() > end {
            return Err(io::ErrorKind::TimedOut.into());
        }
        sleep(LOOK);
    }
    Ok(())
}

/// Makes a folder for its owner alone, if it is not there.
///
/// # Errors
/// What the system said.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Writes a new file for its owner alone, to the disk.
///
/// # Errors
/// What the system said; `AlreadyExists` when something has the name.
pub fn write_new(file: &Path, text: &[u8]) -> io::Result<()> {
    let mut opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    opened.write_all(text)?;
    opened.sync_all()
}

/// The file beside `file` whose name goes on with `suffix`.
pub fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_lock_is_one_holders_until_he_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let open = || File::create(folder.path().join("file")).unwrap();
        let (one, other) = (open(), open());
        assert!(try_lock(&one).unwrap() && !try_lock(&other).unwrap());
        let waited = lock(&other, Duration::from_millis(20));
        assert_eq!(waited.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(one);
        // what other tests start may hold it for a moment, too
        lock(&other, PATIENCE).unwrap();
    }

    #[test]
    fn what_is_new_is_for_its_owner_and_nothing_is_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("folder");
        make_folder(&folder).unwrap();
        make_folder(&folder).unwrap();
        let file = beside(&folder.join("file"), ".new");
        write_new(&file, b"text").unwrap();
        assert_eq!(write_new(&file, b"other").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(folder.join("file.new")).unwrap(), b"text");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
    }
}
