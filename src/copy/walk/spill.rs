//! Where do waiting folders go that do not fit into memory? [`Spill`] is a file of this machine that has no name, that
//! only its owner may open (0600), and that goes with the process. It holds slots of [`SLOT`] bytes, [`SLOTS`] at most:
//! 1 GiB. It knows nothing of what is in them.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};

use crate::words::words_of;

/// Bytes of one slot.
pub const SLOT: usize = 64 * 1024;

/// Most slots of the file.
const SLOTS: u32 = 16 * 1024;

/// Folders for the file where none is given: the first is on a disk, the second may be in memory.
const FOLDERS: [&str; 2] = ["/var/tmp", "/tmp"];

/// The spill file, made when the first slot is filled.
#[derive(Debug, Default)]
pub struct Spill {
    folder: Option<PathBuf>,
    file: Option<File>,
    /// Slots that have been emptied.
    free: Vec<u32>,
    /// Slots of the file, full or empty.
    slots: u32,
}

/// A full slot.
#[derive(Debug)]
pub struct Slot {
    number: u32,
    length: usize,
}

impl Spill {
    /// A file that will be made in `folder`; `None` for the system's own folder for such files.
    pub fn within(folder: Option<PathBuf>) -> Spill {
        Spill { folder, ..Spill::default() }
    }

    /// Stores at most [`SLOT`] bytes.
    ///
    /// # Errors
    /// When the file cannot be made or written, or all of its slots are full.
    pub fn put(&mut self, data: &[u8]) -> io::Result<Slot> {
        let number = match self.free.last() {
            Some(number) => *number,
            None if self.slots == SLOTS => return Err(io::Error::other("more waits to be read than 1 GiB can hold")),
            None => self.slots,
        };
        if self.file.is_none() {
            self.file = Some(self.make()?);
        }
        if let Some(file) = &self.file {
            file.write_all_at(data, offset(number))?;
        }
        if self.free.pop().is_none() {
            self.slots += 1;
        }
        Ok(Slot { number, length: data.len() })
    }

    /// Returns what is in a slot, and empties it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn take(&mut self, slot: &Slot) -> io::Result<Vec<u8>> {
        let mut data = vec![0; slot.length];
        if let Some(file) = &self.file {
            file.read_exact_at(&mut data, offset(slot.number))?;
        }
        self.free.push(slot.number);
        if self.free.len() == self.slots as usize {
            self.empty()?;
        }
        Ok(data)
    }

    /// Gives the file's disk space back, when nothing is in it.
    fn empty(&mut self) -> io::Result<()> {
        self.free.clear();
        self.slots = 0;
        self.file.as_ref().map_or(Ok(()), |file| file.set_len(0))
    }

    fn make(&self) -> io::Result<File> {
        let folders: Vec<&Path> = match &self.folder {
            Some(folder) => vec![folder],
            None => FOLDERS.map(Path::new).to_vec(),
        };
        let mut refused = io::Error::from(io::ErrorKind::NotFound);
        for folder in &folders {
            match nameless(folder) {
                Ok(file) => return Ok(file),
                Err(error) => refused = error,
            }
        }
        let (folder, words) = (folders[0].display(), words_of(&refused));
        Err(io::Error::new(refused.kind(), format!("what waits to be read cannot be kept in {folder}: {words}")))
    }
}

fn offset(number: u32) -> u64 {
    u64::from(number) * SLOT as u64
}

#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Ok(file.into()),
        // not every file system has such files
        Err(_) => unnamed(folder),
    }
}

#[cfg(not(target_os = "linux"))]
fn nameless(folder: &Path) -> io::Result<File> {
    unnamed(folder)
}

/// A new file whose name is removed at once.
fn unnamed(folder: &Path) -> io::Result<File> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let path = folder.join(format!(".hop-{:016x}.tmp", u64::from_ne_bytes(random)));
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::RDWR | OFlags::CLOEXEC;
    let file = rustix::fs::openat(CWD, &path, flags, Mode::RUSR | Mode::WUSR)?;
    rustix::fs::unlinkat(CWD, &path, AtFlags::empty())?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn what_is_put_in_comes_out_and_its_room_is_used_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut spill = Spill::within(Some(dir.path().to_owned()));
        let (one, two) = (spill.put(b"one").unwrap(), spill.put(&[7; SLOT]).unwrap());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "it has no name");
        let file = spill.file.as_ref().unwrap().metadata().unwrap();
        assert_eq!((file.mode() & 0o777, file.nlink()), (0o600, 0));
        assert_eq!(spill.take(&one).unwrap(), b"one");
        let three = spill.put(b"three").unwrap();
        assert_eq!((three.number, spill.slots), (0, 2));
        assert_eq!((spill.take(&two).unwrap(), spill.take(&three).unwrap()), (vec![7; SLOT], b"three".to_vec()));
        assert_eq!(spill.file.as_ref().unwrap().metadata().unwrap().len(), 0);
    }

    #[test]
    fn a_file_whose_name_is_taken_away_serves_too() {
        let dir = tempfile::tempdir().unwrap();
        let file = unnamed(dir.path()).unwrap();
        file.write_all_at(b"x", 0).unwrap();
        assert_eq!(
            (file.metadata().unwrap().mode() & 0o777, std::fs::read_dir(dir.path()).unwrap().count()),
            (0o600, 0)
        );
    }

    #[test]
    fn there_is_an_end_and_a_word_when_it_cannot_be_made() {
        let mut full = Spill { slots: SLOTS, ..Spill::default() };
        assert!(full.put(b"x").unwrap_err().to_string().contains("1 GiB"));
        let mut nowhere = Spill::within(Some("/nowhere/at/all".into()));
        let said = nowhere.put(b"x").unwrap_err().to_string();
        assert_eq!(said, "what waits to be read cannot be kept in /nowhere/at/all: no such file or directory");
    }
}
