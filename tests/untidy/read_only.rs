//! Folders in which their owner may not write: they are filled again and again, and stay as they are.

use std::fs;
use std::time::Duration;

use super::{Untidy, content, mode, set_mode, write};
use crate::street::until;
use crate::whole::ran::run;
use crate::whole::ways::{WAYS, Way};

/// Two read-only folders within each other, and one of the owner's alone.
const FOLDERS: [(&str, u32); 4] = [("a/b", 0o555), ("a", 0o555), ("c", 0o500), ("", 0o555)];

/// Writes the tree's version `seed` at the source.
fn write_tree(untidy: &Untidy, seed: u64) {
    for (folder, _) in FOLDERS.iter().rev().filter(|(folder, _)| untidy.from(folder).exists()) {
        set_mode(&untidy.from(folder), 0o755);
    }
    for file in ["f", "a/f", "a/b/f", "c/f"] {
        write(&untidy.from(file), &content(seed));
    }
    write(&untidy.from(&format!("a/b/only-{seed}/f")), &content(seed));
    let _ = fs::remove_dir_all(untidy.from(&format!("a/b/only-{}", seed.wrapping_sub(1))));
    for (folder, mode) in FOLDERS {
        set_mode(&untidy.from(folder), mode);
    }
}

fn assert_arrived(untidy: &Untidy, seed: u64, said: &str) {
    for file in ["f", "a/f", "a/b/f", "c/f", &format!("a/b/only-{seed}/f")] {
        let arrived = fs::read(untidy.to(file)).ok();
        assert!(arrived.is_some_and(|arrived| arrived == content(seed)), "{:?} {file}: {said}", untidy.way);
    }
    for (folder, was) in FOLDERS {
        assert_eq!(format!("{:o}", mode(&untidy.to(folder))), format!("{was:o}"), "{:?} {folder}: {said}", untidy.way);
    }
    let listed = fs::read_dir(untidy.to("a/b")).expect("list").count();
    assert_eq!(listed, fs::read_dir(untidy.from("a/b")).expect("list").count(), "{:?}: {said}", untidy.way);
}

#[test]
fn a_read_only_tree_is_synced_again_and_again() {
    for way in WAYS {
        let Some(untidy) = Untidy::new(way) else { return };
        for seed in 1..4 {
            write_tree(&untidy, seed);
            for again in ["first", "second"] {
                let ran = untidy.run("sync", &["--delete"]);
                assert_eq!(ran.code, Some(0), "{way:?} {again}: {ran}");
                assert_arrived(&untidy, seed, &format!("{again} of {seed}: {ran}"));
            }
        }
        let ran = untidy.run("sync", &["--delete", "--json"]);
        assert_eq!((ran.code, ran.stdout.matches("\"event\":\"unchanged\"").count()), (Some(0), 5), "{ran}");
    }
}

#[test]
fn a_read_only_tree_is_copied_twice() {
    for way in WAYS {
        let Some(untidy) = Untidy::new(way) else { return };
        write_tree(&untidy, 1);
        let ran = untidy.run("cp", &["-r"]);
        assert_eq!(ran.code, Some(0), "{way:?}: {ran}");
        assert_arrived(&untidy, 1, "first");
        // into the folder that is there
        set_mode(&untidy.to(""), 0o755);
        fs::rename(untidy.to(""), untidy.to("").with_file_name("from")).expect("rename");
        fs::create_dir(untidy.to("")).expect("make it");
        fs::rename(untidy.to("").with_file_name("from"), untidy.to("from")).expect("rename");
        set_mode(&untidy.to("from"), 0o555);
        for again in ["second", "third"] {
            let ran = untidy.run("cp", &["-r"]);
            assert_eq!(ran.code, Some(0), "{way:?} {again}: {ran}");
            for (folder, was) in FOLDERS {
                assert_eq!(mode(&untidy.to("from").join(folder)), was, "{way:?} {again} {folder}");
            }
        }
    }
}

#[test]
fn after_a_kill_the_next_run_leaves_them_read_only() {
    for verb in ["sync", "cp"] {
        let Some(untidy) = Untidy::new(Way::Up) else { return };
        write_tree(&untidy, 1);
        let words: &[&str] = if verb == "sync" { &[] } else { &["-r"] };
        assert_eq!(untidy.run("sync", &[]).code, Some(0));
        if verb == "cp" {
            set_mode(&untidy.to(""), 0o755);
            fs::rename(untidy.to(""), untidy.to("").with_file_name("aside")).expect("rename");
            fs::create_dir(untidy.to("")).expect("make it");
            fs::rename(untidy.to("").with_file_name("aside"), untidy.to("from")).expect("rename");
        }
        write_tree(&untidy, 2);
        set_mode(&untidy.from("c"), 0o755);
        write(&untidy.from("c/large"), &vec![7; 8 << 20]);
        set_mode(&untidy.from("c"), 0o500);
        let there = if verb == "sync" { untidy.to("c") } else { untidy.to("from/c") };
        let slow: Vec<&str> = words.iter().copied().chain(["--bwlimit", "1M"]).collect();
        let mut child = untidy.command(verb, &slow).spawn().expect("start hop");
        until("it is lent", || mode(&there) == 0o700);
        std::thread::sleep(Duration::from_millis(300));
        child.kill().expect("kill it");
        child.wait().expect("wait for it");
        assert_eq!(mode(&there), 0o700, "{verb}: the test came too late");
        let ran = run(&mut untidy.command(verb, words));
        assert_eq!((ran.code, mode(&there)), (Some(0), 0o500), "{verb}: {ran}");
        assert!(fs::read(there.join("large")).is_ok_and(|large| large == vec![7; 8 << 20]), "{verb}");
    }
}

#[test]
fn another_users_folder_is_not_touched() {
    let Some(untidy) = Untidy::new(Way::Up) else { return };
    if !rustix::process::geteuid().is_root() {
        return;
    }
    write(&untidy.from("c/f"), b"new");
    write(&untidy.to("from/c/f"), b"old");
    set_mode(&untidy.to("from/c"), 0o555);
    let mut command = untidy.command("cp", &["-r", "-p"]);
    for path in ["from/c", "from/c/f"] {
        std::os::unix::fs::chown(untidy.to(path), Some(0), Some(0)).expect("give it to root");
    }
    let ran = run(command.arg("-p"));
    assert_eq!((ran.code, mode(&untidy.to("from/c"))), (Some(23), 0o555), "{ran}");
    assert_eq!(fs::read(untidy.to("from/c/f")).expect("there"), b"old", "{ran}");
}
