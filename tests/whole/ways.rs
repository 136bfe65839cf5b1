//! A large file's way over the street, up, down or from host to host, with an old one in its place; and the seeds.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::invariants::Target;
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Street};
use crate::wire::{Direction, Link};

/// Which way the data goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
    Relay,
}

pub const WAYS: [Way; 3] = [Way::Up, Way::Down, Way::Relay];

pub const SIZE: usize = 12 << 20;

impl Way {
    pub fn words(self) -> [&'static str; 2] {
        match self {
            Way::Up => ["file", "acc-pvt:to/file"],
            Way::Down => ["acc-pvt:file", "to/file"],
            Way::Relay => ["acc-pvt:file", "dell-pvt:to/file"],
        }
    }

    /// The links the data passes, and in which direction.
    pub fn links(self) -> &'static [(&'static str, Direction)] {
        match self {
            Way::Up => &[(ACC_BASTION, Direction::Up), (ACC_PVT, Direction::Up)],
            Way::Down => &[(ACC_BASTION, Direction::Down), (ACC_PVT, Direction::Down)],
            Way::Relay => &[
                (ACC_BASTION, Direction::Down),
                (ACC_PVT, Direction::Down),
                (DELL_BASTION, Direction::Up),
                (DELL_PVT, Direction::Up),
            ],
        }
    }

    pub fn copy(self, street: &Street) -> Command {
        let mut command = street.hop("cp");
        // what it knows of the file is traced
        command.args(["-vvv", "--progress", "none"]).args((self == Way::Relay).then_some("-3")).args(self.words());
        command
    }

    fn destination(self, street: &Street) -> PathBuf {
        match self {
            Way::Up => street.home(ACC_PVT).join("to/file"),
            Way::Down => street.laptop().join("to/file"),
            Way::Relay => street.home(DELL_PVT).join("to/file"),
        }
    }

    /// Puts the source in its place.
    pub fn furnish(self, street: &Street, content: &[u8]) {
        match self {
            Way::Up => street.put_here("file", content),
            Way::Down | Way::Relay => street.put(ACC_PVT, "file", content),
        };
    }

    /// Puts an old file where the new one is to be, and takes parts away.
    pub fn target(self, street: &Street, new: &[u8]) -> Target {
        let path = self.destination(street);
        let old = b"old content".to_vec();
        if let Some(folder) = path.parent().filter(|folder| folder.exists()) {
            Street::parts(folder).iter().for_each(|part| fs::remove_file(part).expect("remove a part"));
        }
        match self {
            Way::Up => street.put(ACC_PVT, "to/file", &old),
            Way::Down => street.put_here("to/file", &old),
            Way::Relay => street.put(DELL_PVT, "to/file", &old),
        };
        Target { path, old: Some(old), new: new.to_vec() }
    }
}

/// A street whose links are wires of a certain rate.
pub fn street(rate: Option<u64>) -> Option<Street> {
    let mut plan = Street::plan();
    for host in [ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT] {
        plan = plan.link(host, Link { rate, ..Link::default() });
    }
    plan.start()
}

/// Bytes that differ everywhere and are never zero for long.
pub fn content(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&(state | 0x0101_0101_0101_0101).to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// The seeds of one of `shares` tests: `HOP_SEEDS` in all, else twenty-one.
pub fn seeds(share: u64, shares: u64) -> impl Iterator<Item = u64> {
    let all = std::env::var("HOP_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(21);
    (0..all).filter(move |seed| seed % shares == share)
}
