//! Servers, folders and trees that are not tidy: what may not be written, set or replaced, and what times do not tell. A copy
//! arrives as well as scp's, `sync` converges as rsync does, and what is lacking is said.

mod in_place;
mod kinds;
mod read_only;
mod refused;
mod repaired;
mod times;
mod words;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::pseudorandom::noise;
use crate::street::{ACC_PVT, DELL_PVT, Plan, Street};
use crate::whole::ran::{Ran, run};
use crate::whole::ways::Way;

/// A folder `from` on one end and `to` on the other, neither of them root's.
struct Untidy {
    street: Street,
    way: Way,
}

impl Untidy {
    fn new(way: Way) -> Option<Untidy> {
        Untidy::with(way, Street::plan())
    }

    fn with(way: Way, plan: Plan) -> Option<Untidy> {
        let untidy = Untidy { street: plan.start()?, way };
        if !untidy.street.own_homes() {
            return None;
        }
        fs::create_dir(untidy.from("")).expect("make the source");
        Some(untidy)
    }

    /// A path below the source.
    fn from(&self, path: &str) -> PathBuf {
        let home = match self.way {
            Way::Up => self.street.laptop(),
            Way::Down | Way::Relay | Way::Direct => self.street.home(ACC_PVT),
        };
        home.join("from").join(path)
    }

    /// A path below the destination.
    fn to(&self, path: &str) -> PathBuf {
        let home = match self.way {
            Way::Up => self.street.home(ACC_PVT),
            Way::Down => self.street.laptop(),
            Way::Relay | Way::Direct => self.street.home(DELL_PVT),
        };
        home.join("to").join(path)
    }

    /// Gives all files at both ends to the user.
    fn own(&self) {
        [ACC_PVT, DELL_PVT].iter().for_each(|host| self.street.own(host));
    }

    /// `cp` or `sync` with these words, and the two folders behind them.
    fn command(&self, verb: &str, words: &[&str]) -> Command {
        self.own();
        let ends = match self.way {
            Way::Up => ["from", "acc-pvt:to"],
            Way::Down => ["acc-pvt:from", "to"],
            Way::Relay | Way::Direct => ["acc-pvt:from", "dell-pvt:to"],
        };
        // rsync's slash: what is in it
        let source = if verb == "sync" { format!("{}/", ends[0]) } else { ends[0].to_owned() };
        let mut command = self.street.hop_as_user(verb);
        command.args((self.way == Way::Relay).then_some("-3")).args(words).args([source.as_str(), ends[1]]);
        command
    }

    fn run(&self, verb: &str, words: &[&str]) -> Ran {
        run(&mut self.command(verb, words))
    }
}

fn write(file: &Path, content: &[u8]) {
    fs::create_dir_all(file.parent().expect("below home")).expect("make the folders");
    fs::write(file, content).expect("write a file");
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set a mode");
}

fn set_time(path: &Path, seconds: i64) {
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::empty()).expect("set a time");
}

fn mtime(path: &Path) -> i64 {
    fs::metadata(path).expect("it is there").mtime()
}

/// A content whose length is its own, too.
fn content(seed: u64) -> Vec<u8> {
    noise(seed, 3000 + seed as usize)
}
