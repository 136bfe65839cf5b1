//! How are SFTP requests answered? This is the SFTP server of a private server (draft-ietf-secsh-filexfer-02, plus
//! OpenSSH's extensions where noted), on top of russh-sftp's packets. Requests are answered one after the other, in the
//! order they came; a client may have as many in flight as it likes. Names that are not UTF-8 are not supported,
//! because russh-sftp's packets hold text.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use russh_sftp::protocol::{
    Attrs, Data, ExtendedReply, File as Entry, FileAttributes, Handle, Name, OpenFlags, Packet, Status, StatusCode,
    Version,
};
use russh_sftp::server::{Handler, StatusReply};

use super::jail::{Jail, Last};
use super::status;

/// The most files and folders a client may hold open.
const MAX_HANDLES: usize = 4096;
/// The most entries in one answer to READDIR.
const ENTRIES: usize = 100;
/// The most bytes in one READ or WRITE; with its header it fits the packet limit of russh-sftp, 256 KiB.
const MAX_DATA: u32 = 255 << 10;

type FileResult<T> = Result<T, StatusReply>;

/// One SFTP session.
pub struct Files {
    jail: Jail,
    open: HashMap<String, Open>,
    next: u64,
}

enum Open {
    File(File),
    Folder(Vec<Entry>),
}

impl Files {
    pub fn new(jail: Jail) -> Files {
        Files { jail, open: HashMap::new(), next: 0 }
    }

    fn real(&self, path: &str) -> FileResult<PathBuf> {
        self.jail.real(path, Last::Follow).map_err(status::refusal)
    }

    /// The real path of the entry itself, even if it is a symlink.
    fn itself(&self, path: &str) -> FileResult<PathBuf> {
        self.jail.real(path, Last::Keep).map_err(status::refusal)
    }

    fn keep(&mut self, id: u32, open: Open) -> FileResult<Handle> {
        if self.open.len() >= MAX_HANDLES {
            return Err(StatusCode::Failure.with_message("too many open handles"));
        }
        self.next += 1;
        let handle = self.next.to_string();
        self.open.insert(handle.clone(), open);
        Ok(Handle { id, handle })
    }

    fn file(&self, handle: &str) -> FileResult<&File> {
        match self.open.get(handle) {
            Some(Open::File(file)) => Ok(file),
            _ => Err(StatusCode::Failure.with_message("no such file handle")),
        }
    }

    fn expand(&self, path: &str) -> FileResult<String> {
        let path = match path.strip_prefix("~ec2-user").or_else(|| path.strip_prefix('~')) {
            Some("") => ".".to_owned(),
            Some(rest) if rest.starts_with('/') => format!(".{rest}"),
            Some(_) => return Err(StatusCode::NoSuchFile.with_message("no such user")),
            None => path.to_owned(),
        };
        self.jail.canonical(&path).map_err(status::refusal)
    }
}

/// The options for OPEN; a file that is created gets the requested mode, less the umask.
fn options(flags: OpenFlags, attributes: &FileAttributes) -> OpenOptions {
    let mut options = OpenOptions::from(flags);
    let no_follow = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    options.mode(attributes.permissions.unwrap_or(0o666) & 0o777).custom_flags(no_follow.bits().cast_signed());
    options
}

/// The listing of a folder in reverse order, `.` and `..` included as in OpenSSH's server.
fn listing(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // A file may have been removed meanwhile.
        if let Ok(found) = entry.metadata() {
            entries.push(status::entry(&entry.file_name().to_string_lossy(), &found));
        }
    }
    let here = fs::metadata(folder)?;
    entries.extend([status::entry("..", &here), status::entry(".", &here)]);
    Ok(entries)
}

impl Handler for Files {
    type Error = StatusReply;

    fn unimplemented(&self) -> StatusReply {
        StatusCode::OpUnsupported.into()
    }

    async fn init(&mut self, _version: u32, _extensions: HashMap<String, String>) -> FileResult<Version> {
        let mut version = Version::new();
        for name in ["posix-rename@openssh.com", "fsync@openssh.com", "limits@openssh.com", "expand-path@openssh.com"] {
            version.extensions.insert(name.to_owned(), "1".to_owned());
        }
        Ok(version)
    }

    async fn open(
        &mut self,
        id: u32,
        path: String,
        flags: OpenFlags,
        attributes: FileAttributes,
    ) -> FileResult<Handle> {
        let file = options(flags, &attributes).open(self.real(&path)?).map_err(status::refusal)?;
        if !file.metadata().map_err(status::refusal)?.is_file() {
            return Err(StatusCode::Failure.with_message("not a regular file"));
        }
        self.keep(id, Open::File(file))
    }

    async fn close(&mut self, id: u32, handle: String) -> FileResult<Status> {
        match self.open.remove(&handle) {
            Some(_) => Ok(status::ok(id)),
            None => Err(StatusCode::Failure.with_message("no such handle")),
        }
    }

