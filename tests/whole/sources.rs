//! F17: the source changes while it is read. What lands is one version of it, whole; F24: what `--update` leaves out.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::ran::run_while;
use super::ways::{SIZE, Way, content, street};
use crate::street::{ACC_PVT, Street, run};

/// How a file changes.
type Change = fn(&Path);

fn grow(path: &Path) {
    use std::io::Write as _;
    fs::OpenOptions::new().append(true).open(path).expect("open").write_all(b"more").expect("write");
}

fn shrink(path: &Path) {
    fs::OpenOptions::new().write(true).open(path).expect("open").set_len(SIZE as u64 - 5_000_000).expect("cut");
}

fn replace(path: &Path) {
    let other = path.with_file_name("other");
    let mut content = content(SIZE);
    content.reverse();
    fs::write(&other, content).expect("write");
    fs::rename(&other, path).expect("rename");
}

fn set_back(path: &Path) {
    let modified = path.metadata().and_then(|found| found.modified()).expect("its time");
    let file = fs::OpenOptions::new().write(true).open(path).expect("open");
    use std::os::unix::fs::FileExt as _;
    file.write_all_at(b"another beginning", 0).expect("write");
    file.set_modified(modified).expect("set its time");
}

fn source(way: Way, street: &Street) -> std::path::PathBuf {
    match way {
        Way::Up => street.laptop().join("file"),
        Way::Down | Way::Relay | Way::Direct => street.home(ACC_PVT).join("file"),
    }
}

/// Copies while the source changes once; what lands must be what is there at the end.
fn changes_once(way: Way, changes: &[(&str, Change)]) {
    let Some(street) = street(Some(24 << 20)) else { return };
    for (name, change) in changes {
        way.furnish(&street, &content(SIZE));
        let target = way.target(&street, b"");
        let path = source(way, &street);
        let (host, direction) = way.links()[0];
        let passed = || street.server(host).wire.as_ref().expect("a wire").bytes(direction);
        let before = passed();
        let mut has_changed = false;
        let ran = run_while(&mut way.copy(&street), |_, _| {
            if !has_changed && passed() > before + (4 << 20) {
                has_changed = true;
                // the times of a server's files have whole seconds
                std::thread::sleep(Duration::from_millis(if way == Way::Up { 0 } else { 5 }));
                change(&path);
            }
        });
        assert!(has_changed, "F17 {way:?} {name}: it never came to that: {ran}");
        assert_eq!(ran.code, Some(0), "F17 {way:?} {name}: {ran}");
        let (there, now) = (fs::read(&target.path).expect("it landed"), fs::read(&path).expect("it is there"));
        assert!(there == now, "F17 {way:?} {name}: {} bytes landed of {}: {ran}", there.len(), now.len());
        assert!(Street::parts(target.path.parent().expect("a folder")).is_empty(), "F17 {way:?} {name}");
    }
}

#[test]
fn f17_a_source_that_changes_once_is_copied_as_it_is_then() {
    changes_once(Way::Up, &[("grows", grow), ("shrinks", shrink), ("is replaced", replace), ("set back", set_back)]);
}

#[test]
fn f17_a_source_on_a_server_that_changes_once() {
    changes_once(Way::Down, &[("grows", grow), ("shrinks", shrink)]);
    changes_once(Way::Relay, &[("shrinks", shrink)]);
}

#[test]
fn f17_a_source_that_vanishes_is_said() {
    let Some(street) = street(Some(24 << 20)) else { return };
    Way::Up.furnish(&street, &content(SIZE));
    let target = Way::Up.target(&street, b"");
    let wire = || street.server(ACC_PVT).wire.as_ref().expect("a wire").bytes(crate::wire::Direction::Up);
    let ran = run_while(&mut Way::Up.copy(&street), |_, _| {
        let path = source(Way::Up, &street);
        if wire() > 4 << 20 && path.exists() {
            fs::remove_file(path).expect("remove");
        }
    });
    assert_eq!(ran.code, Some(11), "{ran}");
    assert!(ran.stderr.contains("file: no such file"), "{ran}");
    assert_eq!(fs::read(&target.path).ok(), target.old, "F17 vanishes: I1");
}

fn update(street: &Street, more: &[&str]) -> Command {
    let mut command = street.hop("cp");
    command.args(["-p", "--update", "--json"]).args(more).args(["-r", "tree", "acc-pvt:"]);
    command
}

#[test]
fn f24_clocks_apart_never_hide_a_change() {
    let Some(street) = Street::start() else { return };
    // 1901, the last second of 32 bits, one beyond, and a clock ten years ahead
    let times: [i64; 5] = [-2_177_452_800, 1, 2_147_483_648, 4_294_967_300, 2_100_000_000];
    let set = |name: &str, content: &[u8], time: i64| {
        let file = street.put_here(format!("tree/{name}"), content);
        let second = rustix::fs::Timespec { tv_sec: time, tv_nsec: 0 };
        let times = rustix::fs::Timestamps { last_access: second, last_modification: second };
        rustix::fs::utimensat(rustix::fs::CWD, &file, &times, rustix::fs::AtFlags::empty()).expect("set the time");
    };
    let names: Vec<String> = (0..times.len()).map(|index| format!("f{index}")).collect();
    names.iter().zip(times).for_each(|(name, time)| set(name, b"before", time));
    let there = |name: &str| fs::read(street.home(ACC_PVT).join("tree").join(name)).expect("it arrived");
    let unchanged = |ran: &crate::street::Outcome| ran.stdout.matches("\"unchanged\"").count();
    let ran = run(&mut update(&street, &[]));
    assert_eq!((ran.code, unchanged(&ran)), (Some(0), 0), "{ran}");
    // times that SFTP can tell are believed, others are not
    let ran = run(&mut update(&street, &[]));
    assert_eq!((ran.code, unchanged(&ran)), (Some(0), 3), "{ran}");
    // another content of the same length, a second later by the clock of the file
    names.iter().zip(times).for_each(|(name, time)| set(name, b"after!", time + 1));
    let ran = run(&mut update(&street, &[]));
    assert_eq!((ran.code, unchanged(&ran)), (Some(0), 0), "{ran}");
    names.iter().for_each(|name| assert_eq!(there(name), b"after!", "{name}"));
    // and one whose size and time are the same, as far as anybody tells: the sums are not
    names.iter().zip(times).for_each(|(name, time)| set(name, b"behind", time + 1));
    let ran = run(&mut update(&street, &["--verify"]));
    assert_eq!((ran.code, unchanged(&ran)), (Some(0), 0), "{ran}");
    names.iter().for_each(|name| assert_eq!(there(name), b"behind", "{name}"));
}
