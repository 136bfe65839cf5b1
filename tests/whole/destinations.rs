//! F18: the destination changes while it is written: replaced, removed, a folder turned into a link and a link into a
//! folder. Nothing is written where it was not meant to go.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::invariants::{Case, Target};
use super::ran::{Ran, run_while};
use super::ways::{WAYS, Way};
use crate::street::{ACC_PVT, DELL_PVT, Street};

const LIMIT: Duration = Duration::from_secs(75);

/// Copies; in the middle of it `change` is called, once, with the destination's folder.
fn meanwhile(way: Way, street: &Street, target: &Target, change: &dyn Fn(&Path)) -> Ran {
    let (host, direction) = way.links()[way.links().len() - 1];
    let passed = || street.server(host).wire.as_ref().expect("a wire").bytes(direction);
    let (before, folder) = (passed(), target.path.parent().expect("a folder").to_owned());
    let mut has_changed = false;
    let ran = run_while(&mut way.copy(street), |_, _| {
        if !has_changed && passed() > before + (4 << 20) {
            has_changed = true;
            change(&folder);
            [ACC_PVT, DELL_PVT].iter().for_each(|host| street.own(host));
        }
    });
    assert!(has_changed, "F18 {way:?}: it never came to that: {ran}");
    ran
}

fn holds(name: &str, (way, street): (Way, &Street), target: Target, ran: &Ran) {
    let (label, again) = (format!("F18 {way:?} {name}"), || way.copy(street));
    let case = Case { name: label, street, targets: &[target], ran, limit: LIMIT, says: &["to/"], again: &again };
    match name.starts_with("the part") {
        true => case.holds_and_starts_over(),
        false => case.holds(),
    };
}

fn part(folder: &Path) -> PathBuf {
    Street::parts(folder).pop().expect("a part is there")
}

#[test]
fn f18_the_old_file_is_replaced_or_removed() {
    for way in WAYS {
        let Some((street, content)) = way.scene() else { return };
        let target = way.target(&street, &content);
        let ran = meanwhile(way, &street, &target, &|folder| {
            fs::write(folder.join("other"), b"somebody else's").expect("write");
            fs::rename(folder.join("other"), folder.join("file")).expect("rename");
        });
        assert_eq!(ran.code, Some(0), "{way:?}: {ran}");
        holds("replaced", (way, &street), target, &ran);
        let target = way.target(&street, &content);
        let ran = meanwhile(way, &street, &target, &|folder| {
            fs::remove_file(folder.join("file")).expect("remove");
        });
        assert_eq!(ran.code, Some(0), "{way:?}: {ran}");
        holds("removed", (way, &street), target, &ran);
    }
}

#[test]
fn f18_the_old_file_becomes_a_folder_or_a_link() {
    for way in WAYS {
        let Some((street, content)) = way.scene() else { return };
        let target = way.target(&street, &content);
        let ran = meanwhile(way, &street, &target, &|folder| {
            fs::remove_file(folder.join("file")).expect("remove");
            fs::create_dir(folder.join("file")).expect("a folder");
            fs::write(folder.join("file/inside"), b"kept").expect("write");
        });
        assert!(ran.code != Some(0) && ran.stderr.contains("to/file"), "{way:?}: {ran}");
        assert_eq!(fs::read(target.path.join("inside")).expect("it is there"), b"kept");
        fs::remove_dir_all(&target.path).expect("remove the folder");
        // nothing is there now, and it goes on from the part
        holds("a folder", (way, &street), Target { old: None, ..target }, &ran);
        let target = way.target(&street, &content);
        let outside = target.path.parent().and_then(Path::parent).expect("a home").join("outside");
        fs::write(&outside, b"outside").expect("write");
        let ran = meanwhile(way, &street, &target, &|folder| {
            fs::remove_file(folder.join("file")).expect("remove");
            symlink("../outside", folder.join("file")).expect("a link");
        });
        // the link is replaced, and not written through
        assert_eq!(ran.code, Some(0), "{way:?}: {ran}");
        assert!(target.path.symlink_metadata().expect("it is there").is_file(), "{way:?}: {ran}");
        assert!(fs::read(&outside).expect("it is there") == b"outside", "{way:?}: written through a link");
        holds("a link", (way, &street), target, &ran);
    }
}

#[test]
fn f18_the_part_is_removed_or_becomes_a_link() {
    for way in WAYS {
        let Some((street, content)) = way.scene() else { return };
        let target = way.target(&street, &content);
        let ran = meanwhile(way, &street, &target, &|folder| fs::remove_file(part(folder)).expect("remove"));
        assert!(ran.code != Some(0) && fs::read(&target.path).ok() == target.old, "{way:?}: {ran}");
        assert!(ran.stderr.contains(".part: it was taken away or replaced while it was written"), "{way:?}: {ran}");
        holds("the part is removed", (way, &street), target, &ran);
        let target = way.target(&street, &content);
        let outside = target.path.parent().and_then(Path::parent).expect("a home").join("outside");
        fs::write(&outside, b"outside").expect("write");
        let ran = meanwhile(way, &street, &target, &|folder| {
            let part = part(folder);
            fs::remove_file(&part).expect("remove");
            symlink("../outside", &part).expect("a link");
        });
        assert!(fs::read(&outside).expect("it is there") == b"outside", "{way:?}: written through a link: {ran}");
        // the link itself may have been given the name, as any file of that name would be
        let folder = target.path.parent().expect("a folder");
        Street::parts(folder).iter().for_each(|part| fs::remove_file(part).expect("remove"));
        let is_link = target.path.symlink_metadata().is_ok_and(|found| found.file_type().is_symlink());
        assert!(!is_link, "{way:?}: {ran}");
        assert!(ran.code != Some(0) && fs::read(&target.path).ok() == target.old, "{way:?}: {ran}");
        holds("the part becomes a link", (way, &street), target, &ran);
    }
}

#[test]
fn f18_the_folder_becomes_a_link_to_another_one() {
    for way in WAYS {
        let Some((street, content)) = way.scene() else { return };
        let target = way.target(&street, &content);
        let home = target.path.parent().and_then(Path::parent).expect("a home").to_owned();
        fs::create_dir(home.join("outside")).expect("a folder");
        fs::write(home.join("outside/file"), b"outside").expect("write");
        let ran = meanwhile(way, &street, &target, &|folder| {
            fs::rename(folder, folder.with_file_name("moved")).expect("move it away");
            symlink("outside", folder).expect("a link");
        });
        // it lands where it was begun, or not at all
        let outside = fs::read(home.join("outside/file")).expect("it is there");
        assert!(outside == b"outside", "{way:?}: it landed elsewhere: {ran}");
        let landed = fs::read(home.join("moved/file")).expect("it is there");
        match ran.code {
            Some(0) => assert!(landed == content, "{way:?}: {ran}"),
            _ => assert!(landed == b"old content" && ran.stderr.contains("to/"), "{way:?}: {ran}"),
        }
        // put right again
        fs::remove_file(home.join("to")).expect("remove the link");
        fs::rename(home.join("moved"), home.join("to")).expect("move it back");
        holds("the folder becomes a link", (way, &street), target, &ran);
    }
}
