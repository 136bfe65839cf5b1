//! What does `--receipt` write? One JSON document that says what a run did. It is written beside its final name and
//! gets that name in one step when the run has ended, well or badly.
//!
//! ```text
//! {"receipt":1, "process", "machine", "started", "version", "sources", "destination", "files":[
//!   {"path", "destination", "size", "sha256_source", "sha256_destination", "started", "seconds", "result"},
//!   …],
//! "hosts":[{"way", "user", "algorithm", "fingerprint"}], "reason", "tier", "ended", …the keys of the summary in `json`}
//! ```
//!
//! `result` is `arrived`, `failed` (with `error`), `removed` (a path at the destination) or `skipped` (with `reason`);
//! hashes are null if none were made. `tier` says how a lent login was bound (`A`, `B`, `C`), or is null. `hosts` has
//! every hop that was logged in to. Names and texts are as in [`mod@json`]. Main type: [`Receipt`].

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use anyhow::anyhow;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, openat, renameat, statat, unlinkat};
use rustix::process::geteuid;
use serde_json::{Value, json};

use super::timestamps;
use crate::private_file::try_lock;
use crate::progress::Event;
use crate::words::words_of;

use super::json;
use super::json::Object;
use super::summary::{Record, Summary};

/// A receipt being written.
pub struct Receipt {
    path: PathBuf,
    folder: OwnedFd,
    /// The name under which it is written.
    part: Vec<u8>,
    file: BufWriter<File>,
    written: io::Result<()>,
    is_first: bool,
    moving: HashMap<u64, Moving>,
    hosts: Vec<Value>,
    reason: Option<String>,
    tier: Option<String>,
    is_done: bool,
}

/// A file that is being copied.
struct Moving {
    date: String,
    began: Instant,
    /// The hashes of the source and of the destination.
    hashes: Option<(String, String)>,
    is_in_place: bool,
}

impl Receipt {
    /// Begins a receipt whose final name is `path`.
    ///
    /// # Errors
    /// If nothing can be written beside `path`, another run is writing the same receipt, or something other than a
    /// regular file is there: a device, a FIFO and a link are not replaced.
    pub fn begin(path: &Path, beginning: Object) -> io::Result<Receipt> {
        let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(folder, flags, Mode::empty())?;
        may_be_replaced(&folder, name)?;
        let part = [b".", name.as_bytes(), b".hop-receipt.part"].concat();
        let mut receipt = Receipt {
            path: path.to_owned(),
            file: BufWriter::new(own(&folder, &part)?),
            folder,
            part,
            written: Ok(()),
            is_first: true,
            moving: HashMap::new(),
            hosts: Vec::new(),
            reason: None,
            tier: None,
            is_done: false,
        };
        let beginning = Object::default().with("receipt", 1).and(beginning).to_string();
        receipt.put(format_args!("{},\"files\":[", beginning.trim_end_matches('}')));
        std::mem::replace(&mut receipt.written, Ok(())).and_then(|()| receipt.file.flush()).map(|()| receipt)
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        if self.written.is_ok() {
            self.written = self.file.write_fmt(text);
        }
    }

    fn row(&mut self, row: &Object) {
        let comma = if std::mem::take(&mut self.is_first) { "" } else { "," };
        self.put(format_args!("{comma}\n{row}"));
    }

    fn arrived(&mut self, id: u64, names: Object, size: u64) {
        let moving = self.moving.remove(&id);
        let hash = |which: fn(&(String, String)) -> &String| {
            moving.as_ref().and_then(|moving| moving.hashes.as_ref()).map(which).cloned()
        };
        let row = names
            .with("size", size)
            .with("sha256_source", hash(|hashes| &hashes.0))
            .with("sha256_destination", hash(|hashes| &hashes.1))
            .with("started", moving.as_ref().map(|moving| moving.date.clone()))
            .with("seconds", moving.as_ref().map(|moving| json::seconds(moving.began.elapsed())))
            .with("result", "arrived");
        let row = match moving.is_some_and(|moving| moving.is_in_place) {
            true => row.with("in_place", true),
            false => row,
        };
        self.row(&row);
    }

