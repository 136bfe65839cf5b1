//! The rows of one folder, in little memory: [`FolderRows`]. They are kept as bytes, one after the other, and read again one by
//! one to be shown. Pure.

use crate::sftp::{Attributes, Entry};

use super::table::EntryRow;

/// Bytes that the rows of a folder may take.
pub const MOST_BYTES: usize = 24 << 20;

/// What a row takes beside its own bytes, while the list of places grows.
const BESIDE: usize = 16;

/// Bytes that are asked for at once.
const BLOCK: usize = 1 << 20;

const HAS_SIZE: u8 = 1;
const HAS_OWNER: u8 = 2;
const HAS_PERMISSIONS: u8 = 4;
const HAS_TIME: u8 = 8;
const NAMES_OWNER: u8 = 16;

/// Whether the names of owners are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owners {
    /// They are shown.
    Named,
    /// They are not.
    NotShown,
}

/// The entries of a folder.
pub struct FolderRows {
    owners: Owners,
    blocks: Vec<Vec<u8>>,
    places: Vec<RowPlace>,
    bytes: usize,
}

/// Where a row begins.
#[derive(Clone, Copy)]
struct RowPlace {
    block: u32,
    at: u32,
}

impl FolderRows {
    /// None yet.
    pub fn new(owners: Owners) -> FolderRows {
        FolderRows { owners, blocks: Vec::new(), places: Vec::new(), bytes: 0 }
    }

    /// `false` when there is no room for it.
    pub fn add(&mut self, entry: Entry) -> bool {
        let row = written(&EntryRow::of(entry), self.owners);
        self.bytes += row.len() + BESIDE;
        if self.bytes > MOST_BYTES {
            return false;
        }
        if self.blocks.last().is_none_or(|block| block.len() + row.len() > block.capacity()) {
            self.blocks.push(Vec::with_capacity(BLOCK.max(row.len())));
        }
        let number = self.blocks.len() - 1;
        let block = &mut self.blocks[number];
        // neither is longer than all of it may be
        self.places.push(RowPlace { block: number as u32, at: block.len() as u32 });
        block.extend_from_slice(&row);
        true
    }

    /// Puts them in the order of their names.
    pub fn sort(&mut self) {
        let blocks = &self.blocks;
        self.places.sort_by(|one, other| RowBytes::at(blocks, *one).text().cmp(RowBytes::at(blocks, *other).text()));
    }

    /// Leaves those out whose names do not pass.
    pub fn keep_if(&mut self, passes: impl Fn(&[u8]) -> bool) {
        let blocks = &self.blocks;
        self.places.retain(|place| passes(RowBytes::at(blocks, *place).text()));
    }

    /// One after the other.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = EntryRow> + Clone {
        self.places.iter().map(|place| RowBytes::at(&self.blocks, *place).row())
    }
}

/// A row as bytes; where it links to is not known yet.
fn written(row: &EntryRow, owners: Owners) -> Vec<u8> {
    let Attributes { size, owner, permissions, .. } = row.attributes;
    let mut out = Vec::with_capacity(row.name.len() + 64);
    put_text(&mut out, &row.name);
    let has = |is_there: bool, flag: u8| if is_there { flag } else { 0 };
    let time = row.attributes.mtime();
    let flags = [
        has(size.is_some(), HAS_SIZE),
        has(owner.is_some(), HAS_OWNER),
        has(permissions.is_some(), HAS_PERMISSIONS),
        has(time.is_some(), HAS_TIME),
        has(owners == Owners::Named, NAMES_OWNER),
    ];
    out.push(flags.into_iter().fold(0, |all, flag| all | flag));
    let numbers = [owner.map(|owner| owner.0), owner.map(|owner| owner.1), permissions, time];
    size.into_iter().chain(numbers.into_iter().flatten().map(u64::from)).for_each(|number| put(&mut out, number));
    if owners == Owners::Named {
        put_text(&mut out, row.owner.0.as_bytes());
        put_text(&mut out, row.owner.1.as_bytes());
    }
    out
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put(out, text.len() as u64);
    out.extend_from_slice(text);
}

/// Seven bits a byte, the lowest first; the last one is below 128.
fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 128 {
        out.push((number & 127) as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}

/// What was written, from here on.
struct RowBytes<'a>(&'a [u8]);

impl<'a> RowBytes<'a> {
    fn at(blocks: &'a [Vec<u8>], place: RowPlace) -> RowBytes<'a> {
        RowBytes(&blocks[place.block as usize][place.at as usize..])
    }

    fn number(&mut self) -> u64 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return number;
            }
            shift += 7;
        }
    }

    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().expect("what was written is whole");
        self.0 = rest;
        *first
    }

    fn text(&mut self) -> &'a [u8] {
        let length = self.number() as usize;
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        text
    }

    /// All of a row.
    fn row(mut self) -> EntryRow {
        let name = self.text().to_vec();
        let flags = self.byte();
        let mut next = |flag| (flags & flag != 0).then(|| self.number());
        let short = |number: Option<u64>| number.and_then(|number| u32::try_from(number).ok());
        let size = next(HAS_SIZE);
        let owner = short(next(HAS_OWNER)).zip(short(next(HAS_OWNER)));
        let permissions = short(next(HAS_PERMISSIONS));
        let times = short(next(HAS_TIME)).map(|time| (0, time));
        let mut word = || match flags & NAMES_OWNER {
            0 => String::new(),
            _ => String::from_utf8_lossy(self.text()).into_owned(),
        };
        let names = (word(), word());
        EntryRow { name, attributes: Attributes { size, owner, permissions, times }, owner: names, link: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &[u8], attributes: Attributes) -> Entry {
        Entry { name: name.to_vec(), longname: b"-rw-r--r-- 1 me us 3 May 1 12:34 x".to_vec(), attributes }
    }

    #[test]
    fn rows_are_read_as_they_were_added_and_in_order() {
        let most = Attributes {
            size: Some(u64::MAX),
            owner: Some((0, u32::MAX)),
            permissions: Some(0o100_644),
            times: Some((0, 1_714_566_840)),
        };
        let long = "n".repeat(3 << 20);
        for owners in [Owners::Named, Owners::NotShown] {
            let mut rows = FolderRows::new(owners);
            for (name, attributes) in
                [(&b"b\xff"[..], most), (b"", Attributes::default()), (long.as_bytes(), most), (b".hidden", most)]
            {
                assert!(rows.add(entry(name, attributes)));
            }
            rows.sort();
            rows.keep_if(|name| !name.starts_with(b"."));
            let read: Vec<EntryRow> = rows.iter().collect();
            let names: Vec<&[u8]> = read.iter().map(|row| &row.name[..]).collect();
            assert_eq!(names, [&b""[..], b"b\xff", long.as_bytes()]);
            assert_eq!((read[0].attributes, read[1].attributes), (Attributes::default(), most));
            let names = if owners == Owners::Named { ("me", "us") } else { ("", "") };
            assert!(read.iter().all(|row| (&row.owner.0[..], &row.owner.1[..]) == names), "{owners:?}");
        }
    }

    #[test]
    fn there_is_room_for_many_and_an_end() {
        let mut rows = FolderRows::new(Owners::NotShown);
        let added =
            (0..usize::MAX).take_while(|n| rows.add(entry(format!("file-{n}").as_bytes(), Attributes::default())));
        assert!((500_000..2_000_000).contains(&added.count()));
    }
}
