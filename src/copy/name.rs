//! One vetted name of a folder's entry: [`Name`]. Whatever a server calls a file is checked here before it becomes part
//! of a path; nothing else makes a `Name`, so that an unvetted one cannot be joined to a
//! [`Place`](super::place::Place).

use thiserror::Error;

/// A name that stays inside its folder: not empty, not `.` or `..`, without `/` and NUL. Any other bytes may stand in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Vec<u8>);

/// A name that would lead out of its folder, or that no system call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadName {
    /// No bytes at all.
    #[error("an empty name")]
    Empty,
    /// `.` or `..`.
    #[error("a name that stands for a folder above")]
    Dots,
    /// A `/` inside.
    #[error("a name with a slash in it")]
    Slash,
    /// A NUL inside.
    #[error("a name with a NUL in it")]
    Nul,
    /// Longer than [`NAME_MAX`].
    #[error("a name of more than {NAME_MAX} bytes")]
    Long,
}

/// Longest name in bytes. File systems allow 255 bytes, or 255 UTF-16 units, which are 765 bytes at most.
const NAME_MAX: usize = 1024;

impl Name {
    /// Vets `bytes`.
    pub fn vet(bytes: &[u8]) -> Result<Name, BadName> {
        match bytes {
            b"" => Err(BadName::Empty),
            b"." | b".." => Err(BadName::Dots),
            _ if bytes.contains(&b'/') => Err(BadName::Slash),
            _ if bytes.contains(&0) => Err(BadName::Nul),
            _ if bytes.len() > NAME_MAX => Err(BadName::Long),
            _ => Ok(Name(bytes.to_vec())),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_leave_their_folder_are_refused() {
        assert_eq!(Name::vet(b""), Err(BadName::Empty));
        assert_eq!(Name::vet(b"."), Err(BadName::Dots));
        assert_eq!(Name::vet(b".."), Err(BadName::Dots));
        assert_eq!(Name::vet(b"../x"), Err(BadName::Slash));
        assert_eq!(Name::vet(b"/etc/passwd"), Err(BadName::Slash));
        assert_eq!(Name::vet(b"a\0b"), Err(BadName::Nul));
        assert_eq!(Name::vet(&[b'a'; NAME_MAX + 1]), Err(BadName::Long));
    }

    #[test]
    fn odd_names_are_names() {
        for odd in [&b"..."[..], b"-rf", b" ", b"a\nb", b"\xff\xfe", b"'\"$;", b".x"] {
            assert_eq!(Name::vet(odd).unwrap().as_bytes(), odd);
        }
    }

    proptest! {
        #[test]
        fn a_vetted_name_is_one_component(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            use std::os::unix::ffi::OsStrExt;
            if let Ok(name) = Name::vet(&bytes) {
                let path = std::path::Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
                let parts: Vec<_> = path.components().collect();
                prop_assert!(matches!(parts[..], [std::path::Component::Normal(_)]));
            }
        }
    }
}
