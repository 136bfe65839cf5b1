//! Destinations that take no more: full disks (F13, F14), limits on a file's size and quotas (F15), and disks that say so
//! only at the end, in flushing, closing or renaming (F13, F20). The old content stays, and it is said what is wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::io::Errno;
use tempfile::TempDir;

use super::invariants::{Case, Target};
use super::ran::run;
use super::ways::content;
use crate::skips::{need, need_root};
use crate::street::{ACC_PVT, DELL_PVT, Street};

const SIZE: usize = 3 << 20;
/// Room for an old one and a new one.
const DISK: u32 = 7;

/// The fault must come through within this.
const LIMIT: Duration = Duration::from_secs(75);

/// Whose disk it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Up,
    Relay,
    Direct,
    /// This machine.
    Here,
}

impl To {
    fn host(self) -> &'static str {
        if self == To::Up { ACC_PVT } else { DELL_PVT }
    }

    fn trail(self) -> &'static str {
        match self {
            To::Up => "acc-pvt: laptop > acc-bastion > acc-pvt: ",
            To::Relay | To::Direct => "dell-pvt: laptop > dell-bastion > dell-pvt: ",
            To::Here => "disk/f",
        }
    }

    /// What it knows of the file is traced.
    fn words(self) -> Vec<&'static str> {
        let words: &[&str] = match self {
            To::Up => &["f", "acc-pvt:disk/f"],
            To::Relay => &["-3", "acc-pvt:f", "dell-pvt:disk/f"],
            To::Direct => &["-R", "acc-pvt:f", "dell-pvt:disk/f"],
            To::Here => &["acc-pvt:f", "disk/f"],
        };
        [&["-vvv", "--progress", "none"], words].concat()
    }

    fn furnish(self, street: &Street, content: &[u8]) {
        match self {
            To::Up => street.put_here("f", content),
            _ => street.put(ACC_PVT, "f", content),
        };
    }
}

/// A folder that is a file system of so many MiB of its own, as long as this lives.
struct Small(PathBuf);

impl Small {
    fn mount(folder: PathBuf, mebibytes: u32) -> Small {
        fs::create_dir_all(&folder).expect("a place for it");
        let options = format!("size={mebibytes}m,mode=755");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&folder).status();
        assert!(mount.is_ok_and(|status| status.success()), "root can mount a tmpfs");
        Small(folder)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let done = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(done.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

/// A disk with an old file on it, and what takes its room.
struct Disk {
    folder: PathBuf,
    _here: Option<Small>,
}

impl Disk {
    fn of(to: To, street: &Street) -> Disk {
        match to {
            To::Here => {
                let folder = street.laptop().join("disk");
                Disk { folder: folder.clone(), _here: Some(Small::mount(folder, DISK)) }
            }
            _ => Disk { folder: street.server(to.host()).inside("disk"), _here: None },
        }
    }

    /// An old file, and room for so many bytes more.
    fn with_room_for(&self, bytes: usize) -> Target {
        for entry in fs::read_dir(&self.folder).expect("list the disk") {
            fs::remove_file(entry.expect("list the disk").path()).expect("empty it");
        }
        let path = self.folder.join("f");
        fs::write(&path, b"old content").expect("write the old one");
        self.belongs_to_all(&path);
        // a page for the old one
        let filler = ((DISK as usize) << 20) - 4096 - bytes.next_multiple_of(4096);
        fs::write(self.folder.join("filler"), vec![7; filler]).expect("fill it");
        Target { path, old: Some(b"old content".to_vec()), new: content(SIZE) }
    }

    fn belongs_to_all(&self, path: &Path) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).expect("set the mode");
    }

    fn make_room(&self) {
        let _ = fs::remove_file(self.folder.join("filler"));
    }
}

fn fills_up(to: To) {
    if to == To::Here && !need_root("a small file system is mounted") {
        return;
    }
    let mut plan = Street::plan();
    if to != To::Here {
        plan = plan.disk(to.host(), DISK);
    }
    let Some(street) = plan.start() else { return };
    to.furnish(&street, &content(SIZE));
    let disk = Disk::of(to, &street);
    for percent in [0, 1, 50, 99, 100] {
        let target = disk.with_room_for(SIZE * percent / 100);
        let copy = || {
            let mut command = street.hop("cp");
            command.args(to.words());
            command
        };
        let ran = run(&mut copy());
        let expected = if percent == 100 { 0 } else { 28 };
        let name = format!("F13 {to:?} full at {percent} %");
        assert_eq!(ran.code, Some(expected), "{name}: {ran}");
        let again = || {
            disk.make_room();
            copy()
        };
        let says = [to.trail(), "disk/f", "no space left", "make room there"];
        Case { name, street: &street, targets: &[target], ran: &ran, limit: LIMIT, says: &says, again: &again }.holds();
    }
}

