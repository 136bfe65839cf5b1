//! What does `--log` write? What happens, one JSON object per line, appended to a file of mode 0600. The objects are
//! those of [`super::json`] with `time` (UTC) and `process` in front, so that several runs can share a file.
//!
//! Main type: [`Journal`]. Each line is written in one piece; an error is reported at the end of the run.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::bail;
use rustix::fs::{Mode, OFlags};

use super::timestamps;
use crate::progress::Event;
use crate::words::words_of;

use super::json;
use super::json::Object;
use super::summary::{Record, Summary};

/// A log that is open.
pub struct Journal {
    file: File,
    path: PathBuf,
    broken: Option<io::Error>,
}

impl Journal {
    /// Opens `path`, which is created with mode 0600 if it does not exist, and writes its first line, which says what
    /// will be done.
    ///
    /// # Errors
    /// If it cannot be opened, or is not a regular file; a symbolic link is not followed.
    pub fn open(path: &Path, beginning: Object) -> io::Result<Journal> {
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::NOFOLLOW;
        // a FIFO without a reader must not block us
        let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file: File = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?.into();
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let mut journal = Journal { file, path: path.to_owned(), broken: None };
        journal.put(beginning);
        journal.broken.take().map_or(Ok(journal), Err)
    }

    fn put(&mut self, object: Object) {
        let stamp = Object::default().with("time", timestamps::instant(SystemTime::now()));
        let line = format!("{}\n", stamp.with("process", std::process::id()).and(object));
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            self.broken.get_or_insert(error);
        }
    }
}

impl Record for Journal {
    fn event(&mut self, event: &Event) {
        if let Some(object) = json::object(event) {
            self.put(object);
        }
    }

    fn finish(&mut self, summary: &Summary) -> anyhow::Result<()> {
        self.put(json::summary(summary));
        match &self.broken {
            None => Ok(()),
            Some(error) => bail!("{}: lines of the log are missing: {}", self.path.display(), words_of(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn lines_are_appended_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        for _ in 0..2 {
            let mut journal = Journal::open(&path, Object::event("run")).unwrap();
            journal.event(&Event::Warning("odd \u{1b}[2J".to_owned()));
            journal.finish(&Summary::default()).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["run", "warning", "summary", "run", "warning", "summary"]);
        assert!(lines.iter().all(|line| line["process"] == std::process::id() && line["time"].is_string()));
        assert!(!text.contains('\u{1b}'));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn links_and_what_is_no_file_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("elsewhere", dir.path().join("link")).unwrap();
        assert!(Journal::open(&dir.path().join("link"), Object::default()).is_err());
        assert!(Journal::open(dir.path(), Object::default()).is_err());
        assert!(Journal::open(Path::new("/dev/null"), Object::default()).is_err());
    }

    #[test]
    fn a_full_disk_is_told() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut journal = Journal { file: full, path: "log".into(), broken: None };
        journal.event(&Event::Warning("x".to_owned()));
        let said = journal.finish(&Summary::default()).unwrap_err().to_string();
        assert!(said.starts_with("log: lines of the log are missing: no space"), "{said}");
    }
}
