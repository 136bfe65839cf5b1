//! Which folder is meant, and is it still inside? [`open_folder`] opens a folder below one that is held open, so that
//! no link and no `..` can lead outside, whatever is done to the tree meanwhile. Linux's `openat2(2)` does it in one
//! call; elsewhere each component is opened by itself.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, openat};
#[cfg(target_os = "linux")]
use rustix::fs::{ResolveFlags, openat2};

/// Flags for a folder that is only worked below: search permission is enough, where the system can say so.
#[cfg(target_os = "linux")]
const HOLD: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const HOLD: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Opens a folder the user typed; links in its path are followed.
pub fn hold(path: &std::path::Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(path, HOLD, Mode::empty())?)
}

/// The same, but fails when the last component is a link.
pub fn hold_itself(path: &std::path::Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(path, HOLD | OFlags::NOFOLLOW, Mode::empty())?)
}

/// Opens the folder that the entry `name` of an open folder leads to; a link is followed.
pub fn follow(folder: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    Ok(openat(folder, name, HOLD, Mode::empty())?)
}

/// Opens the folder `below` (vetted names joined by `/`; empty for `base` itself). Fails where a component is a link.
pub fn open_folder(base: BorrowedFd<'_>, below: &[u8]) -> io::Result<OwnedFd> {
    if below.is_empty() {
        return base.try_clone_to_owned();
    }
    match in_one_call(base, below) {
        // old kernels lack it, and sandboxes that do not know it answer EPERM
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => by_component(base, below),
        answer => Ok(answer?),
    }
}

#[cfg(target_os = "linux")]
fn in_one_call(base: BorrowedFd<'_>, below: &[u8]) -> rustix::io::Result<OwnedFd> {
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    openat2(base, below, HOLD | OFlags::NOFOLLOW, Mode::empty(), inside)
}

#[cfg(not(target_os = "linux"))]
fn in_one_call(_: BorrowedFd<'_>, _: &[u8]) -> rustix::io::Result<OwnedFd> {
    Err(rustix::io::Errno::NOSYS)
}

fn by_component(base: BorrowedFd<'_>, below: &[u8]) -> io::Result<OwnedFd> {
    let mut folder = base.try_clone_to_owned()?;
    for name in below.split(|byte| *byte == b'/') {
        if matches!(name, b"" | b"." | b"..") {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        folder = openat(&folder, name, HOLD | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    type Opener = fn(BorrowedFd<'_>, &[u8]) -> io::Result<OwnedFd>;
    const OPENERS: [Opener; 2] = [open_folder, by_component];

    #[test]
    fn folders_below_open() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        let base = hold(dir.path()).unwrap();
        for open in OPENERS {
            let folder = open(base.as_fd(), b"a/b").unwrap();
            rustix::fs::mkdirat(&folder, "made", Mode::RWXU).unwrap();
            std::fs::remove_dir(dir.path().join("a/b/made")).unwrap();
        }
    }

    #[test]
    fn links_and_dots_lead_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("base/real")).unwrap();
        std::os::unix::fs::symlink("..", dir.path().join("base/up")).unwrap();
        std::os::unix::fs::symlink("real", dir.path().join("base/inside")).unwrap();
        let base = hold(&dir.path().join("base")).unwrap();
        for open in OPENERS {
            for below in [&b"up"[..], b"up/base", b"inside", b"..", b"/etc", b"real/../.."] {
                assert!(open(base.as_fd(), below).is_err(), "{:?}", String::from_utf8_lossy(below));
            }
        }
    }
}
