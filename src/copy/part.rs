//! What is a file called while it is not complete? `.NAME.hop-ID.part`, beside the final name. The [`Id`] says which
//! source goes to which target, which version of the source it is, and which run writes it, so that no two runs share a
//! part file. Pure.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

use super::name::Name;

/// Longest name of Linux's file systems, in bytes.
const NAME_MAX: usize = 255;

/// Hexadecimal digits of an ID.
const DIGITS: usize = 32;

/// Hexadecimal digits of an ID in an earlier format, whose part files are no longer used.
const OLD_DIGITS: usize = 16;

/// Identifies a source and its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PairId(u32);

/// Identifies a version of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VersionId(u32);

/// Identifies a run: 64 random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunId(pub u64);

/// What a part file's name says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id {
    /// The source and target.
    pub pair: PairId,
    /// The version of the source.
    pub version: VersionId,
    /// The run that writes it.
    pub run: RunId,
}

impl PairId {
    /// For a source (its host's alias and path) and its target's path.
    pub fn of(host: &str, source: &[u8], target: &[u8]) -> PairId {
        PairId(digest(&[host.as_bytes(), source, target]))
    }
}

impl VersionId {
    /// For all that is known of a source.
    pub fn of(fields: &[&[u8]]) -> VersionId {
        VersionId(digest(fields))
    }
}

impl RunId {
    /// A new random number.
    ///
    /// # Errors
    /// When the system has no random bytes to give.
    pub fn draw() -> Result<RunId, std::io::Error> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|_| std::io::Error::other("no random bytes can be had"))?;
        Ok(RunId(u64::from_be_bytes(bytes)))
    }

    /// The number for the `beginning`th part file, from 0, that the run with this number makes for one file.
    pub fn of_beginning(self, beginning: u32) -> RunId {
        let more = |half: u8| digest(&[&self.0.to_be_bytes(), &beginning.to_be_bytes(), &[half]]);
        match beginning {
            0 => self,
            _ => RunId(u64::from(more(0)) << 32 | u64::from(more(1))),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}{:08x}{:016x}", self.pair.0, self.version.0, self.run.0)
    }
}

impl Id {
    fn read(digits: &[u8]) -> Option<Id> {
        let text = std::str::from_utf8(digits).ok().filter(|text| text.len() == DIGITS)?;
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = |range| u64::from_str_radix(text.get(range).filter(|_| is_hex)?, 16).ok();
        let short = |range| number(range).and_then(|number| u32::try_from(number).ok());
        Some(Id { pair: PairId(short(0..8)?), version: VersionId(short(8..16)?), run: RunId(number(16..32)?) })
    }
}

