//! What does a server tell about a file? [`Attributes`] (§5), and one [`Entry`] of a listing. Nothing of it is
//! verified: any field may be missing, any name may be hostile, and vetting names is the work of `copy`.

use bytes::{BufMut, BytesMut};

use super::error::SftpError;
use super::fields::Fields;

const SIZE: u32 = 0x1;
const OWNER: u32 = 0x2;
const PERMISSIONS: u32 = 0x4;
const TIMES: u32 = 0x8;
const EXTENDED: u32 = 0x8000_0000;

/// File attributes. `None` means not told, or not to be changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Size in bytes.
    pub size: Option<u64>,
    /// User id, group id.
    pub owner: Option<(u32, u32)>,
    /// `st_mode`: the file's kind and its permission bits.
    pub permissions: Option<u32>,
    /// Seconds since 1970, unsigned 32 bits: access, then modification.
    pub times: Option<(u32, u32)>,
}

/// What kind of file the attributes describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A block or character device.
    Device,
    /// The server did not say.
    Unknown,
}

impl Attributes {
    /// Attributes that only set the permission bits, for `open` and `mkdir`.
    pub fn with_permissions(mode: u32) -> Attributes {
        Attributes { permissions: Some(mode), ..Attributes::default() }
    }

    /// The kind, from the upper bits of the permissions.
    pub fn kind(&self) -> FileKind {
        match self.permissions.map(|mode| mode & 0o170_000) {
            Some(0o100_000) => FileKind::File,
            Some(0o040_000) => FileKind::Dir,
            Some(0o120_000) => FileKind::Symlink,
            Some(0o010_000) => FileKind::Fifo,
            Some(0o140_000) => FileKind::Socket,
            Some(0o020_000 | 0o060_000) => FileKind::Device,
            _ => FileKind::Unknown,
        }
    }

    /// Modification time, in seconds since 1970.
    pub fn mtime(&self) -> Option<u32> {
        self.times.map(|(_, mtime)| mtime)
    }

    fn flags(&self) -> u32 {
        let mut flags = 0;
        flags |= self.size.map_or(0, |_| SIZE);
        flags |= self.owner.map_or(0, |_| OWNER);
        flags |= self.permissions.map_or(0, |_| PERMISSIONS);
        flags | self.times.map_or(0, |_| TIMES)
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u32(self.flags());
        if let Some(size) = self.size {
            out.put_u64(size);
        }
        if let Some((user, group)) = self.owner {
            out.put_u32(user);
            out.put_u32(group);
        }
        if let Some(permissions) = self.permissions {
            out.put_u32(permissions);
        }
        if let Some((accessed, modified)) = self.times {
            out.put_u32(accessed);
            out.put_u32(modified);
        }
    }

    /// Decodes attributes. Flags of later versions are ignored, as by OpenSSH (`decode_attrib`).
    pub(super) fn decode(fields: &mut Fields) -> Result<Attributes, SftpError> {
        let flags = fields.u32()?;
        let has = |flag| flags & flag != 0;
        let mut attributes = Attributes::default();
        if has(SIZE) {
            attributes.size = Some(fields.u64()?);
        }
        if has(OWNER) {
            attributes.owner = Some((fields.u32()?, fields.u32()?));
        }
        if has(PERMISSIONS) {
            attributes.permissions = Some(fields.u32()?);
        }
        if has(TIMES) {
            attributes.times = Some((fields.u32()?, fields.u32()?));
        }
        if has(EXTENDED) {
            skip_extended(fields)?;
        }
        Ok(attributes)
    }
}

/// Skips the pairs of text that may follow; nothing uses them.
fn skip_extended(fields: &mut Fields) -> Result<(), SftpError> {
    // a lying count ends at the packet's end: each pair takes at least eight bytes
    for _ in 0..fields.u32()? {
        fields.string()?;
        fields.string()?;
    }
    Ok(())
}

/// One name of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name as the server gave it: any bytes, `.` and `..` included, and nothing about it is vetted.
    pub name: Vec<u8>,
    /// The line that `ls -l` would print, for people.
    pub longname: Vec<u8>,
    /// The attributes of the entry itself, not of what a symbolic link points to.
    pub attributes: Attributes,
}

impl Entry {
    /// Bytes of the smallest entry: two lengths and the flags.
    const SMALLEST: usize = 12;

    pub(super) fn decode_list(fields: &mut Fields) -> Result<Vec<Entry>, SftpError> {
        let count = Entry::count(fields)?;
        (0..count).map(|_| Entry::decode(fields)).collect()
    }

    /// The number of entries that follow, if there can be so many.
    pub(super) fn count(fields: &mut Fields) -> Result<usize, SftpError> {
        let count = fields.u32()? as usize;
        match count > fields.left() / Entry::SMALLEST {
            true => Err(SftpError::Protocol(format!("a list of {count} names in {} bytes", fields.left()))),
            false => Ok(count),
        }
    }

    /// Skips one entry.
    pub(super) fn skip(fields: &mut Fields) -> Result<(), SftpError> {
        fields.string()?;
        fields.string()?;
        Attributes::decode(fields).map(drop)
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Entry, SftpError> {
        let name = fields.string()?.to_vec();
        let longname = fields.string()?.to_vec();
        let attributes = Attributes::decode(fields)?;
        Ok(Entry { name, longname, attributes })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn any_attributes() -> impl Strategy<Value = Attributes> {
        (any::<Option<u64>>(), any::<Option<(u32, u32)>>(), any::<Option<u32>>(), any::<Option<(u32, u32)>>())
            .prop_map(|(size, owner, permissions, times)| Attributes { size, owner, permissions, times })
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_again(attributes in any_attributes()) {
            let mut out = BytesMut::new();
            attributes.encode(&mut out);
            let mut fields = Fields::new(out.freeze());
            prop_assert_eq!(Attributes::decode(&mut fields)?, attributes);
            prop_assert_eq!(fields.left(), 0);
        }

        #[test]
        fn any_bytes_decode_or_fail(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Entry::decode_list(&mut Fields::new(Bytes::from(bytes)));
        }
    }

    #[test]
    fn a_lying_count_is_refused_before_allocation() {
        let mut out = BytesMut::new();
        out.put_u32(u32::MAX);
        out.put_bytes(0, 24);
        let refused = Entry::decode_list(&mut Fields::new(out.freeze()));
        assert!(matches!(refused, Err(SftpError::Protocol(_))), "{refused:?}");
    }

    #[test]
    fn extended_pairs_are_passed_over() {
        let mut out = BytesMut::new();
        out.put_u32(EXTENDED | SIZE);
        out.put_u64(7);
        out.put_u32(1);
        for text in [&b"acl@example"[..], b"x"] {
            out.put_u32(text.len() as u32);
            out.put_slice(text);
        }
        let mut fields = Fields::new(out.freeze());
        assert_eq!(Attributes::decode(&mut fields).unwrap().size, Some(7));
        assert_eq!(fields.left(), 0);
    }

    #[test]
    fn kinds_come_from_the_mode() {
        let kind = |mode| Attributes::with_permissions(mode).kind();
        assert_eq!(kind(0o100_644), FileKind::File);
        assert_eq!(kind(0o040_755), FileKind::Dir);
        assert_eq!(kind(0o120_777), FileKind::Symlink);
        assert_eq!(kind(0o644), FileKind::Unknown);
        assert_eq!(Attributes::default().kind(), FileKind::Unknown);
    }
}