#[test]
fn f13_a_servers_disk_fills_up() {
    fills_up(To::Up);
}

#[test]
fn f13_another_servers_disk_fills_up() {
    fills_up(To::Relay);
}

#[test]
fn f13_the_destinations_disk_fills_up_in_a_direct_copy() {
    fills_up(To::Direct);
}

#[test]
fn f14_this_machines_disk_fills_up() {
    fills_up(To::Here);
}

/// What makes a program's system calls fail, as long as its switch is there.
struct Failing {
    folder: TempDir,
}

impl Failing {
    fn new() -> Option<Failing> {
        let (compiler, folder) = (need("cc")?, tempfile::tempdir().expect("a folder"));
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("set its mode");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/whole/failing.c");
        let built = Command::new(compiler).arg("-o").arg(folder.path().join("failing")).arg(source).status();
        assert!(built.is_ok_and(|status| status.success()), "{source} compiles");
        Some(Failing { folder })
    }

    fn switch(&self) -> PathBuf {
        self.folder.path().join("switch")
    }

    fn on(&self) {
        fs::write(self.switch(), b"").expect("switch it on");
    }

    fn off(&self) {
        fs::remove_file(self.switch()).expect("switch it off");
    }

    /// Words before a program's.
    fn words(&self, call: &str, error: Errno) -> [String; 4] {
        let path = |path: PathBuf| path.to_str().expect("a path of ours").to_owned();
        let program = path(self.folder.path().join("failing"));
        [program, path(self.switch()), call.to_owned(), error.raw_os_error().to_string()]
    }
}

