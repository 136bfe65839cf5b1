//! This machine's end of a copy: the system calls behind [`Side::Local`](super::side::Side). All of them block; the
//! side runs them on the blocking pool. Whatever is found or created below a typed folder is reached from that folder's
//! descriptor ([`entry`]), and through no link but those that the walk has followed.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::OnceLock;

use bytes::Bytes;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, Stat, Timespec, Timestamps};

use super::buffers::{self, UNTOLD_MAX};
use super::identity::FileIdentity;
use super::resolve_beneath;
use crate::copy::error::is_missing;
use crate::copy::place::{self, Anchor, Links, Place};
use crate::sftp::{Attributes, FileKind};

/// This machine's name (uname(2)).
pub fn machine() -> &'static [u8] {
    static NAME: OnceLock<Vec<u8>> = OnceLock::new();
    NAME.get_or_init(|| rustix::system::uname().nodename().to_bytes().to_vec())
}

/// Raw bytes as a path of this system.
pub fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// Opens the folder at `typed` and keeps it open, so that what is created below it stays there.
pub fn hold(typed: &[u8]) -> io::Result<Place> {
    Ok(Place::held(typed, resolve_beneath::hold(path(typed))?))
}

/// Opens the folder at `typed`, from which something is copied, and keeps it open; through a link of that name only
/// where links are followed.
pub fn hold_source(typed: &[u8], links: Links) -> io::Result<Place> {
    let folder = match links {
        Links::Follow => resolve_beneath::hold(path(typed))?,
        Links::Keep => resolve_beneath::hold_itself(path(typed))?,
    };
    Ok(Place::held(typed, folder))
}

/// Remembers that folder by its device and inode, so that what is found below it later is known to be below the same
/// folder.
pub fn see_source(typed: &[u8], links: Links) -> io::Result<Place> {
    let (device, inode) = numbers(&raw_stat(&Place::typed(typed), links)?);
    Ok(Place::seen(typed, device, inode))
}

/// The attributes of what is at `place`.
pub fn stat(place: &Place, links: Links) -> io::Result<Attributes> {
    Ok(attributes(&raw_stat(place, links)?))
}

/// The same; `None` when nothing is there.
pub fn look(place: &Place, links: Links) -> io::Result<Option<Attributes>> {
    match stat(place, links) {
        Err(error) if is_missing(&error) => Ok(None),
        seen => seen.map(Some),
    }
}

fn raw_stat(place: &Place, links: Links) -> io::Result<Stat> {
    let flags = match links {
        Links::Follow => AtFlags::empty(),
        Links::Keep => AtFlags::SYMLINK_NOFOLLOW,
    };
    let (folder, name) = entry(place)?;
    Ok(rustix::fs::statat(&folder, name, flags)?)
}

/// The absolute path without links.
pub fn real(place: &Place) -> io::Result<Vec<u8>> {
    Ok(std::fs::canonicalize(path(&place.path()))?.into_os_string().into_vec())
}

