//! Where do this user's locks lie? In a folder that nobody else can change: a lock in another one means nothing.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags, fstat};

/// Forgotten files looked at on the way.
pub const SWEPT: usize = 1024;

/// The folder, made if need be; `None` when it is somebody else's, or others may write to it.
pub fn own(folder: &Path) -> io::Result<Option<OwnedFd>> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let place = rustix::fs::open(folder, flags, Mode::empty())?;
    let own = fstat(&place)?;
    Ok((own.st_uid == rustix::process::geteuid().as_raw() && own.st_mode & 0o022 == 0).then_some(place))
}
