//! What does the SFTP server answer? Statuses from I/O errors, attributes and listing lines from files, and back.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, fchown};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use russh_sftp::protocol::{Attrs, File as Entry, FileAttributes, FilePermissions, Status, StatusCode};
use russh_sftp::server::StatusReply;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::demo::map::USER;

/// The status for success.
pub fn ok(id: u32) -> Status {
    Status { id, status_code: StatusCode::Ok, error_message: "Success".to_owned(), language_tag: String::new() }
}

/// The status for the outcome of an operation.
pub fn answer(id: u32, outcome: io::Result<()>) -> Result<Status, StatusReply> {
    outcome.map(|()| ok(id)).map_err(refusal)
}

/// The status for an error.
pub fn refusal(error: io::Error) -> StatusReply {
    match error.kind() {
        io::ErrorKind::NotFound => StatusCode::NoSuchFile.with_message("No such file"),
        io::ErrorKind::PermissionDenied => StatusCode::PermissionDenied.with_message("Permission denied"),
        _ => StatusCode::Failure.with_message(error.to_string()),
    }
}

/// The answer to a STAT.
pub fn attrs(id: u32, found: io::Result<Metadata>) -> Result<Attrs, StatusReply> {
    found.map(|found| Attrs { id, attrs: attributes(&found) }).map_err(refusal)
}

/// A line of a listing; the long form is that of `ls -l`.
pub fn entry(name: &str, found: &Metadata) -> Entry {
    let attrs = attributes(found);
    let kind = match attrs.permissions.unwrap_or_default() & 0o170_000 {
        0o040_000 => 'd',
        0o120_000 => 'l',
        _ => '-',
    };
    let permissions = FilePermissions::from(found.mode());
    let day = time(found.mtime());
    let longname = format!("{kind}{permissions} {:>3} {USER} {USER} {:>8} {day} {name}", found.nlink(), found.len());
    Entry { filename: name.to_owned(), longname, attrs }
}

fn attributes(found: &Metadata) -> FileAttributes {
    let seconds = |time: i64| Some(u32::try_from(time.max(0)).unwrap_or(u32::MAX));
    FileAttributes {
        size: Some(found.len()),
        uid: Some(found.uid()),
        gid: Some(found.gid()),
        permissions: Some(found.mode()),
        atime: seconds(found.atime()),
        mtime: seconds(found.mtime()),
        ..FileAttributes::default()
    }
}

/// Applies the attributes of a SETSTAT.
pub fn apply(path: &Path, asked: &FileAttributes) -> io::Result<()> {
    if asked.size.is_some() {
        let file = File::options().write(true).open(path)?;
        apply_open(&file, &FileAttributes { size: asked.size, ..FileAttributes::default() })?;
    }
    if asked.uid.is_some() {
        chown(path, asked.uid, asked.gid)?;
    }
    if let Some(mode) = asked.permissions {
        fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7777))?;
    }
    if let (Some(accessed), Some(modified)) = (asked.atime, asked.mtime) {
        let at = |seconds: u32| Timespec { tv_sec: seconds.into(), tv_nsec: 0 };
        let times = Timestamps { last_access: at(accessed), last_modification: at(modified) };
        utimensat(CWD, path, &times, AtFlags::empty())?;
    }
    Ok(())
}

/// Applies the attributes of an FSETSTAT.
pub fn apply_open(file: &File, asked: &FileAttributes) -> io::Result<()> {
    if let Some(size) = asked.size {
        file.set_len(size)?;
    }
    if asked.uid.is_some() {
        fchown(file, asked.uid, asked.gid)?;
    }
    if let Some(mode) = asked.permissions {
        file.set_permissions(fs::Permissions::from_mode(mode & 0o7777))?;
    }
    if let (Some(accessed), Some(modified)) = (asked.atime, asked.mtime) {
        let at = |seconds: u32| UNIX_EPOCH + Duration::from_secs(seconds.into());
        file.set_times(fs::FileTimes::new().set_accessed(at(accessed)).set_modified(at(modified)))?;
    }
    Ok(())
}

/// A time in seconds since 1970 as `2026-01-31 12:34`, in UTC. Days are counted in eras of 400 years that begin on 1
/// March, so that the leap day is the last of its year.
fn time(seconds: i64) -> String {
    chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default().format("%Y-%m-%d %H:%M").to_string()
}

/// The strings of an extended request, each with its length in front.
pub struct Texts<'a>(pub &'a [u8]);

impl Texts<'_> {
    /// The next string. Fails if the request ends inside it.
    pub fn next(&mut self) -> Result<String, StatusReply> {
        let text = self.0.split_first_chunk::<4>().and_then(|(&length, rest)| {
            let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
            rest.split_at_checked(length)
        });
        let (text, rest) = text.ok_or(StatusCode::BadMessage)?;
        self.0 = rest;
        Ok(String::from_utf8_lossy(text).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_dates() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00"),
            (951_825_599, "2000-02-29 11:59"),
            (1_709_251_199, "2024-02-29 23:59"),
            (1_709_251_200, "2024-03-01 00:00"),
            (1_767_225_599, "2025-12-31 23:59"),
            (-1, "1969-12-31 23:59"),
        ] {
            assert_eq!(time(seconds), text);
        }
    }

    #[test]
    fn an_extended_request_that_ends_early_is_refused() {
        let mut texts = Texts(&[0, 0, 0, 1, b'a', 0, 0, 0, 9, b'b']);
        assert_eq!(texts.next().unwrap(), "a");
        assert_eq!(texts.next().unwrap_err().status_code, StatusCode::BadMessage);
    }
}
