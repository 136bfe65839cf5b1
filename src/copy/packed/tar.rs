//! A file in a stream of `tar`: [`append`] writes its header (ustar, POSIX pax(1)) and its bytes. A path that a header has
//! no room for stands before it, as GNU's `tar` has it and every other reads it. Pure.

/// Bytes of a block of the stream: a header, or a piece of a file, filled up with zeros.
pub const BLOCK: usize = 512;

/// Most bytes of a file that goes together with others.
pub const LARGEST: u64 = 64 * 1024;

/// Blocks that `tar` may wait for before it looks at the first of them (its blocking factor).
const RECORD: usize = 20 * BLOCK;

/// Most bytes of a path in a header.
const PATH: usize = 100;

/// The kind of a header whose file is the path of the next one, and its path.
const LONG_PATH: u8 = b'L';
const LONG_PATH_NAME: &[u8] = b"././@LongLink";

/// What a header says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// The file's path.
    pub path: &'a [u8],
    /// Length in bytes.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// Time of modification, in seconds since 1970.
    pub modified: u32,
}

impl Header<'_> {
    fn block(&self, kind: u8) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        put(&mut block, 0, &self.path[..self.path.len().min(PATH)]);
        put(&mut block, 100, format!("{:07o}", self.mode & 0o7777).as_bytes());
        // the owner, who is not asked for
        put(&mut block, 108, b"0000000\x000000000");
        put(&mut block, 124, format!("{:011o}", self.size).as_bytes());
        put(&mut block, 136, format!("{:011o}", self.modified).as_bytes());
        // the checksum counts as blanks in itself
        put(&mut block, 148, b"        ");
        block[156] = kind;
        put(&mut block, 257, b"ustar\x0000");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        put(&mut block, 148, format!("{sum:06o}\0 ").as_bytes());
        block
    }
}

fn put(block: &mut [u8; BLOCK], at: usize, bytes: &[u8]) {
    block[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Appends a regular file whose bytes are `data`, of which the header tells the length.
pub fn append(stream: &mut Vec<u8>, header: Header<'_>, data: &[u8]) {
    if header.path.len() > PATH {
        let path = [header.path, b"\0"].concat();
        let before = Header { path: LONG_PATH_NAME, size: path.len() as u64, mode: 0, modified: 0 };
        member(stream, before, LONG_PATH, &path);
    }
    member(stream, header, b'0', data);
}

fn member(stream: &mut Vec<u8>, header: Header<'_>, kind: u8, data: &[u8]) {
    stream.extend_from_slice(&header.block(kind));
    stream.extend_from_slice(data);
    stream.resize(stream.len().next_multiple_of(BLOCK), 0);
}

/// Bytes that a file must have to fill a stream of `sent` bytes up to where `tar` looks at it.
pub fn filling(sent: u64) -> usize {
    let (record, block) = (RECORD as u64, BLOCK as u64);
    let size = (sent + block).next_multiple_of(record) - sent - block;
    size as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::io::Write;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Stdio};

    #[test]
    fn the_systems_tar_unpacks_a_stream_up_to_its_filler_while_it_is_open() {
        let dir = tempfile::tempdir().unwrap();
        let mut tar = Command::new("tar");
        let mut tar = tar.args(["-xpf", "-"]).current_dir(dir.path()).stdin(Stdio::piped()).spawn().unwrap();
        let mut stream = Vec::new();
        let header = |path, size, mode| Header { path, size, mode, modified: 1_234_567_890 };
        let (odd, long) = (b"its name\n\\is $odd".as_slice(), "l".repeat(255));
        append(&mut stream, header(b"7", 5, 0o640), b"seven");
        append(&mut stream, header(odd, 0, 0o600), b"");
        append(&mut stream, header(long.as_bytes(), 513, 0o755), &[b'x'; 513]);
        let zeros = vec![0; filling(stream.len() as u64)];
        append(&mut stream, header(b"9", zeros.len() as u64, 0o600), &zeros);
        assert_eq!(stream.len() % RECORD, 0);
        let mut input = tar.stdin.take().unwrap();
        input.write_all(&stream).unwrap();
        while !dir.path().join("9").exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let read = |name: &[u8]| std::fs::read(dir.path().join(OsStr::from_bytes(name))).unwrap();
        assert_eq!((read(b"7"), read(odd).len()), (b"seven".to_vec(), 0));
        assert_eq!(read(long.as_bytes()), [b'x'; 513]);
        let told = std::fs::metadata(dir.path().join("7")).unwrap();
        let modified = told.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        assert_eq!((told.permissions().mode() & 0o7777, modified), (0o640, 1_234_567_890));
        drop(input);
        assert!(tar.wait().unwrap().success());
    }

    #[test]
    fn a_stream_is_filled_up_to_where_a_record_ends() {
        for sent in [0, 512, 9_728, 10_240, 10_240 * 3 + 512] {
            let (mut stream, zeros) = (Vec::new(), vec![0; filling(sent)]);
            append(&mut stream, Header { path: b"9", size: zeros.len() as u64, mode: 0o600, modified: 0 }, &zeros);
            assert_eq!((sent + stream.len() as u64) % RECORD as u64, 0, "{sent}");
        }
    }
}
