//! What is in a marker? A line for each file that has landed: [`there_words`] and [`source_words`] make its two halves,
//! [`LandedFiles`] remembers the lines of earlier runs. Pure.
//!
//! ```text
//! hop tree 1 -p
//! 48211 1764400000 48211 1764400000.120000000 1764400007.500000000 65025:1311 a\x20folder/f
//! ```
//!
//! The first line holds the options that decide what lands. Then comes a line for each file. Its first half is what was
//! at the destination when the file was closed: bytes, and seconds of modification (`-` where they were not told). Its
//! second half is the source: bytes, modification and change in seconds and nanoseconds, device and inode (`-` where
//! they were not told), and the path below the folder, in which each byte that is not a plain letter, digit or sign is
//! `\xNN`.
//!
//! A marker is not trusted, and nothing in it is parsed: to ask about a file is to make the line that it should have
//! now. Either that line is there, to its end, or the file is copied again.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};

use crate::sftp::Attributes;

/// Most lines remembered: 9 MiB. Files of further lines are copied again.
const MOST: usize = 400_000;

/// Most bytes of a line that is read: a path of 4 KiB, each byte written as four, and some room.
const LONGEST: usize = 32 << 10;

/// The first line of a marker, with the options that decide what lands.
pub fn header(options: &[&str]) -> String {
    ["hop tree 1"].iter().chain(options).copied().collect::<Vec<_>>().join(" ")
}

/// The first half of a line; `None` where the end does not tell the file's size.
pub fn there_words(there: &Attributes) -> Option<String> {
    let mtime = there.mtime().map_or_else(|| "-".to_owned(), |mtime| mtime.to_string());
    Some(format!("{} {mtime}", there.size?))
}

/// The second half of a line, for the file at `path` below the folder, of a version in the words of
/// `FileIdentity::words`.
pub fn source_words(version: &str, path: &[u8]) -> String {
    let mut words = format!("{version} ");
    for byte in path {
        match byte {
            b'\\' | 0..=b' ' | 0x7f.. => drop(write!(words, "\\x{byte:02x}")),
            plain => words.push(char::from(*plain)),
        }
    }
    words
}

/// The lines of earlier runs, as hashes under a key of this run: of each second half, the hash of its first half.
pub struct LandedFiles {
    header: String,
    key: RandomState,
    files: HashMap<u64, u64>,
}

impl LandedFiles {
    /// No lines yet; only markers that begin with `header` are read.
    pub fn under(header: &str) -> LandedFiles {
        LandedFiles { header: header.to_owned(), key: RandomState::new(), files: HashMap::new() }
    }

    /// Reads one marker from its beginning.
    pub fn reader(&mut self) -> LineReader<'_> {
        LineReader { into: self, line: Vec::new(), is_first: true, is_too_long: false }
    }

    /// Whether there is a line with this second half.
    pub fn knows(&self, source: &str) -> bool {
        self.files.contains_key(&self.key.hash_one(source.as_bytes()))
    }

    /// Whether there is the line with these two halves.
    pub fn has(&self, there: &str, source: &str) -> bool {
        let found = self.files.get(&self.key.hash_one(source.as_bytes()));
        found.is_some_and(|found| *found == self.key.hash_one(there.as_bytes()))
    }

    fn insert(&mut self, line: &[u8]) {
        let mut spaces = line.iter().enumerate().filter(|(_, byte)| **byte == b' ');
        if let Some((at, _)) = spaces.nth(1) {
            let (there, source) = (&line[..at], &line[at + 1..]);
            self.files.insert(self.key.hash_one(source), self.key.hash_one(there));
        }
    }
}

/// One marker that is being read. A line that was cut off has no end, and does not count.
pub struct LineReader<'a> {
    into: &'a mut LandedFiles,
    line: Vec<u8>,
    is_first: bool,
    is_too_long: bool,
}