    fn close(&mut self, summary: &Summary) -> io::Result<()> {
        let end = Object::default()
            .with("hosts", std::mem::take(&mut self.hosts))
            .with("reason", self.reason.take())
            .with("tier", self.tier.take())
            .with("ended", timestamps::instant(SystemTime::now()))
            .and(json::summary(summary).without("event"));
        let end = end.to_string();
        self.put(format_args!("\n],\n{}\n", end.trim_start_matches('{')));
        std::mem::replace(&mut self.written, Ok(()))?;
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        let name = self.path.file_name().unwrap_or_default();
        may_be_replaced(&self.folder, name)?;
        renameat(&self.folder, &self.part[..], &self.folder, name)?;
        self.is_done = true;
        Ok(())
    }
}

impl Record for Receipt {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Route { reason, .. } => self.reason = Some(crate::cli::output::safe::line(reason)),
            Event::Lent { tier, .. } => self.tier = Some(crate::cli::output::safe::line(tier)),
            Event::Connected { way, user, algorithm, fingerprint } => {
                let host = json!({ "way": way, "user": user, "algorithm": algorithm, "fingerprint": fingerprint });
                if !self.hosts.contains(&host) {
                    self.hosts.push(host);
                }
            }
            Event::FileStarted { id, .. } => {
                let date = timestamps::instant(SystemTime::now());
                self.moving.insert(*id, Moving { date, began: Instant::now(), hashes: None, is_in_place: false });
            }
            Event::Hashed { id, source, destination } => {
                if let Some(moving) = self.moving.get_mut(id) {
                    moving.hashes = Some((source.clone(), destination.clone()));
                }
            }
            Event::InPlace { id, .. } => {
                if let Some(moving) = self.moving.get_mut(id) {
                    moving.is_in_place = true;
                }
            }
            Event::FileDone { id, path, destination, size, .. } => {
                self.arrived(*id, Object::default().name("path", path).name("destination", destination), *size);
            }
            Event::FileFailed { id, path, error } => {
                id.map(|id| self.moving.remove(&id));
                self.row(&Object::default().name("path", path).text("error", error).with("result", "failed"));
            }
            Event::Removed { path } => self.row(&Object::default().name("path", path).with("result", "removed")),
            Event::Skipped { path, reason } => {
                self.row(&Object::default().name("path", path).text("reason", reason).with("result", "skipped"));
            }
            _ => {}
        }
    }

    fn finish(&mut self, summary: &Summary) -> anyhow::Result<()> {
        self.close(summary).map_err(|error| anyhow!("{}: no receipt: {}", self.path.display(), words_of(&error)))
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if !self.is_done {
            let _ = unlinkat(&self.folder, &self.part[..], AtFlags::empty()); // the next receipt takes its place
        }
    }
}

/// Checks that there is nothing under the name, or a regular file.
fn may_be_replaced(folder: &OwnedFd, name: &OsStr) -> io::Result<()> {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map(|there| FileType::from_raw_mode(there.st_mode)) {
        Ok(FileType::RegularFile) | Err(rustix::io::Errno::NOENT) => Ok(()),
        Ok(FileType::Directory) => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")),
        Err(error) => Err(error.into()),
    }
}

