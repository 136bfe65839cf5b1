//! Is a file still the same version? [`FileIdentity`] holds all that an end tells of one version.

use crate::copy::part::VersionId;
use crate::sftp::Attributes;

/// What must be the same before and after a file was read. Times are seconds and nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    /// Size in bytes.
    pub size: u64,
    /// Time of modification. Anyone may set it back.
    pub modified: (i64, u64),
    /// Time of the last change of content or attributes; not told by SFTP.
    pub changed: Option<(i64, u64)>,
    /// Device and inode; not told by SFTP.
    pub inode: Option<(u64, u64)>,
}

impl FileIdentity {
    /// What this version is called in the names of part files. `machine` is this machine's name where the file is here,
    /// else empty.
    pub fn version(&self, machine: &[u8]) -> VersionId {
        let number = |number: u64| number.to_be_bytes().to_vec();
        let time = |(seconds, nanoseconds): (i64, u64)| [seconds.to_be_bytes(), nanoseconds.to_be_bytes()].concat();
        let changed = self.changed.map(time).unwrap_or_default();
        let inode = self.inode.map(|(device, inode)| [number(device), number(inode)].concat()).unwrap_or_default();
        VersionId::of(&[&number(self.size), &time(self.modified), &changed, &inode, machine])
    }

    /// The identity as text, with `-` for what the end does not tell.
    pub fn words(&self) -> String {
        let told = |words: Option<String>| words.unwrap_or_else(|| "-".to_owned());
        let time = |(seconds, nanoseconds): (i64, u64)| format!("{seconds}.{nanoseconds:09}");
        let inode = self.inode.map(|(device, inode)| format!("{device}:{inode}"));
        format!("{} {} {} {}", self.size, time(self.modified), told(self.changed.map(time)), told(inode))
    }
}

/// True when two looks at a file saw the same version, as far as both tell.
pub fn same_version(one: &Attributes, two: &Attributes) -> bool {
    let same_time = one.mtime().zip(two.mtime()).is_none_or(|(one, two)| one == two);
    one.size.unwrap_or(0) == two.size.unwrap_or(0) && same_time
}
