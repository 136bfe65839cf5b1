//! Requests beyond version 3 (OpenSSH's PROTOCOL §4), each only where the server announced it.

use std::ops::Range;

use super::attributes::Attributes;
use super::client::Client;
use super::error::SftpError;
use super::extensions::Extension;
use super::fields::Fields;
use super::session::Handle;
use super::wire::{Expect, Packet, Response};

/// A file system's size and free space (`statvfs(3)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSystem {
    /// Bytes of a block.
    pub block_size: u64,
    /// Blocks in all.
    pub blocks: u64,
    /// Free blocks.
    pub blocks_free: u64,
    /// Free blocks for users that are not root.
    pub blocks_available: u64,
    /// Inodes in all; 0 where the file system does not count them.
    pub inodes: u64,
    /// Free inodes for users that are not root.
    pub inodes_available: u64,
    /// Whether it is mounted read-only.
    pub is_read_only: bool,
    /// Longest name, in bytes.
    pub name_max: u64,
}

impl FileSystem {
    /// Bytes a user that is not root may still write.
    pub fn bytes_available(&self) -> u64 {
        self.blocks_available.saturating_mul(self.block_size)
    }

    /// Decodes eleven numbers: f_bsize, f_frsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree, f_favail, f_fsid,
    /// f_flag, f_namemax.
    fn decode(mut fields: Fields) -> Result<FileSystem, SftpError> {
        let mut numbers = [0; 11];
        for number in &mut numbers {
            *number = fields.u64()?;
        }
        let [_, block_size, blocks, blocks_free, blocks_available, inodes, _, inodes_available, _, flags, name_max] =
            numbers;
        let is_read_only = flags & 1 != 0;
        Ok(FileSystem {
            block_size,
            blocks,
            blocks_free,
            blocks_available,
            inodes,
            inodes_available,
            is_read_only,
            name_max,
        })
    }
}

/// Errors are those of [`Client::open`], and [`SftpError::Unsupported`] where the server did not announce the extension.
#[allow(clippy::missing_errors_doc)]
impl Client {
    fn extended(&self, extension: Extension) -> Result<Packet, SftpError> {
        self.inner.extensions.require(extension)?;
        Ok(Packet::extended(extension.name()))
    }

    async fn fields(&self, packet: Packet) -> Result<Fields, SftpError> {
        match self.reply(packet, Expect::Extended).await? {
            Response::Extended(fields) => Ok(Fields::new(fields)),
            other => Err(other.refusal()),
        }
    }

    /// Renames, replacing `to` if it exists.
    pub async fn posix_rename(&self, from: &[u8], to: &[u8]) -> Result<(), SftpError> {
        self.done(self.extended(Extension::PosixRename)?.path(from)?.path(to)?).await
    }

    /// Makes `link` another name of `existing`.
    pub async fn hardlink(&self, existing: &[u8], link: &[u8]) -> Result<(), SftpError> {
        self.done(self.extended(Extension::Hardlink)?.path(existing)?.path(link)?).await
    }

    /// Flushes an open file to the server's disk.
    pub async fn fsync(&self, handle: &Handle) -> Result<(), SftpError> {
        self.done(self.extended(Extension::Fsync)?.string(self.raw(handle)?)).await
    }

    /// Sets attributes of `path` itself, even if it is a symbolic link.
    pub async fn lsetstat(&self, path: &[u8], attributes: &Attributes) -> Result<(), SftpError> {
        self.done(self.extended(Extension::Lsetstat)?.path(path)?.attributes(attributes)).await
    }

    /// The file system that `path` is on.
    pub async fn statvfs(&self, path: &[u8]) -> Result<FileSystem, SftpError> {
        let fields = self.fields(self.extended(Extension::Statvfs)?.path(path)?).await?;
        self.checked(FileSystem::decode(fields))
    }

    /// Copies a range between two open files on the server, to offset `to` of `target`; an empty range means all the rest.
    pub async fn copy_data(
        &self,
        source: &Handle,
        from: Range<u64>,
        target: &Handle,
        to: u64,
    ) -> Result<(), SftpError> {
        let length = from.end.saturating_sub(from.start);
        let packet = self.extended(Extension::CopyData)?.string(self.raw(source)?).u64(from.start).u64(length);
        self.done(packet.string(self.raw(target)?).u64(to)).await
    }

    /// The path behind `~`, `~/…`, `~user` or `~user/…`; it need not exist. Without `expand-path`, home is where the
    /// session started, and another user's home is told by `home-directory` only.
    pub async fn expand_path(&self, path: &[u8]) -> Result<Vec<u8>, SftpError> {
        if self.inner.extensions.has(Extension::ExpandPath) {
            return self.name(self.extended(Extension::ExpandPath)?.path(path)?).await;
        }
        let Some(tilde) = path.strip_prefix(b"~") else { return Ok(path.to_vec()) };
        let (user, rest) = tilde.split_at(tilde.iter().position(|byte| *byte == b'/').unwrap_or(tilde.len()));
        let home = match user {
            b"" => self.realpath(b".").await?,
            user => self.name(self.extended(Extension::HomeDirectory)?.path(user)?).await?,
        };
        Ok([&home[..], rest].concat())
    }

    /// Names of user and group ids, in the order of the ids, empty where the server knows none.
    pub async fn names_of(&self, users: &[u32], groups: &[u32]) -> Result<(Vec<Vec<u8>>, Vec<Vec<u8>>), SftpError> {
        if users.len() + groups.len() > 256 {
            return Err(SftpError::Unfit("more than 256 ids at once"));
        }
        let packet = self.extended(Extension::UsersGroupsById)?.string(&packed(users)).string(&packed(groups));
        let mut fields = self.fields(packet).await?;
        let names =
            unpacked(&mut fields, users.len()).and_then(|users| Ok((users, unpacked(&mut fields, groups.len())?)));
        self.checked(names)
    }

    /// Passes on what was read of an extension's answer. It is read here and not in the session, but a broken one ends
    /// the session all the same.
    fn checked<T>(&self, read: Result<T, SftpError>) -> Result<T, SftpError> {
        if let Err(error) = &read {
            self.inner.session.end(error.clone());
        }
        read
    }
}

fn packed(ids: &[u32]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.to_be_bytes()).collect()
}

/// A string that holds `count` strings.
fn unpacked(fields: &mut Fields, count: usize) -> Result<Vec<Vec<u8>>, SftpError> {
    let mut names = Fields::new(fields.string()?);
    (0..count).map(|_| Ok(names.string()?.to_vec())).collect()
}
