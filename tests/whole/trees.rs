//! Trees: one of two thousand cannot be read or written and the others arrive (F16); a hundred thousand files, two hundred
//! folders deep, with names of any bytes (F33).

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::invariants::{Case, Target};
use super::ran::run;
use crate::street::{ACC_PVT, DELL_PVT, Street};

const LIMIT: Duration = Duration::from_secs(110);

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set a mode");
}

/// Where a tree of small files is, and where it goes.
struct Trip {
    words: &'static [&'static str],
    from: fn(&Street) -> PathBuf,
    to: fn(&Street) -> PathBuf,
}

fn here(street: &Street) -> PathBuf {
    street.laptop().to_owned()
}

fn acc(street: &Street) -> PathBuf {
    street.home(ACC_PVT).to_owned()
}

fn dell(street: &Street) -> PathBuf {
    street.home(DELL_PVT).to_owned()
}

const UP: Trip = Trip { words: &["-r", "tree", "acc-pvt:to/"], from: here, to: acc };
const DOWN: Trip = Trip { words: &["-r", "acc-pvt:tree", "to/"], from: acc, to: here };
const OVER: Trip = Trip { words: &["-3", "-r", "acc-pvt:tree", "dell-pvt:to/"], from: acc, to: dell };
const STRAIGHT: Trip = Trip { words: &["-R", "-r", "acc-pvt:tree", "dell-pvt:to/"], from: acc, to: dell };

const FILES: usize = 2000;

impl Trip {
    fn copy(&self, street: &Street) -> Command {
        let mut command = street.hop("cp");
        command.args(self.words);
        command
    }

    /// Two thousand files in twenty folders, and nothing but a folder where they go.
    fn plant(&self, street: &Street) -> Vec<Target> {
        let (from, to) = ((self.from)(street).join("tree"), (self.to)(street).join("to/tree"));
        let mut targets = Vec::with_capacity(FILES);
        for index in 0..FILES {
            let name = format!("d{}/f{index}", index % 20);
            let (file, new) = (from.join(&name), format!("content of {index}").into_bytes());
            fs::create_dir_all(file.parent().expect("a folder")).expect("make it");
            fs::write(&file, &new).expect("write");
            targets.push(Target { path: to.join(&name), old: None, new });
        }
        (0..20).for_each(|index| fs::create_dir_all(to.join(format!("d{index}"))).expect("make it"));
        [ACC_PVT, DELL_PVT].iter().for_each(|host| street.own(host));
        targets
    }

    /// With a file or folder that nobody may touch, whose 1 or 100 files stay away; then with its old mode.
    fn all_but(&self, street: &Street, targets: &[Target], (path, mode): (&Path, u32), missing: usize) {
        let before = fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        set_mode(path, mode);
        let ran = run(&mut self.copy(street));
        let arrived = targets.iter().filter(|target| target.path.exists()).count();
        let name = format!("F16 {}", self.words.join(" "));
        assert_eq!((ran.code, arrived), (Some(23), targets.len() - missing), "{name}: {ran}");
        let counts = format!("{missing} file{} failed, {arrived} files arrived", if missing == 1 { "" } else { "s" });
        let says = ["permission denied", path.file_name().and_then(|name| name.to_str()).expect("UTF-8"), &counts];
        let again = || {
            set_mode(path, before);
            self.copy(street)
        };
        Case { name, street, targets, ran: &ran, limit: LIMIT, says: &says, again: &again }.holds();
    }
}

#[test]
fn f16_one_of_two_thousand_cannot_be_read() {
    for trip in [DOWN, OVER, STRAIGHT] {
        let Some(street) = Street::start() else { return };
        let targets = trip.plant(&street);
        let secret = street.home(ACC_PVT).join("tree/d1/f1001");
        trip.all_but(&street, &targets, (&secret, 0o000), 1);
    }
}

#[test]
fn f16_one_folder_of_twenty_cannot_be_written() {
    if !crate::skips::need_root("root can give a folder to another user") {
        return;
    }
    for trip in [UP, OVER, STRAIGHT] {
        let Some(street) = Street::start() else { return };
        let targets = trip.plant(&street);
        // another user's: to one of its own the user would lend what it takes
        let shut = (trip.to)(&street).join("to/tree/d7");
        std::os::unix::fs::chown(&shut, Some(0), Some(0)).expect("give it to root");
        set_mode(&shut, 0o777);
        trip.all_but(&street, &targets, (&shut, 0o555), FILES / 20);
    }
}

/// As the specification has it, or a tenth.
fn many() -> usize {
    if super::is_full() { 100_000 } else { 10_000 }
}

#[test]
fn f33_a_hundred_thousand_files_two_hundred_deep_with_any_names() {
    let Some(street) = Street::start() else { return };
    let (from, to) = (street.laptop().join("tree"), street.home(ACC_PVT).join("to/tree"));
    let mut targets = Vec::new();
    let mut add = |path: &Path, content: Vec<u8>| {
        let file = from.join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("make it");
        fs::write(&file, &content).expect("write");
        targets.push(Target { path: to.join(path), old: None, new: content });
    };
    for index in 0..many() {
        let name =
            [format!("d{}/", index % 97).into_bytes(), index.to_string().into_bytes(), vec![0xff, 0xfe]].concat();
        add(Path::new(&OsString::from_vec(name)), index.to_string().into_bytes());
    }
    let deep: PathBuf = (0..200).map(|index| format!("deep{index}")).collect();
    add(&deep.join("n".repeat(255)), b"found".to_vec());
    for name in crate::end_to_end::names::odd_names() {
        add(&Path::new("odd").join(&name), name.as_os_str().as_encoded_bytes().to_vec());
    }
    street.put(ACC_PVT, "to/beside", b"not to be touched");
    let copy = || {
        let mut command = street.hop("cp");
        command.args(["-rp", "--update", "tree", "acc-pvt:to/"]);
        command
    };
    let ran = run(&mut copy());
    assert_eq!(ran.code, Some(0), "{ran}");
    let name = format!("F33 {} files", targets.len());
    Case { name, street: &street, targets: &targets, ran: &ran, limit: LIMIT, says: &[], again: &copy }.holds();
}
