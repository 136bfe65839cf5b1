//! A file in a stream of `tar`: [`append`] writes its header (ustar, POSIX pax(1)) and its bytes. The names are
//! numbers, so that no name of a file is ever read by `tar`. Pure.

/// Bytes of a block of the stream: a header, or a piece of a file, filled up with zeros.
pub const BLOCK: usize = 512;

/// Most bytes of a file that goes together with others.
pub const LARGEST: u64 = 64 * 1024;

/// Blocks that `tar` may wait for before it looks at the first of them (its blocking factor).
const RECORD: usize = 20 * BLOCK;

/// What a header says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The file's name: this number.
    pub number: u64,
    /// Length in bytes.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// Time of modification, in seconds since 1970.
    pub modified: u32,
}

impl Header {
    fn block(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        put(&mut block, 0, self.number.to_string().as_bytes());
        put(&mut block, 100, format!("{:07o}", self.mode & 0o7777).as_bytes());
        // the owner, who is not asked for
        put(&mut block, 108, b"0000000\x000000000");
        put(&mut block, 124, format!("{:011o}", self.size).as_bytes());
        put(&mut block, 136, format!("{:011o}", self.modified).as_bytes());
        // the checksum counts as blanks in itself; then the kind: a regular file
        put(&mut block, 148, b"        0");
        put(&mut block, 257, b"ustar\x0000");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        put(&mut block, 148, format!("{sum:06o}\0 ").as_bytes());
        block
    }
}

fn put(block: &mut [u8; BLOCK], at: usize, bytes: &[u8]) {
    block[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Appends a file whose bytes are `data`, of which the header tells the length.
pub fn append(stream: &mut Vec<u8>, header: Header, data: &[u8]) {
    stream.extend_from_slice(&header.block());
    stream.extend_from_slice(data);
    stream.resize(stream.len().next_multiple_of(BLOCK), 0);
}

/// A file of zeros with this `number` that fills a stream of `sent` bytes up to where `tar` looks at it.
pub fn filler(number: u64, sent: u64) -> Vec<u8> {
    let record = RECORD as u64;
    let size = (sent + BLOCK as u64).next_multiple_of(record) - sent - BLOCK as u64;
    let mut stream = Vec::new();
    append(&mut stream, Header { number, size, mode: 0o600, modified: 0 }, &vec![0; size as usize]);
    stream
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Stdio};

    #[test]
    fn the_systems_tar_unpacks_a_stream_up_to_its_filler_while_it_is_open() {
        let dir = tempfile::tempdir().unwrap();
        let mut tar = Command::new("tar");
        let mut tar = tar.args(["-xpf", "-"]).current_dir(dir.path()).stdin(Stdio::piped()).spawn().unwrap();
        let mut stream = Vec::new();
        let header = |number, size, mode| Header { number, size, mode, modified: 1_234_567_890 };
        append(&mut stream, header(7, 5, 0o640), b"seven");
        append(&mut stream, header(8, 0, 0o600), b"");
        append(&mut stream, header(u64::MAX, 513, 0o755), &[b'x'; 513]);
        stream.extend(filler(9, stream.len() as u64));
        assert_eq!(stream.len() % RECORD, 0);
        let mut input = tar.stdin.take().unwrap();
        input.write_all(&stream).unwrap();
        while !dir.path().join("9").exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let read = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
        assert_eq!((read("7"), read("8").len()), (b"seven".to_vec(), 0));
        assert_eq!(read(&u64::MAX.to_string()), [b'x'; 513]);
        let told = std::fs::metadata(dir.path().join("7")).unwrap();
        let modified = told.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        assert_eq!((told.permissions().mode() & 0o7777, modified), (0o640, 1_234_567_890));
        drop(input);
        assert!(tar.wait().unwrap().success());
    }

    #[test]
    fn a_filler_ends_where_a_record_does() {
        for sent in [0, 512, 9_728, 10_240, 10_240 * 3 + 512] {
            assert_eq!((sent + filler(1, sent).len() as u64) % RECORD as u64, 0, "{sent}");
        }
    }
}
