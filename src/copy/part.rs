//! What is a file called while it is not complete? `.NAME.hop-ID.part`, beside the final name; ID binds it to one version
//! of one source. Pure.

use aws_lc_rs::digest::{Context, SHA256};

use super::name::Name;
use crate::sftp::Attributes;

/// Longest name of Linux's file systems, in bytes.
const NAME_MAX: usize = 255;

/// Sixteen hexadecimal digits: which version of which source goes where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id(String);

impl Id {
    /// Of a source (its host's alias, path, size and time of modification) and the path it is to have.
    pub fn of(host: &str, path: &[u8], version: &Attributes, target: &[u8]) -> Id {
        let size = version.size.unwrap_or(0).to_be_bytes();
        let modified = version.mtime().unwrap_or(0).to_be_bytes();
        let mut hash = Context::new(&SHA256);
        for field in [host.as_bytes(), path, &size, &modified, target] {
            // lengths keep two fields from being read as others
            hash.update(&(field.len() as u64).to_be_bytes());
            hash.update(field);
        }
        Id(hash.finish().as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// The name of the part of the file `name`.
pub fn part(name: &Name, id: &Id) -> Name {
    beside(name, &format!(".hop-{}.part", id.0))
}

/// The name under which old content waits where a server cannot replace a file in one step.
pub fn backup(name: &Name) -> Name {
    beside(name, ".hop-bak")
}

/// Whether something by this name may be a run's part or backup.
pub fn is_part(name: &Name) -> bool {
    let name = name.as_bytes();
    let hex = |id: &[u8]| id.len() == 16 && id.iter().all(u8::is_ascii_hexdigit);
    let id = name.strip_suffix(b".part").and_then(|name| name.last_chunk::<21>()).map(|end| end.split_at(5));
    name.starts_with(b".") && (name.ends_with(b".hop-bak") || id.is_some_and(|(hop, id)| hop == b".hop-" && hex(id)))
}

/// `.NAME` and an ending; a long NAME is cut, in which case its hash keeps it apart from others.
fn beside(name: &Name, ending: &str) -> Name {
    let bytes = name.as_bytes();
    let room = NAME_MAX - 1 - ending.len();
    let stem = match bytes.len() <= room {
        true => bytes.to_vec(),
        false => {
            let hash = aws_lc_rs::digest::digest(&SHA256, bytes);
            let tail: String = hash.as_ref()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
            [&bytes[..room - tail.len()], tail.as_bytes()].concat()
        }
    };
    let whole = [b".", &stem[..], ending.as_bytes()].concat();
    Name::vet(&whole).expect("a vetted name with more around it is one component still")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(size: u64, mtime: u32) -> Attributes {
        Attributes { size: Some(size), times: Some((0, mtime)), ..Attributes::default() }
    }

    #[test]
    fn a_part_is_named_after_its_file() {
        let id = Id::of("acc-pvt", b"/a", &version(1, 2), b"/b");
        let part = part(&Name::vet(b"x.iso").unwrap(), &id);
        let text = String::from_utf8(part.as_bytes().to_vec()).unwrap();
        assert!(text.starts_with(".x.iso.hop-") && text.ends_with(".part"), "{text}");
        assert_eq!(text.len(), ".x.iso.hop-.part".len() + 16);
        assert_eq!(backup(&Name::vet(b"x").unwrap()).as_bytes(), b".x.hop-bak");
    }

    #[test]
    fn parts_are_known_by_their_names() {
        let name = |text: &str| Name::vet(text.as_bytes()).unwrap();
        let ours = part(&name("x"), &Id::of("h", b"/a", &version(1, 2), b"/b"));
        assert!(is_part(&ours) && is_part(&backup(&name("x"))));
        for other in [".part", "x.part", ".x.hop-1.part", "x.hop-0123456789abcdef.part", ".x.hop-0123456789abcdeg.part"]
        {
            assert!(!is_part(&name(other)), "{other}");
        }
    }

    #[test]
    fn each_of_the_five_makes_another_id() {
        let base = Id::of("h", b"/a", &version(1, 2), b"/b");
        let others = [
            Id::of("i", b"/a", &version(1, 2), b"/b"),
            Id::of("h", b"/c", &version(1, 2), b"/b"),
            Id::of("h", b"/a", &version(3, 2), b"/b"),
            Id::of("h", b"/a", &version(1, 3), b"/b"),
            Id::of("h", b"/a", &version(1, 2), b"/d"),
            Id::of("h/", b"a", &version(1, 2), b"/b"),
        ];
        assert!(others.iter().all(|other| *other != base));
        assert_eq!(base, Id::of("h", b"/a", &version(1, 2), b"/b"));
    }

    proptest! {
        #[test]
        fn a_part_always_fits_and_never_is_its_file(bytes in proptest::collection::vec(1u8.., 1..256)) {
            if let Ok(name) = Name::vet(&bytes) {
                let part = part(&name, &Id::of("", b"", &Attributes::default(), b""));
                prop_assert!(part.as_bytes().len() <= NAME_MAX);
                prop_assert!(part != name);
            }
        }
    }

    #[test]
    fn long_names_that_differ_at_the_end_stay_apart() {
        let name = |last: &str| Name::vet(("n".repeat(250) + last).as_bytes()).unwrap();
        assert_ne!(backup(&name("1")), backup(&name("2")));
    }
}