/// What fails, how, and what is said of it with which exit code: on a server, which says no more than that it failed, and
/// on this machine.
type Refusal = (&'static str, Errno, (&'static str, i32), (&'static str, i32));

const REFUSALS: [Refusal; 7] = [
    ("write", Errno::IO, ("failure", 23), ("input/output error", 11)),
    ("write", Errno::DQUOT, ("failure", 23), ("no space left", 28)),
    ("write", Errno::FBIG, ("failure", 23), ("file too large", 11)),
    ("fsync", Errno::IO, ("failure", 23), ("input/output error", 11)),
    ("rename", Errno::IO, ("failure", 23), ("input/output error", 11)),
    ("fsync", Errno::NOSPC, ("no space left", 28), ("no space left", 28)),
    ("rename", Errno::NOSPC, ("no space left", 28), ("no space left", 28)),
];

/// What a network file system says when a file is closed, which this machine's end asks for.
const LATE: [(&str, Errno, (&str, i32)); 2] =
    [("close", Errno::IO, ("input/output error", 11)), ("close", Errno::DQUOT, ("no space left", 28))];

/// Whether the disk is full: what says so late may know it from that only.
fn is_full(error: Errno) -> bool {
    error == Errno::NOSPC
}

fn refused_by_a_server(to: To) {
    let Some(failing) = Failing::new() else { return };
    let server = need("sftp-server").expect("it is needed for the street too").display().to_string();
    for (call, error, (says, code), _) in REFUSALS {
        let subsystem = format!("Subsystem sftp {} {server}", failing.words(call, error).join(" "));
        let plan = Street::plan().disk(to.host(), DISK).without_sftp(to.host()).sshd(to.host(), subsystem);
        let Some(street) = plan.start() else { return };
        to.furnish(&street, &content(SIZE));
        let disk = Disk::of(to, &street);
        let target = disk.with_room_for(if is_full(error) { SIZE } else { SIZE + (1 << 20) });
        failing.on();
        let copy = || {
            let mut command = street.hop("cp");
            command.args((call == "fsync").then_some("--fsync")).args(to.words());
            command
        };
        let ran = run(&mut copy());
        failing.off();
        let name = format!("F13, F15, F20 {to:?}: {call} fails with {error}");
        assert_eq!(ran.code, Some(code), "{name}: {ran}");
        let again = || {
            disk.make_room();
            copy()
        };
        let says = [to.trail(), "disk/f", says, "kept in", "hint: "];
        Case { name, street: &street, targets: &[target], ran: &ran, limit: LIMIT, says: &says, again: &again }.holds();
    }
}

#[test]
fn f20_a_server_fails_to_write_to_flush_or_to_rename() {
    refused_by_a_server(To::Up);
}

#[test]
fn f20_another_server_fails_to_write_to_flush_or_to_rename() {
    refused_by_a_server(To::Relay);
}

#[test]
fn f20_this_machine_fails_to_write_to_flush_to_close_or_to_rename() {
    let (Some(street), Some(failing)) = (Street::start(), Failing::new()) else { return };
    if !need_root("a small file system is mounted") {
        return;
    }
    To::Here.furnish(&street, &content(SIZE));
    let disk = Disk::of(To::Here, &street);
    let early = REFUSALS.map(|(call, error, _, here)| (call, error, here));
    for (call, error, (says, code)) in early.into_iter().chain(LATE) {
        let target = disk.with_room_for(SIZE + (1 << 20));
        failing.on();
        // hop writes where it is told to, and its own events to other descriptors
        let call = if call == "write" { "pwrite" } else { call };
        let words = failing.words(call, error);
        let copy = || {
            let mut command = street.on_laptop(&words[0]);
            command.args(&words[1..]).args([env!("CARGO_BIN_EXE_hop"), "cp", "-F"]).arg(street.config());
            command.args((call == "fsync").then_some("--fsync")).args(To::Here.words());
            command
        };
        let ran = run(&mut copy());
        failing.off();
        let name = format!("F14, F15, F20 here: {call} fails with {error}");
        assert_eq!(ran.code, Some(code), "{name}: {ran}");
        let says = ["disk/f", says, "kept in"];
        Case { name, street: &street, targets: &[target], ran: &ran, limit: LIMIT, says: &says, again: &copy }.holds();
    }
}

/// Files may have so many bytes.
const LONGEST: usize = 1 << 20;

#[test]
fn f15_a_limit_on_the_size_of_files_here() {
    let (Some(street), Some(prlimit)) = (Street::start(), need("prlimit")) else { return };
    To::Here.furnish(&street, &content(SIZE));
    let path = street.put_here("disk/f", b"old content");
    let target = Target { path, old: Some(b"old content".to_vec()), new: content(SIZE) };
    let limit = format!("--fsize={LONGEST}");
    let mut command = street.on_laptop(prlimit.to_str().expect("a path of the system's"));
    command.args([&limit, env!("CARGO_BIN_EXE_hop"), "cp", "-F"]).arg(street.config()).args(To::Here.words());
    let ran = run(&mut command);
    assert_eq!(ran.code, Some(11), "{ran}");
    let again = || {
        let mut command = street.hop("cp");
        command.args(To::Here.words());
        command
    };
    let (name, says) = ("F15 here".to_owned(), ["disk/f", "file too large", "kept in"]);
    Case { name, street: &street, targets: &[target], ran: &ran, limit: LIMIT, says: &says, again: &again }.holds();
}

#[test]
fn f15_a_limit_on_the_size_of_files_on_a_server() {
    let (Some(prlimit), Some(server)) = (need("prlimit"), need("sftp-server")) else { return };
    let switch = tempfile::tempdir().expect("a folder");
    fs::set_permissions(switch.path(), fs::Permissions::from_mode(0o755)).expect("set its mode");
    let script = switch.path().join("limited");
    let (prlimit, server) = (prlimit.display(), server.display());
    let text = format!("#!/bin/sh\nexec {prlimit} --fsize={LONGEST} {server}\n");
    fs::write(&script, text).expect("write a script");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("set its mode");
    let plan = Street::plan().without_sftp(ACC_PVT).sshd(ACC_PVT, format!("Subsystem sftp {}", script.display()));
    let Some(street) = plan.start() else { return };
    To::Up.furnish(&street, &content(SIZE));
    let path = street.put(ACC_PVT, "disk/f", b"old content");
    let target = Target { path, old: Some(b"old content".to_vec()), new: content(SIZE) };
    let copy = || {
        let mut command = street.hop("cp");
        command.args(To::Up.words());
        command
    };
    let ran = run(&mut copy());
    assert_eq!(ran.code, Some(23), "{ran}");
    let again = || {
        fs::write(&script, format!("#!/bin/sh\nexec {server}\n")).expect("write a script");
        copy()
    };
    let (name, says) =
        ("F15 server".to_owned(), [To::Up.trail(), "failure", "kept in", "a limit on the size of files"]);
    Case { name, street: &street, targets: &[target], ran: &ran, limit: LIMIT, says: &says, again: &again }.holds();
}
