//! Small files that go up together: [`Batch`] while they wait, [`SentBatch`] once they are on their way. Those of one folder
//! arrive in a folder of their own, which is like the one they go into. Where a folder has only a few, those of many
//! folders arrive in one, numbered. A file with a number marks their end in the stream.

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

/// Files that wait to be sent.
pub struct Batch {
    /// The number of the folder that they arrive in.
    pub number: u64,
    /// The folder that they go into; that of the first ones where there are several.
    pub folder: Arc<Folder>,
    /// The files.
    pub files: Vec<QueuedFile>,
    /// Their bytes together.
    bytes: u64,
    /// Comes when the folder that they arrive in is made; closed where it cannot be. `None` while they are few, which may
    /// go with those of other folders, into a folder that `tar` makes.
    pub made: Option<oneshot::Receiver<()>>,
}

/// Files that are on their way.
pub struct SentBatch {
    /// The number of the folder that they arrive in.
    pub number: u64,
    /// The number of the file that `tar` makes behind them.
    pub marker: u64,
    /// The folder that they go into; `None` where there may be several.
    pub folder: Option<Arc<Folder>>,
    /// The files that were read.
    pub files: Vec<SentFile>,
}

/// A file that was sent.
pub struct SentFile {
    /// Its name in the folder that it arrives in.
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
    pub fn of(file: QueuedFile, number: u64) -> Batch {
        let (folder, bytes) = (Arc::clone(&file.folder), file.version.size.unwrap_or(0));
        Batch { number, folder, files: vec![file], bytes, made: None }
    }

    /// Whether a file goes into the same folder, and fits in.
    pub fn takes(&self, file: &QueuedFile) -> bool {
        Arc::ptr_eq(&self.folder, &file.folder) && self.has_room(1, file.version.size.unwrap_or(0))
    }

    /// Takes another file of the same folder.
    pub fn add(&mut self, file: QueuedFile) {
        self.bytes += file.version.size.unwrap_or(0);
        self.files.push(file);
    }

    /// Takes the files of `other`, which go into another folder, if both are few and fit in; else gives it back.
    pub fn merge(&mut self, other: Batch) -> Option<Batch> {
        let are_few = self.made.is_none() && other.made.is_none();
        if !are_few || !self.has_room(other.files.len(), other.bytes) {
            return Some(other);
        }
        self.bytes += other.bytes;
        self.files.extend(other.files);
        None
    }

    fn has_room(&self, files: usize, bytes: u64) -> bool {
        self.files.len() + files <= FILES && self.bytes + bytes <= BYTES
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
