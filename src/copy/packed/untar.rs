//! What does a stream of `tar` hold? [`Untar`] reads what the shell of a source says: archives (ustar, POSIX pax(1), with
//! the long names of GNU and pax), each followed by a line that says how `tar` has ended. Everything is hostile until it
//! has been compared with what was asked for. Pure.
//!
//! Memory: one file of at most [`LARGEST`] bytes, and what was pushed last.

use bytes::{Buf, Bytes, BytesMut};

use super::tar::{BLOCK, LARGEST};

/// How the line behind an archive begins. No name in an archive does: they begin with `./`.
const WORD: &[u8] = b"hop-pack ";

/// Most bytes of that line.
const LINE_MAX: usize = 64;

/// Most bytes of a long name, with what pax writes around it.
const NAME_MAX: u64 = 16 * 1024;

/// Most blocks of zeros behind an archive: `tar` fills its last record up with them.
const ZEROS_MAX: usize = 2048;

/// Most headers before an entry that only say more of it.
const EXTRAS_MAX: usize = 8;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum UntarStep {
    /// Nothing yet: more has to be pushed.
    More,
    /// An entry of the archive.
    Entry(TarEntry),
    /// The end of the archive with this number.
    End {
        /// The number of the order.
        number: u64,
        /// The exit status of `tar`.
        status: u32,
    },
}

/// An entry of the archive.
#[derive(Debug, PartialEq, Eq)]
pub struct TarEntry {
    /// The name, without `./` before it.
    pub name: Vec<u8>,
    /// Time of modification in seconds since 1970; `None` for times that the format has no digits for.
    pub modified: Option<u64>,
    /// The bytes of a regular file; `None` for anything else, which has none.
    pub data: Option<Bytes>,
}

/// It is no such stream, or one that nobody has asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

/// Reads the stream.
#[derive(Default)]
pub struct Untar {
    held: BytesMut,
    /// The next entry's name, where its header has no room for it.
    long_name: Option<Vec<u8>>,
    /// Blocks of zeros, and headers that only say more of an entry, since the last entry or end.
    zeros: usize,
    extras: usize,
}

/// A header.
struct ReadHeader {
    name: Vec<u8>,
    size: u64,
    modified: Option<u64>,
    kind: u8,
}

impl Untar {
    /// Adds what came next.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next entry or end.
    ///
    /// # Errors
    /// Where the stream is broken; it cannot be read on.
    pub fn step(&mut self) -> Result<UntarStep, Broken> {
        loop {
            if self.held.len() >= WORD.len() && self.held.starts_with(WORD) {
                return self.end();
            }
            let Some(block) = self.held.get(..BLOCK) else { return Ok(UntarStep::More) };
            if self.zeros > ZEROS_MAX || self.extras > EXTRAS_MAX {
                return Err(Broken);
            }
            if block.iter().all(|byte| *byte == 0) {
                self.held.advance(BLOCK);
                self.zeros += 1;
                continue;
            }
            let header = ReadHeader::read(block).ok_or(Broken)?;
            let most = if matches!(header.kind, b'L' | b'x' | b'g') { NAME_MAX } else { LARGEST };
            if header.size > most {
                return Err(Broken);
            }
            let size = header.size as usize;
            let length = BLOCK + size.next_multiple_of(BLOCK);
            if self.held.len() < length {
                return Ok(UntarStep::More);
            }
            let data = self.held.split_to(length).freeze().slice(BLOCK..BLOCK + size);
            self.extras += 1;
            match header.kind {
                b'L' => self.long_name = Some(data.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()),
                b'x' => self.long_name = pax_path(&data)?.or(self.long_name.take()),
                // for all that follow: no name
                b'g' => {}
                _ => {
                    (self.zeros, self.extras) = (0, 0);
                    return entry(header.named(self.long_name.take()), data);
                }
            }
        }
    }

    fn end(&mut self) -> Result<UntarStep, Broken> {
        let line = self.held.iter().take(LINE_MAX).position(|byte| *byte == b'\n');
        let Some(length) = line else {
            return if self.held.len() < LINE_MAX { Ok(UntarStep::More) } else { Err(Broken) };
        };
        let line = self.held.split_to(length + 1);
        let words = std::str::from_utf8(&line[WORD.len()..length]).ok().and_then(|words| words.split_once(' '));
        let (number, status) = words.ok_or(Broken)?;
        let number = number.parse().map_err(|_| Broken)?;
        (self.long_name, self.zeros, self.extras) = (None, 0, 0);
        Ok(UntarStep::End { number, status: status.parse().map_err(|_| Broken)? })
    }
}

/// An entry with these bytes, if it is one that a list of files may give.
fn entry(header: ReadHeader, data: Bytes) -> Result<UntarStep, Broken> {
    let data = match header.kind {
        b'0' | 0 => Some(data),
        // the second name of a file, a link or something special: the file goes by itself
        b'1'..=b'4' | b'6' if data.is_empty() => None,
        _ => return Err(Broken),
    };
    let name = header.name.strip_prefix(b"./").unwrap_or(&header.name).to_vec();
    Ok(UntarStep::Entry(TarEntry { name, modified: header.modified, data }))
}

impl ReadHeader {
    /// A header whose checksum is right.
    fn read(block: &[u8]) -> Option<ReadHeader> {
        let field = |at: usize, length: usize| &block[at..at + length];
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        // the checksum counts as blanks in itself
        let own: u64 = field(148, 8).iter().map(|byte| u64::from(*byte)).sum();
        if octal(field(148, 8))? != sum - own + 8 * u64::from(b' ') {
            return None;
        }
        let mut name = text(field(0, 100)).to_vec();
        let is_posix = field(257, 6) == b"ustar\0";
        if is_posix && block[345] != 0 {
            name = [text(field(345, 155)), b"/", &name].concat();
        }
        Some(ReadHeader { name, size: octal(field(124, 12))?, modified: octal(field(136, 12)), kind: block[156] })
    }

    fn named(self, long_name: Option<Vec<u8>>) -> ReadHeader {
        ReadHeader { name: long_name.unwrap_or(self.name), ..self }
    }
}

/// A field up to its first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number of octal digits between blanks and NULs.
fn octal(field: &[u8]) -> Option<u64> {
    let digits = text(field).trim_ascii();
    digits.iter().try_fold(0u64, |number, digit| match digit {
        b'0'..=b'7' => number.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// The value of `path` among the records of pax, each `LENGTH KEY=VALUE` and a line's end.
fn pax_path(mut records: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
    let mut path = None;
    while !records.is_empty() {
        let blank = records.iter().position(|byte| *byte == b' ').ok_or(Broken)?;
        let length = std::str::from_utf8(&records[..blank]).ok().and_then(|digits| digits.parse::<usize>().ok());
        let length = length.filter(|length| (blank + 2..=records.len()).contains(length)).ok_or(Broken)?;
        let (record, rest) = records.split_at(length);
        match record[blank + 1..length - 1].strip_prefix(b"path=") {
            Some(value) => path = Some(value.to_vec()),
            // what is said of the size here is more than a small file has
            None if record[blank + 1..].starts_with(b"size=") => return Err(Broken),
            None => {}
        }
        records = rest;
    }
    Ok(path)
}

#[cfg(test)]
mod tests;