impl LineReader<'_> {
    /// Takes the next bytes; `false` when nothing that follows can be used.
    pub fn take(&mut self, bytes: &[u8]) -> bool {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, has_ended) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            self.is_too_long |= self.line.len() + text.len() > LONGEST;
            if !self.is_too_long {
                self.line.extend_from_slice(text);
            }
            if has_ended && !self.end_line() {
                return false;
            }
        }
        true
    }

    fn end_line(&mut self) -> bool {
        let (line, is_too_long) = (std::mem::take(&mut self.line), std::mem::take(&mut self.is_too_long));
        match std::mem::take(&mut self.is_first) {
            true => return line == self.into.header.as_bytes(),
            false if is_too_long => {}
            false => self.into.insert(&line),
        }
        self.into.files.len() < MOST
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VERSION: &str = "5 1000.000000001 - -";

    fn read(text: &[u8]) -> LandedFiles {
        let mut landed = LandedFiles::under(&header(&["-p"]));
        // in pieces of any length
        let mut reader = landed.reader();
        text.chunks(7).all(|chunk| reader.take(chunk));
        landed
    }

    fn marker(lines: &[(&str, &[u8])]) -> Vec<u8> {
        let lines = lines.iter().map(|(there, path)| format!("{there} {}\n", source_words(VERSION, path)));
        (header(&["-p"]) + "\n" + &lines.collect::<String>()).into_bytes()
    }

    #[test]
    fn a_file_has_landed_where_its_whole_line_is_there() {
        let landed = read(&marker(&[("5 7", b"a b/\xff\n"), ("5 -", b"c")]));
        let source = |path: &[u8]| source_words(VERSION, path);
        assert!(landed.has("5 7", &source(b"a b/\xff\n")) && landed.has("5 -", &source(b"c")));
        assert!(landed.knows(&source(b"c")) && !landed.knows(&source(b"d")));
        assert!(!landed.has("5 8", &source(b"a b/\xff\n")) && !landed.has("6 -", &source(b"c")));
        assert!(!landed.knows(&source_words("5 1000.000000002 - -", b"c")), "another version");
        assert_eq!(source(b"a b\\/\xff\n"), "5 1000.000000001 - - a\\x20b\\x5c/\\xff\\x0a");
    }

    #[test]
    fn a_line_that_was_cut_off_does_not_count_and_other_options_are_another_copy() {
        let whole = marker(&[("5 7", b"abc")]);
        let source = source_words(VERSION, b"abc");
        assert!(read(&whole).knows(&source));
        for cut in 0..whole.len() {
            let landed = read(&whole[..cut]);
            assert!((1..4).all(|length| !landed.knows(&source_words(VERSION, &b"abc"[..length]))), "{cut}");
        }
        let other = String::from_utf8(whole).unwrap().replace("tree 1 -p", "tree 1");
        assert!(!read(other.as_bytes()).knows(&source));
    }

    #[test]
    fn a_line_without_end_takes_no_memory_and_hides_no_other() {
        let mut landed = LandedFiles::under("h");
        let mut reader = landed.reader();
        assert!(reader.take(b"h\n"));
        for _ in 0..1000 {
            assert!(reader.take(&[b'x'; 1000]));
            assert!(reader.line.len() <= LONGEST);
        }
        assert!(reader.take(b"\n5 7 rest\n"));
        assert!(landed.has("5 7", "rest"));
    }

    #[test]
    fn no_more_lines_are_remembered_than_there_is_room_for() {
        let mut landed = LandedFiles::under("h");
        let mut reader = landed.reader();
        reader.take(b"h\n");
        let taken = (0..).take_while(|number| reader.take(format!("5 7 {number}\n").as_bytes())).count();
        assert_eq!((taken, landed.files.len()), (MOST - 1, MOST));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_passed_over(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut landed = LandedFiles::under("");
            let mut reader = landed.reader();
            reader.take(b"\n");
            reader.take(&bytes);
        }

        #[test]
        fn two_paths_are_never_written_alike(
            one in proptest::collection::vec(any::<u8>(), 1..20),
            two in proptest::collection::vec(any::<u8>(), 1..20),
        ) {
            let (one_words, two_words) = (source_words(VERSION, &one), source_words(VERSION, &two));
            prop_assert_eq!(one == two, one_words == two_words);
            prop_assert!(!one_words[VERSION.len() + 1..].contains([' ', '\n', '\0']));
        }
    }
}
