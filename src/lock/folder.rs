//! Where are this user's locks? In a folder that nobody else can change: in any other, a lock means nothing.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags, fstat};

/// The most files that are looked at when old ones are removed.
pub const SWEPT: usize = 1024;

/// The folder, created if it does not exist; `None` if it belongs to somebody else, or others may write to it.
pub fn own(folder: &Path) -> io::Result<Option<OwnedFd>> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let place = rustix::fs::open(folder, flags, Mode::empty())?;
    let own = fstat(&place)?;
    Ok((own.st_uid == rustix::process::geteuid().as_raw() && own.st_mode & 0o022 == 0).then_some(place))
}
