//! Many small files of this machine at once: [`land_all`] writes each into its part file and gives it its name, in one
//! blocking call for all of them. Folders are reached as everywhere (`local.rs`), but once for all files in one.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use rustix::fs::{AtFlags, Mode, OFlags};

use super::local;
use crate::copy::name::Name;
use crate::copy::place::Place;
use crate::sftp::Attributes;

/// A file whose name nothing has: its folder was made by this run.
pub struct NewFile {
    /// Its place.
    pub target: Place,
    /// The name of its part file, in the same folder.
    pub part: Name,
    /// The permission bits and times that it is to have.
    pub wanted: Attributes,
    /// All of its bytes.
    pub data: Bytes,
}

/// Writes the files and gives them their names; blocks. Returns the attributes that each has then. What has failed has
/// left nothing.
pub fn land_all<'a>(files: &'a [NewFile]) -> Vec<io::Result<Attributes>> {
    let mut held: Option<(&'a Place, OwnedFd)> = None;
    let land = |file: &'a NewFile| {
        let folder = match held.take() {
            Some((beside, folder)) if beside.is_beside(&file.target) => folder,
            _ => local::folder_of(&file.target)?,
        };
        let landed = land(folder.as_fd(), file);
        held = Some((&file.target, folder));
        landed
    };
    files.iter().map(land).collect()
}

fn land(folder: BorrowedFd<'_>, file: &NewFile) -> io::Result<Attributes> {
    let (part, name) = (file.part.as_bytes(), file.target.name().ok_or(io::ErrorKind::InvalidInput)?);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made = rustix::fs::openat(folder, part, flags, Mode::RUSR | Mode::WUSR)?.into();
    let landed = fill(folder, made, file).and_then(|there| {
        rustix::fs::renameat(folder, part, folder, name)?;
        Ok(there)
    });
    if landed.is_err() {
        // a part that is left harms nobody
        let _ = rustix::fs::unlinkat(folder, part, AtFlags::empty());
    }
    landed
}

/// Writes a part file that was just made, and checks that its name still belongs to it.
fn fill(folder: BorrowedFd<'_>, made: File, file: &NewFile) -> io::Result<Attributes> {
    made.write_all_at(&file.data, 0)?;
    local::set(&made, &file.wanted)?;
    let there = rustix::fs::fstat(&made)?;
    let named = rustix::fs::statat(folder, file.part.as_bytes(), AtFlags::SYMLINK_NOFOLLOW)?;
    if (named.st_dev, named.st_ino) != (there.st_dev, there.st_ino) {
        return Err(io::Error::other("another file has the part's name"));
    }
    // what the file system only says now
    nix::unistd::close(made)?;
    Ok(local::attributes(&there))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn each_file_gets_its_name_or_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        std::fs::create_dir(dir.path().join("a/folder")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("a/part-link")).unwrap();
        std::os::unix::fs::symlink("..", dir.path().join("a/up")).unwrap();
        let name = |text: &str| Name::vet(text.as_bytes()).unwrap();
        let base = local::hold(dir.path().as_os_str().as_encoded_bytes()).unwrap();
        let file = |path: &[&str], part: &str| NewFile {
            target: path.iter().fold(base.clone(), |place, step| place.join(&name(step))),
            part: name(part),
            wanted: Attributes { times: Some((5, 1_000)), ..Attributes::with_permissions(0o640) },
            data: Bytes::copy_from_slice(path.concat().as_bytes()),
        };
        let files = [
            file(&["a", "one"], "part-1"),
            file(&["a", "b", "two"], "part-2"),
            file(&["a", "folder"], "part-3"),
            file(&["a", "three"], "part-link"),
            file(&["a", "up", "four"], "part-4"),
            file(&["none", "five"], "part-5"),
            file(&["a", "six"], "part-6"),
        ];
        let landed = land_all(&files);
        assert_eq!(
            landed.iter().map(Result::is_ok).collect::<Vec<_>>(),
            [true, true, false, false, false, false, true]
        );
        let there = landed[0].as_ref().unwrap();
        assert_eq!((there.size, there.mtime(), there.permissions), (Some(4), Some(1_000), Some(0o100_640)));
        for (path, content) in [("a/one", "aone"), ("a/b/two", "abtwo"), ("a/six", "asix")] {
            let path = dir.path().join(path);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
        }
        let mut left: Vec<_> =
            std::fs::read_dir(dir.path().join("a")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["b", "folder", "one", "part-link", "six", "up"]);
    }
}
