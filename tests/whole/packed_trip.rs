//! Many small files that go together, up or down ([`Trip`]), and the same without going together: both must be alike.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use super::ran::{Ran, run};
use crate::direct::tools::Tools;
use crate::end_to_end::{same, tree};
use crate::pseudorandom::noise;
use crate::street::{ACC_PVT, Plan, Street};
use crate::wire::Direction;

const FILES: usize = 1000;

/// What is in a file that stays as it is.
const UNTOUCHED: &[u8] = b"not to be touched";

/// Which way the files go, between this machine and acc-pvt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trip {
    Up,
    Down,
}

impl Trip {
    /// The folder that paths at the source are in.
    fn from(self, street: &Street) -> &Path {
        match self {
            Trip::Up => street.laptop(),
            Trip::Down => street.home(ACC_PVT),
        }
    }

    /// The folder that paths at the destination are in.
    fn to(self, street: &Street) -> &Path {
        match self {
            Trip::Up => street.home(ACC_PVT),
            Trip::Down => street.laptop(),
        }
    }

    /// The tree that is copied.
    pub fn source(self, street: &Street) -> PathBuf {
        self.from(street).join("tree")
    }

    /// The copy.
    pub fn target(self, street: &Street) -> PathBuf {
        self.to(street).join("to/tree")
    }

    pub fn direction(self) -> Direction {
        match self {
            Trip::Up => Direction::Up,
            Trip::Down => Direction::Down,
        }
    }

