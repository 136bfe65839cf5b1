//! F17: the source changes while it is read. What lands is one version of it, whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::invariants::{Case, Target};
use super::ran::{Ran, run_while};
use super::ways::{SIZE, Way, content, street};
use crate::street::{ACC_PVT, Street};

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

fn vanish(path: &Path) {
    fs::remove_file(path).expect("remove");
}

/// Another content, all of it, at the same size and time.
fn rewrite(path: &Path) {
    let modified = path.metadata().and_then(|found| found.modified()).expect("its time");
    let mut content = content(SIZE);
    content.reverse();
    let file = fs::OpenOptions::new().write(true).open(path).expect("open");
    use std::os::unix::fs::FileExt as _;
    file.write_all_at(&content, 0).expect("write");
    file.set_modified(modified).expect("set its time");
}

fn source(way: Way, street: &Street) -> PathBuf {
    if way == Way::Up { street.laptop().join("file") } else { street.home(ACC_PVT).join("file") }
}

fn copy(way: Way, street: &Street, more: &[&str]) -> Command {
    let mut command = way.copy(street);
    command.args(more);
    command
}

/// A file whose time is long past, so that a change shows in whole seconds too, and an old one where it goes.
fn scene(way: Way, street: &Street) -> Target {
    way.furnish(street, &content(SIZE));
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let file = fs::OpenOptions::new().write(true).open(source(way, street)).expect("open");
    file.set_modified(long_ago).expect("set its time");
    way.target(street, &content(SIZE))
}

/// Copies; in the middle of it the source changes, once.
fn changed(way: Way, street: &Street, more: &[&str], change: Change) -> Ran {
    let (host, direction) = way.links()[0];
    let passed = || street.server(host).wire.as_ref().expect("a wire").bytes(direction);
    let before = passed();
    let mut has_changed = false;
    let ran = run_while(&mut copy(way, street, more), |_, _| {
        if !has_changed && passed() > before + (4 << 20) {
            has_changed = true;
            change(&source(way, street));
        }
    });
    assert!(has_changed, "F17 {way:?}: it never came to that: {ran}");
    ran
}

/// What lands is what is there at the end, or, where the one that was opened stays whole, that one.
fn changes_once(way: Way, changes: &[(&str, Change)]) {
    let Some(street) = street(Some(24 << 20)) else { return };
    for (name, change) in changes {
        let target = scene(way, &street);
        let more: &[&str] = if *name == "is rewritten" && way != Way::Up { &["--verify"] } else { &[] };
        let ran = changed(way, &street, more, *change);
        let name = format!("F17 {way:?} {name}");
        assert!(matches!(ran.code, Some(0 | 24 | 23)), "{name}: {ran}");
        let now = fs::read(source(way, &street)).expect("it is there");
        let there = fs::read(&target.path).ok();
        let is_version = there.as_ref().is_some_and(|there| *there == now || *there == content(SIZE));
        assert!(is_version || (ran.code != Some(0) && there == target.old), "{name}: mixed content: {ran}");
        // what is a whole run's is checked against the version that it took
        let new = if ran.code == Some(0) { there.expect("it landed") } else { now.clone() };
        let target = Target { new, ..target };
        if ran.code != Some(0) || target.new == now {
            let (limit, again) = (Duration::from_secs(75), || copy(way, &street, more));
            // a part of another version is no use
            let case = Case { name, street: &street, targets: &[target], ran: &ran, limit, says: &[], again: &again };
            case.holds_and_starts_over();
        }
    }
}

const CHANGES: [(&str, Change); 5] =
    [("grows", grow), ("shrinks", shrink), ("is replaced", replace), ("set back", set_back), ("is rewritten", rewrite)];

#[test]
fn f17_a_source_here_that_changes_once() {
    changes_once(Way::Up, &CHANGES);
}

#[test]
fn f17_a_source_on_a_server_that_changes_once() {
    changes_once(Way::Down, &CHANGES);
    changes_once(Way::Relay, &CHANGES[..2]);
}

#[test]
fn f17_a_source_of_a_direct_copy_that_changes_once() {
    changes_once(Way::Direct, &CHANGES);
}

#[test]
fn f17_a_source_that_vanishes_is_said_or_was_opened_in_time() {
    let Some(street) = street(Some(24 << 20)) else { return };
    for way in [Way::Up, Way::Down, Way::Direct] {
        let target = scene(way, &street);
        let ran = changed(way, &street, &[], vanish);
        let name = format!("F17 {way:?} vanishes");
        let is_told = ["no such file", "has vanished"].iter().any(|words| ran.stderr.contains(words));
        assert!(ran.code == Some(0) || is_told, "{name}: {ran}");
        let again = || {
            way.furnish(&street, &content(SIZE));
            copy(way, &street, &[])
        };
        let limit = Duration::from_secs(75);
        let says = ["file"];
        let case = Case { name, street: &street, targets: &[target], ran: &ran, limit, says: &says, again: &again };
        case.holds_and_starts_over();
    }
}
