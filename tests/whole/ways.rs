//! A large file's way over the street, up, down or from host to host, with an old one in its place; and the seeds:
//! `HOP_SEEDS` of them for each fault that has any, or the one that `HOP_SEED` names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::invariants::Target;
use crate::pseudorandom::noise;
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Street};
use crate::wire::{Cut, Direction, How, Link, Wire};

/// Which way the data goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
    Relay,
    /// The source pushes.
    Direct,
}

/// Those whose data passes this machine.
pub const WAYS: [Way; 3] = [Way::Up, Way::Down, Way::Relay];

pub const SIZE: usize = 12 << 20;

impl Way {
    pub fn words(self) -> [&'static str; 2] {
        match self {
            Way::Up => ["file", "acc-pvt:to/file"],
            Way::Down => ["acc-pvt:file", "to/file"],
            Way::Relay | Way::Direct => ["acc-pvt:file", "dell-pvt:to/file"],
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
            Way::Direct => &[(DELL_PVT, Direction::Up)],
        }
    }

    pub fn copy(self, street: &Street) -> Command {
        let mut command = street.hop("cp");
        // what it knows of the file is traced
        command.args(["-vvv", "--progress", "none"]).args(self.route()).args(self.words());
        command
    }

    fn route(self) -> Option<&'static str> {
        match self {
            Way::Up | Way::Down => None,
            Way::Relay => Some("-3"),
            Way::Direct => Some("-R"),
        }
    }

    /// Where the file is to stand.
    pub fn destination(self, street: &Street) -> PathBuf {
        match self {
            Way::Up => street.home(ACC_PVT).join("to/file"),
            Way::Down => street.laptop().join("to/file"),
            Way::Relay | Way::Direct => street.home(DELL_PVT).join("to/file"),
        }
    }

    /// Puts the source in its place.
    pub fn furnish(self, street: &Street, content: &[u8]) {
        match self {
            Way::Up => street.put_here("file", content),
            Way::Down | Way::Relay | Way::Direct => street.put(ACC_PVT, "file", content),
        };
    }

    /// A street with links slow enough for something to happen meanwhile, with a source of this content.
    pub fn scene(self) -> Option<(Street, Vec<u8>)> {
        let street = street(Some(24 << 20))?;
        let content = content(SIZE);
        self.furnish(&street, &content);
        Some((street, content))
    }

    /// Puts an old file where the new one is to be, and takes parts away.
    pub fn target(self, street: &Street, new: &[u8]) -> Target {
        let path = self.destination(street);
        let old = b"old content".to_vec();
        if let Some(folder) = path.parent().filter(|folder| folder.exists()) {
            Street::parts(folder).iter().for_each(|part| remove(part));
        }
        match self {
            Way::Up => street.put(ACC_PVT, "to/file", &old),
            Way::Down => street.put_here("to/file", &old),
            Way::Relay | Way::Direct => street.put(DELL_PVT, "to/file", &old),
        };
        Target { path, old: Some(old), new: new.to_vec() }
    }
}

fn remove(part: &Path) {
    let removed = if part.is_dir() { fs::remove_dir_all(part) } else { fs::remove_file(part) };
    removed.expect("remove a part");
}

/// A street whose links are wires of a certain rate.
pub fn street(rate: Option<u64>) -> Option<Street> {
    let mut plan = Street::plan();
    for host in [ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT] {
        plan = plan.link(host, Link { rate, ..Link::default() });
    }
    plan.start()
}

/// The link between the two private servers, as a wire of its own: hop's sessions do not pass it.
pub struct Peering {
    pub wire: Wire,
}

impl Peering {
    pub fn start(street: &Street, rate: Option<u64>) -> Peering {
        let far = street.server(DELL_PVT).listens;
        let link = Link { rate, ..Link::default() };
        Peering { wire: Wire::start((far.ip(), 0).into(), far, link) }
    }

    /// A direct copy over it.
    pub fn copy(&self, street: &Street) -> Command {
        let mut command = Way::Direct.copy(street);
        command.arg("--peer-address").arg(self.wire.address().to_string());
        command
    }

    pub fn reset(&self, at: u64) -> Cut {
        Cut { direction: Direction::Up, at, how: How::Reset }
    }
}

/// The content of a file of this size.
pub fn content(size: usize) -> Vec<u8> {
    noise(0, size)
}

/// The seeds of one of `shares` tests: as many in all as `HOP_SEEDS` says (`200`, or `100..200` for those from the hundredth
/// on), else twenty-one; or `HOP_SEED`, where its turn is.
pub fn seeds(share: u64, shares: u64) -> impl Iterator<Item = u64> {
    let word = |name: &str| std::env::var(name).ok();
    let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("no number of seeds: {text}"));
    let all = match (word("HOP_SEED"), word("HOP_SEEDS")) {
        (Some(seed), _) => number(&seed)..number(&seed) + 1,
        (None, Some(seeds)) => match seeds.split_once("..") {
            Some((from, to)) => number(from)..number(to),
            None => 0..number(&seeds),
        },
        (None, None) => 0..21,
    };
    all.filter(move |seed| seed % shares == share)
}
