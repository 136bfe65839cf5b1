//! `hop sync`: what is unchanged stays, what is too much goes, and nothing goes that should not.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::street::{ACC_PVT, DELL_PVT, Outcome, Street, run};

fn sync(street: &Street, words: &[&str]) -> Outcome {
    run(street.hop("sync").args(words))
}

/// The summary of a run that went well.
fn summary(street: &Street, words: &[&str]) -> Value {
    let ran = run(street.hop("sync").arg("--json").args(words));
    assert_eq!(ran.code, Some(0), "{words:?}: {ran}");
    serde_json::from_str(ran.stdout.lines().last().expect("a summary")).expect("an object")
}

fn tree(folder: &Path) {
    for (path, content) in [("a", "one"), ("d/b", "two"), ("d/e/c", "three"), (".hidden", "four")] {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("make it");
        fs::write(file, content).expect("write");
    }
}

fn equal(one: &Path, other: &Path) {
    let compared = run(Command::new("diff").args(["-r", "--no-dereference"]).args([one, other]));
    assert_eq!(compared.code, Some(0), "{compared}");
}

#[test]
fn each_way_makes_both_equal_and_a_second_run_moves_nothing() {
    let Some(street) = Street::start() else { return };
    tree(&street.laptop().join("tree"));
    for (host, extra) in [(ACC_PVT, "up/d/old"), (ACC_PVT, "up/gone/x/y"), (DELL_PVT, "over/old")] {
        street.put(host, extra, b"too much");
    }
    street.put_here("down/old", b"too much");
    let ways = [
        (["tree/", "acc-pvt:up"], street.home(ACC_PVT).join("up")),
        (["acc-pvt:up/", "down"], street.laptop().join("down")),
        (["acc-pvt:up/", "dell-pvt:over/"], street.home(DELL_PVT).join("over")),
    ];
    for (words, target) in ways {
        let words = ["--delete", words[0], words[1]];
        let first = summary(&street, &words);
        assert_eq!(first["files_done"], 4, "{first}");
        equal(&street.laptop().join("tree"), &target);
        let second = summary(&street, &words);
        assert_eq!((&second["bytes"], &second["files_failed"]), (&0.into(), &0.into()), "{second}");
    }
    // a change is seen by its size, or by its time; one that keeps both is seen by its content only
    fs::write(street.laptop().join("tree/a"), "longer").expect("write");
    assert_eq!(summary(&street, &["tree/", "acc-pvt:up"])["bytes"], 6);
    let keeps_time = "cp -p tree/d/b stamp; printf owt >tree/d/b; touch -r stamp tree/d/b";
    assert_eq!(run(street.on_laptop("sh").args(["-c", keeps_time])).code, Some(0));
    assert_eq!(summary(&street, &["tree/", "acc-pvt:up"])["bytes"], 0);
    assert_eq!(summary(&street, &["--checksum", "tree/", "acc-pvt:up"])["bytes"], 3);
    equal(&street.laptop().join("tree"), &street.home(ACC_PVT).join("up"));
}

#[test]
fn a_slash_at_the_end_means_what_is_inside() {
    let Some(street) = Street::start() else { return };
    tree(&street.laptop().join("tree"));
    // twice: the second finds what the first has made
    for _ in 0..2 {
        for words in [["tree", "acc-pvt:in"], ["tree/", "acc-pvt:all"], ["./tree/", "acc-pvt:all/"]] {
            let ran = sync(&street, &words);
            assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{words:?}: {ran}");
        }
        equal(&street.laptop().join("tree"), &street.home(ACC_PVT).join("in/tree"));
        equal(&street.laptop().join("tree"), &street.home(ACC_PVT).join("all"));
        assert_eq!(fs::read_dir(street.home(ACC_PVT).join("in")).expect("list").count(), 1);
    }
}

