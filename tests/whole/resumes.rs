//! Large files: what a part is worth that is longer than the band of 64 MiB. Below `length - band` every byte was
//! acknowledged, and is compared as a whole; within the band each block speaks for itself, where both ends can tell SHA-256
//! without the bytes travelling. A part that can be read back is compared block by block.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::time::Duration;

use super::invariants::{Case, Target};
use super::ran::{Ran, run, run_while};
use super::ways::{WAYS, Way, content};
use crate::street::{ACC_PVT, Street};
use crate::wire::{Cut, How, Link};

const MIB: u64 = 1 << 20;

const SIZE: u64 = 208 * MIB;
/// Bytes that have passed when it is cut.
const LATE: u64 = 176 * MIB;
const BAND: u64 = 64 * MIB;
const BLOCK: u64 = 255 * 1024;

/// The same everywhere but for a number in each page.
fn large() -> Vec<u8> {
    let piece = content(4 << 20);
    let mut bytes = piece.repeat((SIZE / (4 * MIB)) as usize);
    for (number, page) in bytes.chunks_mut(4096).enumerate() {
        page[..8].copy_from_slice(&(number as u64 | 1 << 63).to_le_bytes());
    }
    bytes
}

/// A way, furnished.
struct Scene {
    way: Way,
    street: Street,
    target: Target,
}

impl Scene {
    fn set(way: Way, street: Option<Street>) -> Option<Scene> {
        let (street, content) = (street?, large());
        way.furnish(&street, &content);
        let target = way.target(&street, &content);
        Some(Scene { way, street, target })
    }

    /// Runs until so many bytes have passed the last link, and kills it.
    fn killed_at(&self, byte: u64) -> Ran {
        let (host, direction) = self.way.links()[self.way.links().len() - 1];
        let wire = self.street.server(host).wire.as_ref().expect("the last link is a wire");
        let before = wire.bytes(direction);
        let ran = run_while(&mut self.way.copy(&self.street), |child, _| {
            if wire.bytes(direction) > before + byte {
                child.kill().expect("kill hop");
            }
        });
        assert_eq!(ran.signal, Some(9), "{:?}: it ended before: {ran}", self.way);
        ran
    }

    fn part(&self) -> PathBuf {
        let parts = Street::parts(self.target.path.parent().expect("a folder"));
        parts.into_iter().next().expect("a part was left")
    }

    /// Leaves the part of a run that was killed, as if `length` bytes of it had been written, with other content in it
    /// at `spoilt`.
    fn left(&self, length: u64, spoilt: std::ops::Range<u64>) {
        self.killed_at(2 * MIB);
        let part = fs::OpenOptions::new().write(true).open(self.part()).expect("open the part");
        part.write_all_at(&self.target.new[..length as usize], 0).expect("write the part");
        part.set_len(length).expect("cut the part");
        let other: Vec<u8> =
            self.target.new[spoilt.start as usize..spoilt.end as usize].iter().map(|byte| !byte).collect();
        part.write_all_at(&other, spoilt.start).expect("spoil it");
    }

    /// The next run arrives; what it says of the part, and the bytes it moved.
    fn goes_on(&self) -> (String, u64) {
        let ran = run(self.way.copy(&self.street).arg("--json"));
        assert_eq!(ran.code, Some(0), "{:?}: {ran}", self.way);
        let there = fs::read(&self.target.path).expect("it arrived");
        assert!(there == self.target.new, "{:?}: other content: {ran}", self.way);
        let because = ran.stdout.lines().find_map(|line| line.split_once("\"because\":\"")?.1.split('"').next());
        (because.unwrap_or_else(|| panic!("nothing is said of the part: {ran}")).to_owned(), ran.summary("bytes"))
    }
}

const BY_HASH: &str = "its SHA-256 is that of the source";
const BY_READING: &str = "all of it was read back and compared";
const BY_SAMPLES: &str = "samples of it were read at the source and compared";
const DIFFERS: &str = "started over: the part differs from the source";

/// A street whose last link for this way is a wire.
fn street(way: Way) -> Option<Street> {
    Street::plan().link(way.links()[way.links().len() - 1].0, Link::default()).start()
}

