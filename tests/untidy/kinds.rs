//! Entries that are a file at one end and a folder or a link at the other; and source files that vanish while all this goes on.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{Untidy, content, write};
use crate::copy::ends::assert_same;
use crate::street::until;
use crate::whole::ran::run;
use crate::whole::ways::{WAYS, Way};

/// What an entry can be.
const TYPES: [&str; 5] = ["file", "folder", "link", "link to a folder", "fifo"];

/// Makes `path` such an entry.
fn make(path: &Path, kind: &str) {
    match kind {
        "file" => write(path, &content(1)),
        "folder" => {
            write(&path.join("in/it"), &content(2));
            write(&path.join("f"), &content(3));
            symlink("nowhere", path.join("link")).expect("make a link");
        }
        "link" => symlink("beside", path).expect("make a link"),
        "link to a folder" => symlink("../outside", path).expect("make a link"),
        "fifo" => mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("make a FIFO"),
        _ => unreachable!("{kind}"),
    }
}

/// One entry for each two types that differ, called after both; and two files beside them.
fn make_all(untidy: &Untidy) -> usize {
    let mut differing = 0;
    for before in TYPES {
        for after in ["file", "folder", "link"].into_iter().filter(|after| *after != before) {
            let name = format!("{before} to {after}").replace(' ', "-");
            fs::create_dir_all(untidy.to("")).expect("make it");
            make(&untidy.to(&name), before);
            make(&untidy.from(&name), after);
            differing += 1;
        }
    }
    write(&untidy.from("beside"), &content(4));
    write(&untidy.to("too-much"), b"only there");
    write(&untidy.to("../outside/f"), b"nobody's business");
    differing
}

#[test]
fn with_delete_they_become_what_the_source_has() {
    for way in WAYS {
        let Some(untidy) = Untidy::new(way) else { return };
        make_all(&untidy);
        for again in ["first", "second"] {
            let ran = untidy.run("sync", &["--delete", "--symlinks", "keep"]);
            assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{way:?} {again}: {ran}");
            assert_same(&untidy.from(""), &untidy.to(""));
        }
        assert_eq!(fs::read(untidy.to("../outside/f")).expect("it stays"), b"nobody's business", "{way:?}");
    }
}

#[test]
fn without_delete_it_is_said_what_is_in_the_way_and_the_rest_arrives() {
    let Some(untidy) = Untidy::new(Way::Up) else { return };
    make_all(&untidy);
    let ran = untidy.run("sync", &["--symlinks", "keep"]);
    assert_eq!(ran.code, Some(23), "{ran}");
    for (name, says) in [
        ("file-to-folder", "a file has the folder's name; `hop sync --delete` removes it"),
        ("link-to-folder", "a symbolic link has the folder's name"),
        ("link-to-a-folder-to-folder", "a symbolic link has the folder's name"),
        ("fifo-to-folder", "a file has the folder's name; `hop sync --delete` removes it"),
        ("folder-to-file", "a folder has that name; `hop sync --delete` removes it"),
        ("folder-to-link", "a folder has that name; `hop sync --delete` removes it"),
        ("fifo-to-file", "something that is no regular file has that name; `hop sync --delete` removes it"),
    ] {
        assert!(ran.stderr.contains(&format!("to/{name}: {says}")), "{name}: {ran}");
    }
    assert_eq!(fs::read(untidy.to("beside")).expect("it arrived"), content(4));
    assert_eq!(fs::read(untidy.to("folder-to-file/in/it")).expect("it stays"), content(2));
    assert!(untidy.to("too-much").exists());
}

#[test]
fn what_is_excluded_keeps_its_folder_and_the_other_deletes_go_on() {
    let Some(untidy) = Untidy::new(Way::Up) else { return };
    write(&untidy.from("x"), b"a file");
    write(&untidy.to("x/keep.me"), b"precious");
    write(&untidy.to("x/y/z"), b"not precious");
    write(&untidy.to("too-much"), b"only there");
    let ran = untidy.run("sync", &["--delete", "--exclude", "*.me"]);
    assert_eq!(ran.code, Some(23), "{ran}");
    assert!(ran.stderr.contains("to/x: a folder has that name, and in it is something excluded"), "{ran}");
    assert!(untidy.to("x/keep.me").exists() && untidy.to("x/y/z").exists() && !untidy.to("too-much").exists(), "{ran}");
}

#[test]
fn no_more_is_removed_than_allowed() {
    let Some(untidy) = Untidy::new(Way::Up) else { return };
    write(&untidy.from("x"), b"a file");
    ["x/a", "x/b", "too-much"].iter().for_each(|name| write(&untidy.to(name), b"old"));
    // the folder, the two files in it, and the other
    for (most, code) in [("2", 23), ("3", 23), ("4", 0)] {
        let ran = untidy.run("sync", &["--delete", "--max-delete", most]);
        assert_eq!(ran.code, Some(code), "{most}: {ran}");
        assert_eq!(untidy.to("x/a").exists(), most == "2", "{most}: {ran}");
        assert_eq!(untidy.to("too-much").exists(), most != "4", "{most}: {ran}");
        // what was removed to make way counts
        if most == "3" {
            fs::remove_file(untidy.to("x")).expect("remove it");
            ["x/a", "x/b"].iter().for_each(|name| write(&untidy.to(name), b"old"));
        }
    }
}

#[test]
fn a_dry_run_shows_what_would_be_removed() {
    let Some(untidy) = Untidy::new(Way::Up) else { return };
    write(&untidy.from("x"), b"a file");
    write(&untidy.to("x/a"), b"old");
    let ran = untidy.run("sync", &["--delete", "--dry-run"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let says =
        |path: &str| (ran.stdout + &ran.stderr).lines().any(|line| line.contains("delete") && line.ends_with(path));
    assert!(says("to/x/a"));
    assert!(untidy.to("x/a").exists());
}

#[test]
fn files_that_vanish_are_told_and_deletes_go_on() {
    let Some(untidy) = Untidy::new(Way::Up) else { return };
    let names: Vec<String> = (0..600).map(|number| format!("f{number}")).collect();
    names.iter().for_each(|name| write(&untidy.from(name), &content(4000)));
    write(&untidy.to("too-much"), b"only there");
    let mut command = untidy.command("sync", &["--delete", "--no-pack", "--bwlimit", "300K"]);
    let child = command.stderr(std::process::Stdio::piped()).spawn().expect("start hop");
    until("something has arrived", || names.iter().any(|name| untidy.to(name).exists()));
    names.iter().filter(|name| !untidy.to(name).exists()).for_each(|name| {
        fs::remove_file(untidy.from(name)).expect("remove it");
    });
    let out = child.wait_with_output().expect("wait for hop");
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(24), "{said}");
    assert!(said.contains("it was there when it was listed, and has vanished"), "{said}");
    assert!(!untidy.to("too-much").exists(), "{said}");
    let ran = run(&mut untidy.command("sync", &["--delete"]));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_same(&untidy.from(""), &untidy.to(""));
}