    /// What `-v` says once files go together.
    pub fn together(self) -> &'static str {
        match self {
            Trip::Up => "small files go together",
            Trip::Down => "small files come together",
        }
    }

    /// A file at the source.
    pub fn put(self, street: &Street, path: String, content: &[u8]) {
        match self {
            Trip::Up => street.put_here(path, content),
            Trip::Down => street.put(ACC_PVT, path, content),
        };
    }

    /// The folder that the tree goes into, with a file in it.
    pub fn put_beside(self, street: &Street) {
        match self {
            Trip::Up => street.put(ACC_PVT, "to/beside", UNTOUCHED),
            Trip::Down => street.put_here("to/beside", UNTOUCHED),
        };
    }

    /// Nothing but the tree is in that folder, and the file is as it was.
    pub fn leaves_nothing(self, street: &Street, what: &str) {
        let to = self.to(street).join("to");
        assert_eq!(Street::parts(&to), Vec::<PathBuf>::new(), "{what}");
        assert_eq!(fs::read(to.join("beside")).ok().as_deref(), Some(UNTOUCHED), "{what}");
    }

    /// A tree of small files, with everything that a name, a mode or a size can be.
    pub fn furnish(self, street: &Street) -> PathBuf {
        for index in 0..FILES {
            self.put(street, format!("tree/d{}/f{index}", index % 17), &noise(index as u64, index * 7 % 9000));
        }
        for index in 0..100 {
            self.put(street, format!("tree/few/d{index}/f{}", index % 3), &noise(index, 900));
            self.put(street, format!("tree/few/d{index}/below/0"), &noise(index, index as usize));
        }
        self.put(street, "tree/d3/large".to_owned(), &noise(5, 3 << 20));
        let root = self.source(street);
        let odd: [&[u8]; 7] = [b"it's $(id)\n -rf", b"-x", b"\xff\xfe", b"a\\b", b" ", b"$x`y`\"", &[b'n'; 255]];
        for (index, name) in odd.into_iter().enumerate() {
            fs::write(root.join("d1").join(OsStr::from_bytes(name)), noise(7, index * 600)).expect("write it");
        }
        fs::hard_link(root.join("d1/f1"), root.join("d1/same")).expect("a second name");
        symlink("f1", root.join("d1/link")).expect("a link");
        let long = root.join("empty/below").join("d".repeat(200));
        fs::create_dir_all(&long).expect("make it");
        for index in 0..20 {
            fs::write(long.join(format!("{index}-{}", "n".repeat(200))), noise(9, 1 + index)).expect("write it");
        }
        fs::write(root.join("empty/not"), b"").expect("write it");
        street.own(ACC_PVT);
        for (index, mode) in [0o600, 0o755, 0o444, 0o666, 0o4711].into_iter().enumerate() {
            let path = root.join(format!("d2/f{}", 2 + 17 * index));
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set the mode");
        }
        self.put_beside(street);
        root
    }

    /// Of the tree `source`, given as a word of the command line, to `target`.
    fn command(self, street: &Street, more: &[&str], target: &str) -> Command {
        let mut command = street.hop("cp");
        command.args(["-r", "-v", "--progress", "none"]).args(more);
        match self {
            Trip::Up => command.args(["tree".to_owned(), format!("acc-pvt:{target}")]),
            Trip::Down => command.args(["acc-pvt:tree", target]),
        };
        command
    }

    /// The copy, with more words.
    pub fn copy(self, street: &Street, more: &[&str]) -> Command {
        self.command(street, more, "to/")
    }

    /// It has arrived, nothing is left, and files went together, or not. The copy is removed.
    pub fn arrives(self, street: &Street, ran: &Ran, together: bool) {
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_eq!(ran.stderr.contains(self.together()), together, "{ran}");
        same(&tree(&self.to(street).join("by-itself")), &tree(&self.target(street)));
        self.leaves_nothing(street, &ran.to_string());
        fs::remove_dir_all(self.target(street)).expect("it is there");
    }

    /// Copies the same tree, each file by itself: what it should be like.
    pub fn by_itself(self, street: &Street, more: &[&str]) {
        let there = self.to(street).join("by-itself");
        if there.exists() {
            fs::remove_dir_all(&there).expect("remove it");
        }
        let ran = run(&mut self.command(street, &[&["--no-pack"], more].concat(), "by-itself"));
        assert!(ran.code == Some(0) && !ran.stderr.contains(self.together()), "{ran}");
        assert_eq!(tree(&there).len(), tree(&self.source(street)).len());
    }

    /// A furnished street of this plan.
    pub fn on(self, plan: Plan) -> Option<Street> {
        let street = plan.start()?;
        self.furnish(&street);
        self.by_itself(&street, &[]);
        Some(street)
    }

    /// All as if each file had gone by itself, with and without `-p`, which keeps times.
    pub fn is_as_by_itself(self, street: &Street, ways: &[&[&str]]) {
        for more in ways {
            self.by_itself(street, more);
            self.arrives(street, &run(&mut self.copy(street, more)), true);
        }
        let ran = run(&mut self.copy(street, &["-p"]));
        assert_eq!(ran.code, Some(0), "{ran}");
        let times = [self.source(street), self.target(street)].map(|tree| seconds(&tree.join("d5")));
        assert_eq!(times[0], times[1], "-p keeps times");
    }

    /// A host with these programs and no others, and one without a shell.
    pub fn goes_by_itself_without_a_shell_or_tar(self) {
        let none = Tools::new();
        for name in ["sh", "cat", "ls", "dd", "sha256sum"] {
            let Some(real) = crate::skips::need(name) else { return };
            symlink(real, none.path().join(name)).expect("a link");
        }
        let path = format!("SetEnv PATH={}", none.path().display());
        for line in [path, "ForceCommand internal-sftp".to_owned()] {
            let Some(street) = self.on(Street::plan().sshd(ACC_PVT, line)) else { return };
            self.arrives(&street, &run(&mut self.copy(&street, &[])), false);
        }
    }
}

/// The names in a folder, and their times.
fn seconds(folder: &Path) -> Vec<(PathBuf, u64)> {
    let entries = fs::read_dir(folder).expect("list it").map(|entry| entry.expect("list it"));
    let mut times: Vec<_> = entries
        .map(|entry| {
            let time = entry.metadata().expect("look at it").modified().expect("a time");
            (entry.file_name().into(), time.duration_since(UNIX_EPOCH).expect("after").as_secs())
        })
        .collect();
    times.sort();
    times
}