/// Likewise, and `acc-pvt` has no shell.
fn without_shell() -> Option<Street> {
    Street::plan().sshd(ACC_PVT, "ForceCommand internal-sftp").link(ACC_PVT, Link::default()).start()
}

#[test]
fn a_large_file_that_is_killed_late_is_not_sent_again() {
    for way in WAYS {
        let Some(scene) = Scene::set(way, street(way)) else { return };
        let ran = scene.killed_at(LATE);
        let again = || way.copy(&scene.street);
        let (name, targets, limit) = (format!("F1 large {way:?}"), &[scene.target], Duration::from_secs(75));
        let after = Case { name, street: &scene.street, targets, ran: &ran, limit, says: &[], again: &again }.holds();
        assert!(after.acknowledged > LATE - BAND, "{way:?}: only {} bytes were known of", after.acknowledged);
    }
}

#[test]
fn a_large_file_that_is_cut_late_goes_on() {
    let way = Way::Relay;
    let Some(scene) = Scene::set(way, street(way)) else { return };
    let (host, direction) = way.links()[way.links().len() - 1];
    let wire = scene.street.server(host).wire.as_ref().expect("the last link is a wire");
    wire.arm(Some(Cut { direction, at: LATE, how: How::Reset }));
    let ran = run(way.copy(&scene.street).arg("--json"));
    assert!(ran.code == Some(0) && wire.is_cut(), "{ran}");
    assert_eq!(ran.summary("bytes"), SIZE, "what was acknowledged was sent again: {ran}");
    assert!(fs::read(&scene.target.path).expect("it arrived") == scene.target.new, "other content");
}

#[test]
fn a_hole_within_the_band_is_filled_and_the_rest_kept() {
    let hole = LATE - 36 * MIB..LATE - 33 * MIB;
    // neither end is here
    let Some(scene) = Scene::set(Way::Relay, street(Way::Relay)) else { return };
    scene.left(LATE, hole);
    let (because, moved) = scene.goes_on();
    let missing = SIZE - LATE + 3 * MIB;
    assert_eq!(because, BY_HASH);
    // the blocks at both ends of the hole, and the one that the part's end cuts
    assert!((missing..=missing + 3 * BLOCK).contains(&moved), "{moved} bytes moved of {missing} missing");
}

#[test]
fn other_content_before_the_band_is_never_gone_on_from() {
    let Some(scene) = Scene::set(Way::Down, street(Way::Down)) else { return };
    scene.left(LATE, 5 * MIB..5 * MIB + 1);
    assert_eq!(scene.goes_on(), (DIFFERS.to_owned(), SIZE));
}

#[test]
fn a_destination_without_a_shell_has_its_part_read_back() {
    let Some(scene) = Scene::set(Way::Up, without_shell()) else { return };
    let hole = LATE - 36 * MIB..LATE - 33 * MIB;
    scene.left(LATE, hole);
    let (because, moved) = scene.goes_on();
    let missing = SIZE - LATE + 3 * MIB;
    assert_eq!(because, BY_READING);
    assert!((missing..=missing + 3 * BLOCK).contains(&moved), "{moved} bytes moved of {missing} missing");
    // nothing is taken on trust: not even what was acknowledged long ago
    scene.left(LATE, 5 * MIB..5 * MIB + 1);
    let (because, moved) = scene.goes_on();
    let missing = SIZE - LATE;
    assert_eq!(because, BY_READING);
    assert!((missing..=missing + 2 * BLOCK).contains(&moved), "{moved} bytes moved of {missing} missing");
}

#[test]
fn from_a_source_without_a_shell_the_band_is_sent_again() {
    let Some(scene) = Scene::set(Way::Down, without_shell()) else { return };
    scene.left(LATE, LATE - 36 * MIB..LATE - 33 * MIB);
    let (because, moved) = scene.goes_on();
    let missing = SIZE - LATE + BAND;
    assert_eq!(because, BY_SAMPLES);
    assert!((missing..=missing + BLOCK).contains(&moved), "{moved} bytes moved of {missing} missing");
}
