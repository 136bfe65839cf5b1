//! Streams of every `tar` that is here, and streams that no honest `tar` writes.

use std::process::{Command, Stdio};

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::tar::{self, Header};
use super::*;

/// All that a stream says, pushed in pieces of this length.
fn read(stream: &[u8], piece: usize) -> Result<Vec<UntarStep>, Broken> {
    let (mut untar, mut steps) = (Untar::default(), Vec::new());
    for bytes in stream.chunks(piece) {
        untar.push(bytes);
        loop {
            match untar.step()? {
                UntarStep::More => break,
                step => steps.push(step),
            }
            assert!(untar.held.len() <= stream.len());
        }
        assert!(untar.held.len() < 2 * (LARGEST as usize + BLOCK) + piece, "no more is held than one file");
    }
    Ok(steps)
}

fn file(name: &str, data: &[u8]) -> UntarStep {
    let data = Some(Bytes::copy_from_slice(data));
    UntarStep::Entry(TarEntry { name: name.as_bytes().to_vec(), modified: Some(1_234_567_890), data })
}

/// A file called `7` with these bytes.
fn seven(data: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    tar::append(
        &mut stream,
        Header { path: b"7", size: data.len() as u64, mode: 0o640, modified: 1_234_567_890 },
        data,
    );
    stream
}

/// The same with one field of its header changed, and the checksum right again.
fn changed(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut stream = seven(b"seven");
    stream[at..at + bytes.len()].copy_from_slice(bytes);
    stream[148..156].copy_from_slice(b"        ");
    let sum: u32 = stream[..BLOCK].iter().map(|byte| u32::from(*byte)).sum();
    stream[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    stream
}

#[test]
fn what_was_written_is_read() {
    let stream = [seven(b"seven"), seven(b""), vec![0; 1024], b"hop-pack 3 0\n".to_vec(), seven(&[b'x'; 513])].concat();
    let all = [file("7", b"seven"), file("7", b""), UntarStep::End { number: 3, status: 0 }, file("7", &[b'x'; 513])];
    for piece in [1, 7, 512, 100_000] {
        assert_eq!(read(&stream, piece).unwrap(), all);
    }
}

#[test]
fn archives_of_every_tar_that_is_here_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let long = format!("{}/{}", "d".repeat(200), "n".repeat(200));
    std::fs::create_dir(dir.path().join("d".repeat(200))).unwrap();
    let when = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_234_567_890);
    let names = ["it's", "-x", "\u{e4} b", &long];
    for (index, name) in names.iter().enumerate() {
        std::fs::write(dir.path().join(name), vec![b'a'; index * 700]).unwrap();
        std::fs::File::options().append(true).open(dir.path().join(name)).unwrap().set_modified(when).unwrap();
    }
    let list: String = names.iter().map(|name| format!("./{name}\n")).collect();
    std::fs::write(dir.path().join("list"), list).unwrap();
    let mut tried = 0;
    for tar in ["tar", "tar --format=posix", "tar --format=ustar", "busybox tar", "bsdtar", "toybox tar"] {
        let line = format!("{tar} -cf - -T list 2>/dev/null && printf 'hop-pack 1 0\\n'");
        let said =
            Command::new("sh").args(["-c", &line]).current_dir(dir.path()).stdin(Stdio::null()).output().unwrap();
        if !said.status.success() {
            continue;
        }
        tried += 1;
        let steps = read(&said.stdout, 4096).unwrap();
        let mut all: Vec<UntarStep> =
            names.iter().enumerate().map(|(index, name)| file(name, &vec![b'a'; index * 700])).collect();
        all.push(UntarStep::End { number: 1, status: 0 });
        // times of pax are elsewhere
        assert_eq!(steps, all, "{tar}");
    }
    assert!(tried >= 2, "there is a tar");
}

#[test]
fn what_nobody_asked_for_ends_the_stream() {
    for (stream, why) in [
        (b"welcome to acc-pvt, this is no archive. ".repeat(20), "chatter"),
        (changed(124, b"00000200001\0"), "a file of more than 64 KiB"),
        (changed(124, b"77777777777\0"), "a file of 8 GiB"),
        (changed(124, b"\x80\0\0\0\0\0\0\0\0\0\0\x05"), "a size that is not octal"),
        (changed(124, b"-0000000005\0"), "a size below nothing"),
        (changed(156, b"5"), "a folder"),
        (changed(156, b"S"), "a sparse file"),
        (changed(156, b"1"), "a link with bytes"),
        (seven(b"seven").into_iter().map(|byte| byte ^ 1).collect(), "a checksum that is wrong"),
        ([b"hop-pack ".to_vec(), vec![b'1'; 100]].concat(), "an end without an end"),
        (b"hop-pack x 0\n".to_vec(), "a number that is none"),
        (b"hop-pack 1\n".to_vec(), "no status"),
        (changed(156, b"x"), "records of pax that are none"),
        (vec![0; 2 << 20], "zeros without end"),
        (changed(156, b"g").repeat(20), "headers without end"),
    ] {
        assert!(read(&stream, 512).is_err(), "{why}");
    }
}

#[test]
fn what_is_no_file_has_no_bytes() {
    for kind in [b"1", b"2", b"3", b"4", b"6"] {
        let mut stream = changed(156, kind);
        stream.truncate(BLOCK);
        stream = [&stream[..124], b"00000000000\0", &stream[136..]].concat();
        stream[148..156].copy_from_slice(b"        ");
        let sum: u32 = stream.iter().map(|byte| u32::from(*byte)).sum();
        stream[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let [UntarStep::Entry(entry)] = &read(&stream, 512).unwrap()[..] else { panic!("an entry") };
        assert_eq!(entry.data, None);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_alike_in_any_pieces(bytes in vec(any::<u8>(), 0..3000), at in 0usize..1500, piece in 1usize..700) {
        let mut stream = seven(&[b'y'; 700]);
        stream.extend(b"hop-pack 1 0\n");
        let end = (at + bytes.len()).min(stream.len());
        if at < end {
            stream[at..end].copy_from_slice(&bytes[..end - at]);
        }
        prop_assert_eq!(read(&stream, piece), read(&stream, stream.len()));
    }
}
