//! Nothing lands under a final name unless complete: hop is killed at random points of a copy, and what stands there is
//! the old content or all of the new. The next run makes it whole.
//!
//! The link is slowed so that the points are spread over login, transfer and landing. A failure names its seed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Street, run, until};
use crate::wire::{Link, somewhere};

const SIZE: usize = 12 << 20;
const RATE: u64 = 24 << 20;
/// Longer than login and transfer take, so that some runs end before they are killed.
const LONGEST: u64 = 1_200;

fn street() -> Option<Street> {
    let slow = Link { rate: Some(RATE), ..Link::default() };
    Street::plan().link(ACC_BASTION, slow.clone()).link(DELL_BASTION, slow).start()
}

/// Starts the command and kills it after a time that the seed decides.
fn kill_somewhere(mut command: Command, seed: u64) {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("start hop");
    std::thread::sleep(Duration::from_millis(somewhere(seed, 0..LONGEST)));
    // it may have ended by itself
    child.kill().expect("kill hop");
    child.wait().expect("wait for hop");
}

/// Old or new, and beside it nothing but private parts.
fn old_or_new(folder: &Path, name: &str, old: &[u8], new: &[u8], seed: u64) {
    let content = fs::read(folder.join(name)).expect("the old one stood there");
    assert!(content == old || content == new, "seed {seed}: {name} is torn: {} bytes", content.len());
    for entry in fs::read_dir(folder).expect("list") {
        let entry = entry.expect("list");
        let other = entry.file_name().into_string().expect("UTF-8");
        if other != name {
            let is_part = other.starts_with(&format!(".{name}.hop-")) && other.ends_with(".part");
            let mode = entry.metadata().expect("look").permissions().mode() & 0o777;
            assert!(is_part && mode == 0o600, "seed {seed}: {other} with mode {mode:o} beside {name}");
        }
    }
}

/// Kills copies of one large file onto an old one, then lets one end.
fn one_file(street: &Street, words: [&str; 2], folder: &Path, seeds: std::ops::Range<u64>) {
    let (old, new) = (b"old content".to_vec(), vec![0x5A; SIZE]);
    let copy = || {
        let mut command = street.hop("cp");
        command.args(words);
        command
    };
    for seed in seeds {
        fs::write(folder.join("file"), &old).expect("write the old one");
        kill_somewhere(copy(), seed);
        old_or_new(folder, "file", &old, &new, seed);
    }
    let ran = run(&mut copy());
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(fs::read(folder.join("file")).expect("it is there") == new);
    let parts = Street::parts(folder);
    assert!(parts.is_empty(), "left after a whole run: {parts:?}");
}

#[test]
fn an_upload_leaves_the_old_or_the_new() {
    let Some(street) = street() else { return };
    street.put_here("file", &vec![0x5A; SIZE]);
    street.put(ACC_PVT, "to/file", b"");
    one_file(&street, ["file", "acc-pvt:to/file"], &street.home(ACC_PVT).join("to"), 0..8);
}

#[test]
fn a_download_leaves_the_old_or_the_new() {
    let Some(street) = street() else { return };
    street.put(ACC_PVT, "file", &vec![0x5A; SIZE]);
    street.put_here("to/file", b"");
    one_file(&street, ["acc-pvt:file", "to/file"], &street.laptop().join("to"), 100..108);
}

#[test]
fn a_relay_leaves_the_old_or_the_new() {
    let Some(street) = street() else { return };
    street.put(ACC_PVT, "file", &vec![0x5A; SIZE]);
    street.put(DELL_PVT, "to/file", b"");
    one_file(&street, ["acc-pvt:file", "dell-pvt:to/file"], &street.home(DELL_PVT).join("to"), 200..208);
}

#[test]
fn a_tree_holds_only_whole_files() {
    let Some(street) = street() else { return };
    let content = |index: usize| vec![index as u8; 20_000];
    for index in 0..500 {
        street.put_here(format!("tree/f{index}"), &content(index));
    }
    let copy = || {
        let mut command = street.hop("cp");
        command.args(["-r", "tree", "acc-pvt:"]);
        command
    };
    let folder = street.home(ACC_PVT).join("tree");
    let whole = |seed: u64| {
        let entries = fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.expect("list").path());
        for path in entries.filter(|path| path.extension().is_none_or(|extension| extension != "part")) {
            let name = path.file_name().expect("a name").to_str().expect("UTF-8");
            let index: usize = name.trim_start_matches('f').parse().expect("one of ours");
            assert!(fs::read(&path).expect("read") == content(index), "seed {seed}: {name} is torn");
        }
    };
    for seed in 300..308 {
        kill_somewhere(copy(), seed);
        whole(seed);
        // the server may still be at the last requests of the killed run
        until("a folder nobody writes to any more is gone", || !folder.exists() || fs::remove_dir_all(&folder).is_ok());
    }
    let ran = run(&mut copy());
    assert_eq!(ran.code, Some(0), "{ran}");
    whole(0);
    assert_eq!(fs::read_dir(&folder).expect("list").count(), 500);
}