/// Whether two names belong to one file: hard links, and folders that are mounted twice.
pub fn are_one(one: &Place, other: &Place) -> io::Result<bool> {
    let (one, other) = (raw_stat(one, Links::Follow)?, raw_stat(other, Links::Follow)?);
    Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

/// The target of a symbolic link.
pub fn read_link(place: &Place) -> io::Result<Vec<u8>> {
    let (folder, name) = entry(place)?;
    Ok(rustix::fs::readlinkat(&folder, name, Vec::new())?.into_bytes())
}

/// Starts to list a folder.
pub fn list(place: &Place) -> io::Result<Dir> {
    let keep = if matches!(place.anchor(), Anchor::Path) { OFlags::empty() } else { OFlags::NOFOLLOW };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC | keep;
    let (folder, name) = entry(place)?;
    Ok(Dir::new(rustix::fs::openat(&folder, name, flags, Mode::empty())?)?)
}

/// At most `count` entries of a listing, without `.` and `..`; empty at its end. An entry that has vanished meanwhile
/// is left out.
pub fn next_entries(listing: &mut Dir, count: usize) -> io::Result<Vec<(Vec<u8>, Attributes)>> {
    let mut entries = Vec::with_capacity(count);
    while entries.len() < count {
        let Some(entry) = listing.read() else { break };
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        match rustix::fs::statat(listing.fd()?, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => entries.push((name.to_bytes().to_vec(), attributes(&stat))),
            Err(rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(entries)
}

/// Opens a regular file for reading; refuses anything else, even if it has replaced a file since the listing.
pub fn open(place: &Place, links: Links) -> io::Result<File> {
    let keep = match links {
        Links::Follow => OFlags::empty(),
        Links::Keep => OFlags::NOFOLLOW,
    };
    // a FIFO must not block the open, a terminal must not become ours
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | keep;
    let (folder, name) = entry(place)?;
    regular(rustix::fs::openat(&folder, name, flags, Mode::empty())?)
}

/// Creates a new file.
pub fn create(place: &Place, mode: u32) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let (folder, name) = entry(place)?;
    Ok(rustix::fs::openat(&folder, name, flags, Mode::from_raw_mode(mode as _))?.into())
}

/// Opens an existing file of hop's own for writing, without cutting it.
pub fn reopen(place: &Place) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let (folder, name) = entry(place)?;
    let file = rustix::fs::openat(&folder, name, flags, Mode::empty())?;
    if rustix::fs::fstat(&file)?.st_uid != rustix::process::geteuid().as_raw() {
        return Err(io::Error::from(io::ErrorKind::PermissionDenied));
    }
    regular(file)
}

/// Opens an existing file or device for writing, without cutting it; refuses a link, and anything else.
pub fn open_over(place: &Place) -> io::Result<File> {
    // what has replaced it since it was looked at must not block the open
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    let (folder, name) = entry(place)?;
    let file = rustix::fs::openat(&folder, name, flags, Mode::empty())?;
    match attributes(&rustix::fs::fstat(&file)?).kind() {
        FileKind::File | FileKind::Device => {
            rustix::fs::fcntl_setfl(&file, rustix::fs::fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
            Ok(file.into())
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "neither a file nor a device")),
    }
}

fn regular(file: OwnedFd) -> io::Result<File> {
    match attributes(&rustix::fs::fstat(&file)?).kind() {
        FileKind::File => Ok(file.into()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")),
    }
}

/// Attributes of an open file, and what tells its versions apart.
pub fn identity(file: &File) -> io::Result<(Attributes, FileIdentity)> {
    let stat = rustix::fs::fstat(file)?;
    Ok((attributes(&stat), identity_of(&stat)))
}

/// What tells the versions of the file at `place` apart.
pub fn identity_at(place: &Place, links: Links) -> io::Result<FileIdentity> {
    Ok(identity_of(&raw_stat(place, links)?))
}

// other systems have other types
#[allow(clippy::unnecessary_cast)]
fn identity_of(stat: &Stat) -> FileIdentity {
    FileIdentity {
        size: stat.st_size as u64,
        modified: (stat.st_mtime, stat.st_mtime_nsec as u64),
        changed: Some((stat.st_ctime, stat.st_ctime_nsec as u64)),
        inode: Some((stat.st_dev as u64, stat.st_ino as u64)),
    }
}

/// Whether an open file belongs to this user, and has no other name.
pub fn is_ours_alone(file: &File) -> io::Result<bool> {
    let stat = rustix::fs::fstat(file)?;
    Ok(stat.st_uid == rustix::process::geteuid().as_raw() && stat.st_nlink == 1)
}

/// Reads `len` bytes at `offset`; fewer only at the end of the file.
pub fn read(file: &File, offset: u64, len: usize) -> io::Result<Bytes> {
    buffers::fill(len, |data| {
        while data.len() < len {
            let at = offset + data.len() as u64;
            let room = rustix::buffer::spare_capacity(data);
            match rustix::io::pread(file, room, at) {
                Ok(0) => break,
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        data.truncate(len);
        Ok(())
    })
}

/// Reads the `size` bytes that a small file announces, or up to [`UNTOLD_MAX`] bytes of one that says it is empty; and
/// whether the file goes on behind them.
pub fn read_whole(file: &File, size: usize) -> io::Result<(Bytes, bool)> {
    let most = if size == 0 { UNTOLD_MAX } else { size };
    // one byte more than it should have shows one that goes on
    let mut data = read(file, 0, most + 1)?;
    let goes_on = data.len() > most;
    data.truncate(most);
    Ok((data, goes_on))
}

/// Writes all of `data` at `offset`.
pub fn write(file: &File, offset: u64, data: &[u8]) -> io::Result<()> {
    file.write_all_at(data, offset)
}

/// Makes the system report what it only reports at a close: network file systems store what was written no later than
/// then.
pub fn close(file: &File) -> io::Result<()> {
    // each of a file's descriptors says it, and the file may be in use on another lane
    Ok(nix::unistd::close(file.try_clone()?)?)
}

/// Sets the attributes that are `Some`: size, permission bits, times. The owner is never set.
pub fn set(file: impl AsFd, wanted: &Attributes) -> io::Result<()> {
    if let Some(size) = wanted.size {
        rustix::fs::ftruncate(&file, size)?;
    }
    if let Some(mode) = wanted.permissions {
        rustix::fs::fchmod(&file, Mode::from_raw_mode((mode & 0o7777) as _))?;
    }
    if let Some((accessed, modified)) = wanted.times {
        let second = |seconds: u32| Timespec { tv_sec: seconds.into(), tv_nsec: 0 };
        let times = Timestamps { last_access: second(accessed), last_modification: second(modified) };
        rustix::fs::futimens(&file, &times)?;
    }
    Ok(())
}

/// Sets a folder's attributes.
pub fn set_folder(place: &Place, wanted: &Attributes) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let (folder, name) = entry(place)?;
    set(rustix::fs::openat(&folder, name, flags, Mode::empty())?, wanted)
}

/// Makes a folder.
pub fn mkdir(place: &Place, mode: u32) -> io::Result<()> {
    let (folder, name) = entry(place)?;
    Ok(rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(mode as _))?)
}

/// Makes a symbolic link to `target`.
pub fn symlink(place: &Place, target: &[u8]) -> io::Result<()> {
    let (folder, name) = entry(place)?;
    Ok(rustix::fs::symlinkat(target, &folder, name)?)
}

/// Renames `from` to `to` in one step, replacing a file of that name.
pub fn rename(from: &Place, to: &Place) -> io::Result<()> {
    let (from_folder, from_name) = entry(from)?;
    if let Some(to_name) = to.name().filter(|_| to.is_beside(from)) {
        return Ok(rustix::fs::renameat(&from_folder, from_name, &from_folder, to_name)?);
    }
    let (to_folder, to_name) = entry(to)?;
    Ok(rustix::fs::renameat(&from_folder, from_name, &to_folder, to_name)?)
}

/// Flushes the directory that `place` is in to the disk.
pub fn flush_folder(place: &Place) -> io::Result<()> {
    let (folder, _) = entry(place)?;
    // a descriptor that only holds a folder cannot be flushed
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::fsync(rustix::fs::openat(&folder, ".", flags, Mode::empty())?)?)
}

/// Removes a file or link.
pub fn remove(place: &Place) -> io::Result<()> {
    let (folder, name) = entry(place)?;
    Ok(rustix::fs::unlinkat(&folder, name, AtFlags::empty())?)
}

/// Removes an empty folder.
pub fn remove_folder(place: &Place) -> io::Result<()> {
    let (folder, name) = entry(place)?;
    Ok(rustix::fs::unlinkat(&folder, name, AtFlags::REMOVEDIR)?)
}

/// Opens the folder that `place` is in, to work in it.
pub fn folder_of(place: &Place) -> io::Result<OwnedFd> {
    Ok(entry(place)?.0)
}

/// Opens the folder that `place` is in. Returns it with the entry's name. What is below a folder that is held open is
/// only reached through it.
fn entry(place: &Place) -> io::Result<(OwnedFd, Vec<u8>)> {
    match place.anchor() {
        Anchor::Path => typed_entry(&place.path()),
        Anchor::Folder(folder) => entry_below(folder.as_fd(), place),
        Anchor::Seen(device, inode) => entry_below(seen_again(place, *device, *inode)?.as_fd(), place),
        Anchor::Link(link) => {
            let (folder, name) = entry(link)?;
            entry_below(resolve_beneath::follow(folder.as_fd(), &name)?.as_fd(), place)
        }
    }
}

fn entry_below(base: BorrowedFd<'_>, place: &Place) -> io::Result<(OwnedFd, Vec<u8>)> {
    match place.name() {
        Some(name) => Ok((resolve_beneath::open_folder(base, place.parent().below())?, name.to_vec())),
        None => Ok((base.try_clone_to_owned()?, b".".to_vec())),
    }
}

/// Opens the base of `place` by its path once more; an error unless it has the same device and inode.
fn seen_again(place: &Place, device: u64, inode: u64) -> io::Result<OwnedFd> {
    let folder = resolve_beneath::hold(path(place.base()))?;
    match numbers(&rustix::fs::fstat(&folder)?) == (device, inode) {
        true => Ok(folder),
        false => Err(rustix::io::Errno::NOTDIR.into()),
    }
}

// their types differ from system to system
#[allow(clippy::unnecessary_cast)]
fn numbers(stat: &Stat) -> (u64, u64) {
    (stat.st_dev as u64, stat.st_ino as u64)
}

fn typed_entry(typed: &[u8]) -> io::Result<(OwnedFd, Vec<u8>)> {
    let folder = resolve_beneath::hold(path(place::folder_of(typed)))?;
    match place::last(typed) {
        b"" | b"." | b".." => Ok((resolve_beneath::hold(path(typed))?, b".".to_vec())),
        // a trailing slash stays: it says that a folder is meant
        name => {
            let slash = if typed.ends_with(b"/") { &b"/"[..] } else { b"" };
            Ok((folder, [name, slash].concat()))
        }
    }
}

/// What the system says of a file, as SFTP says it.
pub fn attributes(stat: &Stat) -> Attributes {
    Attributes {
        size: Some(stat.st_size as u64),
        owner: Some((stat.st_uid, stat.st_gid)),
        permissions: Some(stat.st_mode),
        times: Some((seconds(stat.st_atime), seconds(stat.st_mtime))),
    }
}

/// A time in SFTP's 32 bits of seconds, from 1970 to 2106.
fn seconds(time: i64) -> u32 {
    time.clamp(0, u32::MAX.into()) as u32
}

/// This process's umask, where the system shows it (`/proc/self/status`, proc(5)): umask(2) would change it.
pub fn umask() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(umask.trim(), 8).ok()
}