    async fn read(&mut self, id: u32, handle: String, offset: u64, len: u32) -> FileResult<Data> {
        let mut data = vec![0; len.min(MAX_DATA) as usize];
        match self.file(&handle)?.read_at(&mut data, offset).map_err(status::refusal)? {
            0 if len > 0 => Err(StatusCode::Eof.into()),
            length => {
                data.truncate(length);
                Ok(Data { id, data })
            }
        }
    }

    async fn write(&mut self, id: u32, handle: String, offset: u64, data: Vec<u8>) -> FileResult<Status> {
        status::answer(id, self.file(&handle)?.write_all_at(&data, offset))
    }

    async fn lstat(&mut self, id: u32, path: String) -> FileResult<Attrs> {
        status::attrs(id, fs::symlink_metadata(self.itself(&path)?))
    }

    async fn stat(&mut self, id: u32, path: String) -> FileResult<Attrs> {
        status::attrs(id, fs::metadata(self.real(&path)?))
    }

    async fn fstat(&mut self, id: u32, handle: String) -> FileResult<Attrs> {
        status::attrs(id, self.file(&handle)?.metadata())
    }

    async fn setstat(&mut self, id: u32, path: String, attributes: FileAttributes) -> FileResult<Status> {
        status::answer(id, status::apply(&self.real(&path)?, &attributes))
    }

    async fn fsetstat(&mut self, id: u32, handle: String, attributes: FileAttributes) -> FileResult<Status> {
        status::answer(id, status::apply_open(self.file(&handle)?, &attributes))
    }

    async fn opendir(&mut self, id: u32, path: String) -> FileResult<Handle> {
        let entries = listing(&self.real(&path)?).map_err(status::refusal)?;
        self.keep(id, Open::Folder(entries))
    }

    async fn readdir(&mut self, id: u32, handle: String) -> FileResult<Name> {
        match self.open.get_mut(&handle) {
            Some(Open::Folder(entries)) if entries.is_empty() => Err(StatusCode::Eof.into()),
            Some(Open::Folder(entries)) => {
                let files = entries.split_off(entries.len().saturating_sub(ENTRIES));
                Ok(Name { id, files: files.into_iter().rev().collect() })
            }
            _ => Err(StatusCode::Failure.with_message("no such folder handle")),
        }
    }

    async fn remove(&mut self, id: u32, path: String) -> FileResult<Status> {
        status::answer(id, fs::remove_file(self.itself(&path)?))
    }

    async fn mkdir(&mut self, id: u32, path: String, attributes: FileAttributes) -> FileResult<Status> {
        let mode = attributes.permissions.unwrap_or(0o777) & 0o777;
        status::answer(id, DirBuilder::new().mode(mode).create(self.itself(&path)?))
    }

    async fn rmdir(&mut self, id: u32, path: String) -> FileResult<Status> {
        status::answer(id, fs::remove_dir(self.itself(&path)?))
    }

    async fn realpath(&mut self, id: u32, path: String) -> FileResult<Name> {
        let path = self.jail.canonical(&path).map_err(status::refusal)?;
        Ok(Name { id, files: vec![Entry::dummy(path)] })
    }

    /// Refuses an existing target, as OpenSSH's server does for this request.
    async fn rename(&mut self, id: u32, from: String, to: String) -> FileResult<Status> {
        let (from, to) = (self.itself(&from)?, self.itself(&to)?);
        if to.symlink_metadata().is_ok() {
            return Err(StatusCode::Failure.with_message("the target exists"));
        }
        status::answer(id, fs::rename(from, to))
    }

    async fn readlink(&mut self, id: u32, path: String) -> FileResult<Name> {
        let target = fs::read_link(self.itself(&path)?).map_err(status::refusal)?;
        Ok(Name { id, files: vec![Entry::dummy(target.to_string_lossy())] })
    }

    /// The target comes first on the wire, as with OpenSSH (PROTOCOL, "sftp: Reversal of arguments").
    async fn symlink(&mut self, id: u32, target: String, link: String) -> FileResult<Status> {
        status::answer(id, symlink(target, self.itself(&link)?))
    }

    /// OpenSSH's PROTOCOL, section "sftp: Extensions".
    async fn extended(&mut self, id: u32, request: String, data: Vec<u8>) -> FileResult<Packet> {
        let mut texts = status::Texts(&data);
        match request.as_str() {
            "posix-rename@openssh.com" => {
                let (from, to) = (self.itself(&texts.next()?)?, self.itself(&texts.next()?)?);
                status::answer(id, fs::rename(from, to)).map(Packet::Status)
            }
            "fsync@openssh.com" => status::answer(id, self.file(&texts.next()?)?.sync_all()).map(Packet::Status),
            "expand-path@openssh.com" => {
                let path = self.expand(&texts.next()?)?;
                Ok(Packet::Name(Name { id, files: vec![Entry::dummy(path)] }))
            }
            "limits@openssh.com" => {
                let limits = [256 << 10, u64::from(MAX_DATA), u64::from(MAX_DATA), MAX_HANDLES as u64];
                Ok(Packet::ExtendedReply(ExtendedReply { id, data: limits.map(u64::to_be_bytes).concat() }))
            }
            _ => Err(self.unimplemented()),
        }
    }
}
