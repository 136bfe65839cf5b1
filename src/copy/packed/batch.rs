//! Small files of one folder that go up together: [`Batch`] while they wait, [`SentBatch`] once they are on their way.
//! They arrive in a folder of their own, which is like the one they go into, and a file with a number marks their end in
//! the stream.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::arrivals::{Arrived, QueuedFile};
use super::tar::{self, Header};
use crate::copy::ends::file::Whole;
use crate::copy::ends::identity::FileIdentity;
use crate::copy::ends::local;
use crate::copy::name::Name;
use crate::copy::options::{Keep, MODE_AND_SET_ID};
use crate::copy::place::Place;
use crate::copy::task::folder::Folder;
use crate::sftp::{Attributes, FileKind};

/// Most files of a batch.
const FILES: usize = 512;

/// Most bytes of the files of a batch.
const BYTES: u64 = 4 << 20;

/// Files of one folder that wait to be sent.
pub struct Batch {
    /// The number of the folder that they arrive in.
    pub number: u64,
    /// The folder that they go into.
    pub folder: Arc<Folder>,
    /// The files, and their bytes together.
    pub files: Vec<QueuedFile>,
    bytes: u64,
    /// Comes when the folder that they arrive in is made; closed where it cannot be.
    pub made: oneshot::Receiver<()>,
}

/// Files of one folder that are on their way.
pub struct SentBatch {
    /// The number of the folder that they arrive in.
    pub number: u64,
    /// The number of the file that `tar` makes behind them.
    pub marker: u64,
    /// The folder that they go into.
    pub folder: Arc<Folder>,
    /// The files that were read.
    pub files: Vec<SentFile>,
}

/// A file that was sent.
pub struct SentFile {
    name: Name,
    size: u64,
    mode: u32,
    modified: Option<u32>,
    /// The version that was read.
    sent: FileIdentity,
    tell: oneshot::Sender<Arrived>,
}

impl Batch {
    /// A batch that begins with this `file`.
    pub fn of(file: QueuedFile, number: u64, made: oneshot::Receiver<()>) -> Batch {
        let (folder, bytes) = (Arc::clone(&file.folder), file.version.size.unwrap_or(0));
        Batch { number, folder, files: vec![file], bytes, made }
    }

    /// Takes another file of the same folder; gives it back where it belongs to another, or no more fit in.
    pub fn add(&mut self, file: QueuedFile) -> Result<(), QueuedFile> {
        let size = file.version.size.unwrap_or(0);
        let is_full = self.files.len() >= FILES || self.bytes + size > BYTES;
        if is_full || !Arc::ptr_eq(&self.folder, &file.folder) {
            return Err(file);
        }
        self.bytes += size;
        self.files.push(file);
        Ok(())
    }
}

/// Reads files and writes them behind each other, into the folder with this `number`; blocks. One that cannot be read, or
/// is not what was listed, is left out.
pub fn read_all(files: Vec<QueuedFile>, number: u64) -> (Vec<u8>, Vec<SentFile>) {
    let (mut bytes, mut read) = (Vec::new(), Vec::with_capacity(files.len()));
    for QueuedFile { source, links, version, mode, folder: _, name, tell } in files {
        let size = version.size.unwrap_or(0);
        let whole = local::open(&source, links).and_then(|file| Whole::read_here(&file, &version));
        let Ok(whole) = whole else { continue };
        if !whole.is_same || whole.goes_on || whole.length() != size {
            continue;
        }
        let (path, modified) = ([number.to_string().as_bytes(), b"/", name.as_bytes()].concat(), version.mtime());
        let header = Header { path: &path, size, mode, modified: modified.unwrap_or(0) };
        tar::append(&mut bytes, header, &whole.pieces.concat());
        read.push(SentFile { name, size, mode, modified, sent: whole.began, tell });
    }
    (bytes, read)
}

impl SentBatch {
    /// Whether nothing else is `there`, and every file has all that it is to have.
    pub fn is_all(&self, there: &HashMap<Name, Attributes>, keep: Keep) -> bool {
        let is_done = |file: &SentFile| there.get(&file.name).is_some_and(|there| file.is_done(there, keep));
        there.len() == self.files.len() && self.files.iter().all(is_done)
    }

    /// One of its files.
    pub fn any_name(&self) -> Option<&Name> {
        Some(&self.files.first()?.name)
    }

    /// Tells of the files that have arrived; who waits for another is let go. They are in the folder `staged`, or, where
    /// there is none, have their names.
    pub fn tell(self, there: &HashMap<Name, Attributes>, staged: Option<&Place>) {
        for SentFile { name, size, sent, tell, .. } in self.files {
            let Some(there) = there.get(&name).filter(|there| is_whole(there, size)) else { continue };
            let staged = staged.map(|folder| folder.join(&name));
            // whoever waited may be gone
            let _ = tell.send(Arrived { staged, there: *there, sent });
        }
    }
}

impl SentFile {
    fn is_done(&self, there: &Attributes, keep: Keep) -> bool {
        let has_mode = there.permissions.is_some_and(|mode| mode & MODE_AND_SET_ID == self.mode);
        let has_times = keep == Keep::Nothing || there.mtime() == self.modified;
        is_whole(there, self.size) && has_mode && has_times
    }
}

fn is_whole(there: &Attributes, size: u64) -> bool {
    there.kind() == FileKind::File && there.size == Some(size)
}
