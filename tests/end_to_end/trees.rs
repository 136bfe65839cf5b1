//! Folders with all that is in them: content, modes, times, links.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{Node, cp, mtime, noise, same, silently, tree};
use crate::street::{ACC_PVT, Street, run};

/// A few folders deep, with empty ones, many small files and one large.
fn plant(folder: &Path) {
    for index in 0..300usize {
        let inside = folder.join(format!("d{}/e{}", index % 7, index % 3));
        fs::create_dir_all(&inside).expect("make folders");
        fs::write(inside.join(format!("f{index}")), noise(index as u64, index * 37)).expect("make a file");
    }
    fs::create_dir_all(folder.join("empty/deeper")).expect("make folders");
    fs::write(folder.join("large"), noise(7, 5_000_000)).expect("make a file");
}

#[test]
fn a_tree_goes_up_and_comes_down() {
    let Some(street) = Street::start() else { return };
    plant(&street.laptop().join("tree"));
    silently(cp(&street, ["-r", "tree", "acc-pvt:"]));
    silently(cp(&street, ["-r", "acc-pvt:tree", "back"]));
    let ours = tree(&street.laptop().join("tree"));
    assert_eq!(ours.len(), 301 + 7 * 3 + 7 + 2);
    same(&ours, &tree(&street.home(ACC_PVT).join("tree")));
    same(&ours, &tree(&street.laptop().join("back")));
}

#[test]
fn a_second_run_goes_into_the_folder_that_is_there_and_converges() {
    let Some(street) = Street::start() else { return };
    street.put_here("tree/a", b"a");
    silently(cp(&street, ["-r", "tree", "acc-pvt:copy"]));
    silently(cp(&street, ["-r", "tree", "acc-pvt:copy"]));
    let home = street.home(ACC_PVT);
    // as with scp: the first made `copy`, the second put `tree` into it
    assert_eq!(fs::read(home.join("copy/a")).expect("the first"), b"a");
    assert_eq!(fs::read(home.join("copy/tree/a")).expect("the second"), b"a");
    let before = tree(home);
    silently(cp(&street, ["-r", "tree", "acc-pvt:copy"]));
    same(&before, &tree(home));
}

#[test]
fn modes_and_times_are_kept_when_asked_for() {
    let Some(street) = Street::start() else { return };
    let root = street.laptop().join("tree");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for (index, mode) in [0o644, 0o600, 0o755, 0o444, 0o640].into_iter().enumerate() {
        let file = root.join(format!("sub{index}/file"));
        fs::create_dir_all(file.parent().expect("below the root")).expect("make a folder");
        fs::write(&file, b"content").expect("make a file");
        let when = long_ago + Duration::from_secs(index as u64 * 1000);
        fs::File::options().write(true).open(&file).expect("open").set_modified(when).expect("set the time");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("set the mode");
        let folder = file.parent().expect("below the root");
        fs::set_permissions(folder, fs::Permissions::from_mode(0o750 + index as u32)).expect("set the mode");
        fs::File::open(folder).expect("open").set_modified(when).expect("set the time");
    }
    fs::File::open(&root).expect("open").set_modified(long_ago).expect("set the time");
    silently(cp(&street, ["-rp", "tree", "acc-pvt:"]));
    silently(cp(&street, ["-rp", "acc-pvt:tree", "back"]));
    let ours = tree(&root);
    for copy in [street.home(ACC_PVT).join("tree"), street.laptop().join("back")] {
        same(&ours, &tree(&copy));
        let times = |root: &Path| ours.keys().map(|name| mtime(&root.join(name))).collect::<Vec<_>>();
        assert_eq!(times(&root), times(&copy));
        assert_eq!(mtime(&root), mtime(&copy));
    }
}

#[test]
fn without_p_a_file_is_new_and_no_set_id_bit_travels() {
    let Some(street) = Street::start() else { return };
    let file = street.put_here("tool", b"#!/bin/sh\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o6755)).expect("set the mode");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::open(&file).expect("open").set_modified(long_ago).expect("set the time");
    silently(cp(&street, ["tool", "acc-pvt:"]));
    let copy = street.home(ACC_PVT).join("tool");
    let mode = copy.metadata().expect("it is there").permissions().mode() & 0o7777;
    assert_eq!(mode & 0o7022, 0, "{mode:o}");
    assert_eq!(mode & 0o100, 0o100, "{mode:o}");
    assert_ne!(mtime(&copy), 1_000_000_000);
}

#[test]
fn symbolic_links_are_followed_kept_or_skipped() {
    let Some(street) = Street::start() else { return };
    street.put_here("tree/file", b"content");
    street.put_here("outside/inner", b"inner");
    let root = street.laptop().join("tree");
    symlink("file", root.join("to-file")).expect("a link");
    symlink("../outside", root.join("to-folder")).expect("a link");
    for how in ["follow", "keep", "skip"] {
        let to = format!("acc-pvt:{how}");
        let ran = run(&mut cp(&street, ["-r", "--symlinks", how, "tree", &to]));
        assert_eq!(ran.code, Some(0), "{how}: {ran}");
    }
    let there = |how: &str| tree(&street.home(ACC_PVT).join(how));
    let (follow, keep, skip) = (there("follow"), there("keep"), there("skip"));
    assert!(
        matches!(&follow["to-file".as_ref() as &std::ffi::OsStr], Node::File { content, .. } if content == b"content")
    );
    assert!(follow.contains_key("to-folder/inner".as_ref() as &std::ffi::OsStr));
    let link = |to: &str| Some(Node::Link { to: to.into() });
    assert_eq!(keep.get("to-file".as_ref() as &std::ffi::OsStr).cloned(), link("file"));
    assert_eq!(keep.get("to-folder".as_ref() as &std::ffi::OsStr).cloned(), link("../outside"));
    assert_eq!(skip.keys().collect::<Vec<_>>(), ["file"]);
}

#[test]
fn a_folder_without_r_is_refused_and_the_rest_arrives() {
    let Some(street) = Street::start() else { return };
    street.put_here("folder/inner", b"x");
    street.put_here("file", b"arrives");
    let ran = run(&mut cp(&street, ["folder", "file", "acc-pvt:"]));
    assert_eq!(ran.code, Some(23), "{ran}");
    assert!(ran.stderr.contains("folder"), "{ran}");
    assert_eq!(fs::read(street.home(ACC_PVT).join("file")).expect("it is there"), b"arrives");
    assert!(!street.home(ACC_PVT).join("folder").exists());
}

#[test]
fn a_deep_tree_and_a_long_name_arrive() {
    let Some(street) = Street::start() else { return };
    let deep: std::path::PathBuf = (0..200).map(|index| format!("d{index}")).collect();
    street.put_here(std::path::Path::new("tree").join(&deep).join("n".repeat(255)), b"found");
    silently(cp(&street, ["-r", "tree", "acc-pvt:"]));
    let there = street.home(ACC_PVT).join("tree").join(&deep).join("n".repeat(255));
    assert_eq!(fs::read(there).expect("it is there"), b"found");
}