/// Opens the file `part` for this run alone, empty; one left by a killed run of this user is taken over.
fn own(folder: &OwnedFd, part: &[u8]) -> io::Result<File> {
    loop {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file: File = openat(folder, part, flags, Mode::RUSR | Mode::WUSR)?.into();
        if !try_lock(&file).is_ok_and(|is_locked| is_locked) {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another run is writing this receipt"));
        }
        let held = fstat(&file)?;
        // the owner of the file could still write to it afterwards
        let is_file = FileType::from_raw_mode(held.st_mode) == FileType::RegularFile;
        if !is_file || held.st_uid != geteuid().as_raw() || held.st_nlink > 1 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "what stands in the place of its part is not ours",
            ));
        }
        // another run may have moved it into place between the two calls
        let there = statat(folder, part, AtFlags::SYMLINK_NOFOLLOW).map(|there| there.st_ino);
        if there == Ok(held.st_ino) {
            rustix::fs::fchmod(&file, Mode::RUSR | Mode::WUSR)?;
            file.set_len(0)?;
            return Ok(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;

    use super::*;

    fn told(receipt: &mut Receipt) {
        let route = |reason: &str| Event::Route { route: "upload".to_owned(), reason: reason.to_owned() };
        let host = Event::Connected {
            way: "laptop > h".to_owned(),
            user: "me".to_owned(),
            algorithm: "ssh-ed25519".to_owned(),
            fingerprint: "SHA256:x".to_owned(),
        };
        let (path, destination) = (b"a\xff".to_vec(), b"b".to_vec());
        let events = [
            route("because"),
            host.clone(),
            host,
            Event::FileStarted { id: 1, path: path.clone(), size: 3, done: Arc::default() },
            Event::Hashed { id: 1, source: "aa".to_owned(), destination: "aa".to_owned() },
            Event::FileDone { id: 1, path: path.clone(), destination, size: 3, kept: 0 },
            Event::FileFailed { id: None, path: path.clone(), error: "no".to_owned() },
            Event::Skipped { path, reason: "a link".to_owned() },
        ];
        events.iter().for_each(|event| receipt.event(event));
    }

    #[test]
    fn a_receipt_is_one_document_and_replaces_the_last() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("receipt.json");
        std::fs::write(&path, "old").unwrap();
        let mut receipt = Receipt::begin(&path, Object::default()).unwrap();
        told(&mut receipt);
        assert_eq!(std::fs::read(&path).unwrap(), b"old", "replaced before it was complete");
        assert!(Receipt::begin(&path, Object::default()).is_err(), "two runs write one receipt");
        receipt.finish(&Summary { files_done: 1, ..Summary::default() }).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let whole: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let file = &whole["files"][0];
        assert_eq!(
            (&file["result"], &file["sha256_source"], &file["path_hex"]),
            (&json!("arrived"), &json!("aa"), &json!("61ff"))
        );
        assert_eq!((whole["files"].as_array().unwrap().len(), whole["hosts"].as_array().unwrap().len()), (3, 1));
        assert_eq!(
            (&whole["exit_code"], &whole["receipt"], &whole["reason"]),
            (&json!(0), &json!(1), &json!("because"))
        );
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_receipt_that_was_given_up_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        drop(Receipt::begin(&dir.path().join("receipt"), Object::default()).unwrap());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(Receipt::begin(dir.path(), Object::default()).is_err());
        assert!(Receipt::begin(&dir.path().join("no/such/folder"), Object::default()).is_err());
    }

    fn fifo(path: &Path) {
        rustix::fs::mknodat(rustix::fs::CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    }

    #[test]
    fn what_is_no_regular_file_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (link, pipe) = (dir.path().join("link"), dir.path().join("fifo"));
        std::os::unix::fs::symlink("elsewhere", &link).unwrap();
        fifo(&pipe);
        for path in [&link, &pipe, Path::new("/dev/full"), Path::new("/dev/stdout")] {
            let before = std::fs::symlink_metadata(path).unwrap().file_type();
            let Err(refused) = Receipt::begin(path, Object::default()) else { panic!("{} is taken", path.display()) };
            assert_eq!(refused.to_string(), "not a regular file", "{}", path.display());
            assert_eq!(std::fs::symlink_metadata(path).unwrap().file_type(), before, "{}", path.display());
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "no part is left");
    }

    #[test]
    fn what_has_come_there_meanwhile_is_not_replaced_either() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("receipt");
        let mut receipt = Receipt::begin(&path, Object::default()).unwrap();
        fifo(&path);
        let said = receipt.finish(&Summary::default()).unwrap_err().to_string();
        assert!(said.ends_with("no receipt: not a regular file"), "{said}");
        drop(receipt);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_part_that_has_another_name_too_is_not_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let (others, part) = (dir.path().join("others"), dir.path().join(".receipt.hop-receipt.part"));
        std::fs::write(&others, "theirs").unwrap();
        std::fs::hard_link(&others, &part).unwrap();
        assert!(Receipt::begin(&dir.path().join("receipt"), Object::default()).is_err());
        assert_eq!(std::fs::read(&others).unwrap(), b"theirs");
    }

    #[test]
    fn an_empty_run_gives_a_document_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("receipt");
        let mut receipt = Receipt::begin(&path, Object::default()).unwrap();
        receipt.finish(&Summary::default()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
    }
}