/// The first 32 bits of the SHA-256 over fields. Their lengths are included, so that different fields never give the
/// same input.
fn digest(fields: &[&[u8]]) -> u32 {
    let mut hash = Context::new(&SHA256);
    for field in fields {
        hash.update(&(field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    let digest = hash.finish();
    digest.as_ref()[..4].iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// The part file's name for the file `name`.
pub fn part(name: &Name, id: &Id) -> Name {
    beside(&stem(name), &format!(".hop-{id}.part"))
}

/// The name under which the old file waits where a server cannot replace it in one step.
pub fn backup(name: &Name) -> Name {
    beside(&stem(name), ".hop-bak")
}

/// Whether this may be the name of a part file or backup, of any version of hop.
pub fn is_part(name: &Name) -> bool {
    let bytes = name.as_bytes();
    let is_old = |digits: &[u8]| digits.len() == OLD_DIGITS && digits.iter().all(u8::is_ascii_hexdigit);
    let is_backup = bytes.starts_with(b".") && bytes.ends_with(b".hop-bak");
    is_backup || split(bytes).is_some_and(|(_, digits)| Id::read(digits).is_some() || is_old(digits))
}

/// What a part file's name says: the [`stem`] of its file's name, and its ID.
pub fn read(name: &Name) -> Option<(&[u8], Id)> {
    let (stem, digits) = split(name.as_bytes())?;
    Some((stem, Id::read(digits)?))
}

/// STEM and DIGITS of `.STEM.hop-DIGITS.part`.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = name.strip_prefix(b".")?.strip_suffix(b".part")?;
    let dash = inside.iter().rposition(|byte| *byte == b'-')?;
    Some((inside[..dash].strip_suffix(b".hop")?, &inside[dash + 1..]))
}

/// What represents `name` in the names of its part files. A long name is cut, and its hash keeps it apart from others.
pub fn stem(name: &Name) -> Vec<u8> {
    let bytes = name.as_bytes();
    let room = NAME_MAX - 1 - ".hop-.part".len() - DIGITS;
    match bytes.len() <= room {
        true => bytes.to_vec(),
        false => {
            let hash = format!("{:08x}", digest(&[bytes]));
            [&bytes[..room - hash.len()], hash.as_bytes()].concat()
        }
    }
}

fn beside(stem: &[u8], ending: &str) -> Name {
    let whole = [b".", stem, ending.as_bytes()].concat();
    Name::vet(&whole).expect("a vetted name with more around it is one component still")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> Name {
        Name::vet(text.as_bytes()).unwrap()
    }

    fn id() -> Id {
        Id { pair: PairId::of("h", b"/a", b"/b"), version: VersionId::of(&[b"v", b"m"]), run: RunId(u64::MAX / 3) }
    }

    #[test]
    fn a_part_is_named_after_its_file_and_says_whose_it_is() {
        let part = part(&name("x.iso"), &id());
        let text = String::from_utf8(part.as_bytes().to_vec()).unwrap();
        assert!(text.starts_with(".x.iso.hop-") && text.ends_with("5555555555555555.part"), "{text}");
        assert_eq!(text.len(), ".x.iso.hop-.part".len() + DIGITS);
        assert_eq!(read(&part), Some((&b"x.iso"[..], id())));
        assert_eq!(backup(&name("x")).as_bytes(), b".x.hop-bak");
    }

    #[test]
    fn parts_are_known_by_their_names() {
        assert!(is_part(&part(&name("x"), &id())) && is_part(&backup(&name("x"))));
        let old = name(".x.hop-0123456789abcdef.part");
        assert!(is_part(&old) && read(&old).is_none());
        let strangers = [
            ".part",
            "x.part",
            ".x.hop-1.part",
            "x.hop-0123456789abcdef.part",
            ".x.hop-0123456789abcdeg.part",
            ".x.hop-0123456789abcdef0123456789abcdeg.part",
            ".x.hop-+123456789abcdef0123456789abcdef.part",
        ];
        for other in strangers {
            assert!(!is_part(&name(other)) && read(&name(other)).is_none(), "{other}");
        }
    }

    #[test]
    fn what_is_begun_anew_has_a_number_of_its_own() {
        let of = |beginning| id().run.of_beginning(beginning);
        assert_eq!(of(0), id().run);
        assert!(of(1) != of(0) && of(2) != of(1) && of(2) != of(0) && of(1) == of(1));
    }

    #[test]
    fn another_field_is_another_pair_or_version() {
        let pairs = [("i", "/a", "/b"), ("h", "/c", "/b"), ("h", "/a", "/d"), ("h/", "a", "/b")];
        let is_other = |(h, s, t): &(&str, &str, &str)| PairId::of(h, s.as_bytes(), t.as_bytes()) != id().pair;
        assert!(pairs.iter().all(is_other));
        let versions: [&[&[u8]]; 3] = [&[b"w", b"m"], &[b"v"], &[b"vm", b""]];
        assert!(versions.iter().all(|fields| VersionId::of(fields) != id().version));
    }

    proptest! {
        #[test]
        fn a_part_always_fits_and_never_is_its_file(bytes in proptest::collection::vec(1u8.., 1..256)) {
            if let Ok(name) = Name::vet(&bytes) {
                let part = part(&name, &id());
                prop_assert!(part.as_bytes().len() <= NAME_MAX && part != name);
                prop_assert_eq!(read(&part), Some((&stem(&name)[..], id())));
            }
        }
    }

    #[test]
    fn long_names_that_differ_at_the_end_stay_apart() {
        let long = |last: &str| name(&("n".repeat(250) + last));
        assert_ne!(part(&long("1"), &id()), part(&long("2"), &id()));
        assert_ne!(backup(&long("1")), backup(&long("2")));
    }
}