#[test]
fn nothing_goes_when_it_would_be_too_much_or_something_failed() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "from/a", b"new");
    for name in ["x", "y", "sub/z"] {
        street.put_here(format!("to/{name}"), b"old");
    }
    let ran = sync(&street, &["--delete", "--max-delete", "3", "acc-pvt:from/", "to"]);
    assert_eq!(ran.code, Some(23), "{ran}");
    assert!(
        ran.stderr.contains("4 entries are not at the source, and no more than 3 may be removed; none was"),
        "{ran}"
    );
    assert!(ran.stderr.contains("hint: --dry-run lists them"), "{ran}");
    let there = |name: &str| street.laptop().join("to").join(name).exists();
    assert!(there("a") && there("x") && there("y") && there("sub/z"));
    // a file that cannot be read
    let secret = street.put(ACC_PVT, "from/secret", b"secret");
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o000)).expect("set the mode");
    let ran = sync(&street, &["--delete", "acc-pvt:from/", "to"]);
    assert!(ran.code == Some(23) && ran.stderr.contains("warning: nothing is deleted"), "{ran}");
    assert!(there("x") && there("y") && there("sub/z"));
    fs::remove_file(&secret).expect("remove it");
    let ran = sync(&street, &["--delete", "--max-delete", "4", "acc-pvt:from/", "to"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
    assert!(there("a") && !there("x") && !there("sub"));
}

#[test]
fn links_parts_and_what_is_excluded_are_respected() {
    let Some(street) = Street::start() else { return };
    tree(&street.laptop().join("tree"));
    street.put_here("tree/skip.tmp", b"not this");
    street.put_here("tree/keep.tmp", b"but this");
    street.put_here("tree/cache/big", b"not this");
    let home = street.home(ACC_PVT);
    street.put(ACC_PVT, "outside/precious", b"kept");
    let part = "to/gone/.f.hop-0123456789abcdef.part";
    for name in [part, "to/gone/f", "to/lost/x", "to/old.tmp", "to/cache/theirs"] {
        street.put(ACC_PVT, name, b"there before");
    }
    std::os::unix::fs::symlink("../outside", home.join("to/link")).expect("a link");
    std::os::unix::fs::symlink("../../outside", home.join("to/gone/link")).expect("a link");
    let rules = ["--delete", "--exclude", "*.tmp", "--exclude", "/cache/", "--include", "keep.tmp"];
    let ran = sync(&street, &[&rules[..], &["tree/", "acc-pvt:to"]].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
    let there = |name: &str| home.join("to").join(name).symlink_metadata().is_ok();
    assert!(there("keep.tmp") && there("old.tmp") && there("cache/theirs") && there("d/e/c"));
    assert!(!there("skip.tmp") && !there("cache/big"), "excluded, and copied");
    assert!(!there("link") && !there("gone/link") && !there("gone/f") && !there("lost"));
    assert!(home.join(part).exists(), "another run's part");
    assert_eq!(fs::read(home.join("outside/precious")).expect("it is there"), b"kept");
}

#[test]
fn a_dry_run_says_all_and_writes_nothing() {
    let Some(street) = Street::start() else { return };
    tree(&street.laptop().join("tree"));
    street.put(ACC_PVT, "to/gone/x", b"old");
    let ran = sync(&street, &["--dry-run", "--delete", "tree/", "acc-pvt:to"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    for line in ["tree/./a -> to/a (3 B)", "delete to/gone/x", "delete to/gone"] {
        assert!(ran.stdout.lines().any(|said| said == line), "{line}: {ran}");
    }
    let to = street.home(ACC_PVT).join("to");
    assert_eq!(fs::read_dir(&to).expect("list").count(), 1, "something was written");
    assert!(to.join("gone/x").exists());
    let ran = sync(&street, &["--dry-run", "tree", "acc-pvt:none"]);
    assert!(ran.code == Some(0) && ran.stdout.contains("-> none/tree/a "), "{ran}");
    assert!(!street.home(ACC_PVT).join("none").exists());
}

#[test]
fn what_cannot_be_synced_is_refused() {
    let Some(street) = Street::start() else { return };
    street.put_here("file", b"x");
    tree(&street.laptop().join("one"));
    tree(&street.laptop().join("two"));
    let cases: [(&[&str], i32, &str); 6] = [
        (&["file", "acc-pvt:to"], 2, "file: not a folder: only a folder can be synced"),
        (&["one", "two", "acc-pvt:"], 2, "one folder at a time can be synced"),
        (&["--max-delete", "5", "one", "acc-pvt:to"], 2, "--delete"),
        (&["--exclude", "/", "one", "acc-pvt:to"], 2, "--exclude `/`: there is no name in the pattern"),
        (&["one", "one/inside"], 2, "the destination lies inside the source"),
        (&["no-such", "acc-pvt:to"], 11, "no-such"),
    ];
    for (words, code, says) in cases {
        let ran = sync(&street, words);
        assert!(ran.code == Some(code) && ran.stderr.contains(says), "{words:?}: {ran}");
    }
    assert!(!street.home(ACC_PVT).join("to").exists() && !street.laptop().join("one/inside").exists());
}
