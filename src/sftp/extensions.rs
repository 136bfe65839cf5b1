//! What can a server do beyond version 3? [`Extensions`] holds what it announces in its greeting (OpenSSH's PROTOCOL
//! §4). Nothing is used that was not announced, in the version announced: some servers end the session otherwise.

use std::collections::HashSet;

use super::error::SftpError;
use super::fields::Fields;

/// The extensions that are understood here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extension {
    /// How long requests may be.
    Limits,
    /// A rename that replaces its target.
    PosixRename,
    /// Flushes a file to disk.
    Fsync,
    /// Makes a hard link.
    Hardlink,
    /// Tells a file system's free space.
    Statvfs,
    /// Sets attributes of a symbolic link itself.
    Lsetstat,
    /// Expands `~` and `~user`.
    ExpandPath,
    /// Tells a user's home.
    HomeDirectory,
    /// Copies between two open files on the server.
    CopyData,
    /// Tells the names of user and group ids.
    UsersGroupsById,
}

impl Extension {
    const ALL: [Extension; 10] = [
        Extension::Limits,
        Extension::PosixRename,
        Extension::Fsync,
        Extension::Hardlink,
        Extension::Statvfs,
        Extension::Lsetstat,
        Extension::ExpandPath,
        Extension::HomeDirectory,
        Extension::CopyData,
        Extension::UsersGroupsById,
    ];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Extension::Limits => "limits@openssh.com",
            Extension::PosixRename => "posix-rename@openssh.com",
            Extension::Fsync => "fsync@openssh.com",
            Extension::Hardlink => "hardlink@openssh.com",
            Extension::Statvfs => "statvfs@openssh.com",
            Extension::Lsetstat => "lsetstat@openssh.com",
            Extension::ExpandPath => "expand-path@openssh.com",
            Extension::HomeDirectory => "home-directory",
            Extension::CopyData => "copy-data",
            Extension::UsersGroupsById => "users-groups-by-id@openssh.com",
        }
    }

    /// The one version that is understood.
    fn version(self) -> &'static [u8] {
        match self {
            Extension::Statvfs => b"2",
            _ => b"1",
        }
    }
}

/// What the server announced, as far as it is understood here.
#[derive(Debug, Clone, Default)]
pub struct Extensions(HashSet<Extension>);

impl Extensions {
    /// Whether the server announced it, in the right version.
    pub fn has(&self, extension: Extension) -> bool {
        self.0.contains(&extension)
    }

    /// `Unsupported`, naming the extension, unless the server announced it.
    ///
    /// # Errors
    /// [`SftpError::Unsupported`].
    pub fn require(&self, extension: Extension) -> Result<(), SftpError> {
        match self.has(extension) {
            true => Ok(()),
            false => Err(SftpError::Unsupported(extension.name())),
        }
    }

    /// Decodes the pairs of name and version behind the greeting; unknown ones are ignored.
    pub(super) fn decode(fields: &mut Fields) -> Result<Extensions, SftpError> {
        let mut known = HashSet::new();
        while fields.left() > 0 {
            let (name, version) = (fields.string()?, fields.string()?);
            let is_this = |extension: &Extension| name == extension.name() && version == extension.version();
            known.extend(Extension::ALL.into_iter().find(is_this));
        }
        Ok(Extensions(known))
    }
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut, Bytes, BytesMut};
    use proptest::prelude::*;

    use super::*;

    fn announced(pairs: &[(&str, &str)]) -> Extensions {
        let mut out = BytesMut::new();
        for text in pairs.iter().flat_map(|(name, version)| [name, version]) {
            out.put_u32(text.len() as u32);
            out.put_slice(text.as_bytes());
        }
        Extensions::decode(&mut Fields::new(out.freeze())).unwrap()
    }

    #[test]
    fn every_name_is_found_in_its_version_only() {
        for extension in Extension::ALL {
            let version = std::str::from_utf8(extension.version()).unwrap();
            assert!(announced(&[("newline@vandyke.com", "\r\n"), (extension.name(), version)]).has(extension));
            let other = announced(&[(extension.name(), "3")]);
            assert!(matches!(other.require(extension), Err(SftpError::Unsupported(name)) if name == extension.name()));
        }
    }

    #[test]
    fn a_name_without_a_version_is_broken() {
        let half = Bytes::from_static(b"\0\0\0\x04name");
        assert!(matches!(Extensions::decode(&mut Fields::new(half)), Err(SftpError::Protocol(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Extensions::decode(&mut Fields::new(Bytes::from(bytes)));
        }
    }
}
