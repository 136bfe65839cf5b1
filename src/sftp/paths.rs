//! Requests on paths (§6.5–6.11). A path is any bytes but NUL; how the server reads it is the server's business.

use super::attributes::Attributes;
use super::client::Client;
use super::error::SftpError;
use super::wire::{Packet, kind};

/// Errors are those of [`Client::open`].
#[allow(clippy::missing_errors_doc)]
impl Client {
    /// Attributes of what `path` leads to, through symbolic links (STAT).
    pub async fn stat(&self, path: &[u8]) -> Result<Attributes, SftpError> {
        self.attributes(Packet::new(kind::STAT).path(path)?).await
    }

    /// Attributes of `path` itself (LSTAT).
    pub async fn lstat(&self, path: &[u8]) -> Result<Attributes, SftpError> {
        self.attributes(Packet::new(kind::LSTAT).path(path)?).await
    }

    /// Sets attributes of what `path` leads to (SETSTAT).
    pub async fn setstat(&self, path: &[u8], attributes: &Attributes) -> Result<(), SftpError> {
        self.done(Packet::new(kind::SETSTAT).path(path)?.attributes(attributes)).await
    }

    /// Makes a folder (MKDIR).
    pub async fn mkdir(&self, path: &[u8], attributes: &Attributes) -> Result<(), SftpError> {
        self.done(Packet::new(kind::MKDIR).path(path)?.attributes(attributes)).await
    }

    /// Removes an empty folder (RMDIR).
    pub async fn rmdir(&self, path: &[u8]) -> Result<(), SftpError> {
        self.done(Packet::new(kind::RMDIR).path(path)?).await
    }

    /// Removes a file, link or anything else that is not a folder (REMOVE).
    pub async fn remove(&self, path: &[u8]) -> Result<(), SftpError> {
        self.done(Packet::new(kind::REMOVE).path(path)?).await
    }

    /// Renames; most servers refuse when `to` exists (RENAME).
    pub async fn rename(&self, from: &[u8], to: &[u8]) -> Result<(), SftpError> {
        self.done(Packet::new(kind::RENAME).path(from)?.path(to)?).await
    }

    /// Makes the symbolic link `link`, which leads to `target`, in OpenSSH's order of arguments: the draft's is the
    /// other one, and servers follow OpenSSH (PROTOCOL §4.1) (SYMLINK).
    pub async fn symlink(&self, target: &[u8], link: &[u8]) -> Result<(), SftpError> {
        self.done(Packet::new(kind::SYMLINK).path(target)?.path(link)?).await
    }

    /// The target of a symbolic link, unvetted (READLINK).
    pub async fn readlink(&self, path: &[u8]) -> Result<Vec<u8>, SftpError> {
        self.name(Packet::new(kind::READLINK).path(path)?).await
    }

    /// The absolute path that the server makes of `path`; `.` is where the session started, most often the home folder
    /// (REALPATH).
    pub async fn realpath(&self, path: &[u8]) -> Result<Vec<u8>, SftpError> {
        self.name(Packet::new(kind::REALPATH).path(path)?).await
    }
}
