//! Files whose content is there, and whose mode or times are not the source's: these are set, and nothing is sent.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use super::{Untidy, mode, mtime, set_mode, set_time, write};
use crate::street::{ACC_PVT, Street};
use crate::whole::ways::{WAYS, Way};

#[test]
fn a_change_of_mode_alone_arrives() {
    for way in WAYS {
        let Some(untidy) = Untidy::new(way) else { return };
        for file in ["wider", "stricter", "same"] {
            write(&untidy.from(file), file.as_bytes());
            set_mode(&untidy.from(file), 0o640);
        }
        assert_eq!(untidy.run("sync", &[]).code, Some(0), "{way:?}");
        let inode = fs::metadata(untidy.to("wider")).expect("there").ino();
        set_mode(&untidy.from("wider"), 0o755);
        set_mode(&untidy.from("stricter"), 0o600);
        for words in [&[][..], &["--checksum"]] {
            let ran = untidy.run("sync", &[words, &["--json"]].concat());
            assert_eq!((ran.code, ran.stdout.matches("\"event\":\"unchanged\"").count()), (Some(0), 3), "{ran}");
            let modes = ["wider", "stricter", "same"].map(|file| mode(&untidy.to(file)));
            assert_eq!(modes, [0o755, 0o600, 0o640], "{way:?} {words:?}: {ran}");
            assert_eq!(fs::metadata(untidy.to("wider")).expect("there").ino(), inode, "{way:?}: it was sent again");
            // the other end's is put right, too
            set_mode(&untidy.to("stricter"), 0o666);
            set_mode(&untidy.to("wider"), 0o700);
        }
    }
}

#[test]
fn a_dry_run_tells_what_would_be_set_and_sets_nothing() {
    for way in WAYS {
        let Some(untidy) = Untidy::new(way) else { return };
        for file in ["mode", "same", "content"] {
            write(&untidy.from(file), file.as_bytes());
        }
        assert_eq!(untidy.run("sync", &[]).code, Some(0), "{way:?}");
        set_mode(&untidy.from("mode"), 0o600);
        set_time(&untidy.from("content"), 1_600_000_000);
        write(&untidy.from("content"), b"another one");
        let before = mode(&untidy.to("mode"));
        let ran = untidy.run("sync", &["--dry-run"]);
        let said = |what: &str| ran.stdout.lines().filter(|line| line.contains(what)).count();
        assert_eq!((ran.code, said("set mode and times of "), said("/mode")), (Some(0), 1, 1), "{way:?}: {ran}");
        assert_eq!((said(" -> "), said("/same")), (1, 0), "{way:?}: {ran}");
        let ran = untidy.run("sync", &["--dry-run", "--json"]);
        assert_eq!(ran.stdout.matches("\"event\":\"planned_repair\"").count(), 1, "{way:?}: {ran}");
        assert_eq!(mode(&untidy.to("mode")), before, "{way:?}: {ran}");
        assert_eq!(untidy.run("sync", &[]).code, Some(0), "{way:?}");
        assert_eq!(mode(&untidy.to("mode")), 0o600, "{way:?}");
    }
}

#[test]
fn a_single_file_gets_its_mode_with_p_alone() {
    let Some(untidy) = Untidy::new(Way::Up) else { return };
    write(&untidy.from("f"), b"content");
    set_mode(&untidy.from("f"), 0o640);
    assert_eq!(untidy.run("sync", &[]).code, Some(0));
    set_mode(&untidy.from("f"), 0o600);
    for (words, left) in [(&["--update"][..], 0o640), (&["--update", "-p"], 0o600)] {
        let mut command = untidy.street.hop_as_user("cp");
        let ran = crate::whole::ran::run(command.args(words).args(["from/f", "acc-pvt:to/f"]));
        assert_eq!((ran.code, mode(&untidy.to("f"))), (Some(0), left), "{words:?}: {ran}");
    }
}

#[test]
fn times_are_put_right_where_the_content_is_the_same() {
    for way in WAYS {
        let Some(untidy) = Untidy::new(way) else { return };
        write(&untidy.from("f"), b"the same");
        assert_eq!(untidy.run("sync", &[]).code, Some(0), "{way:?}");
        set_time(&untidy.from("f"), 1_600_000_000);
        let inode = fs::metadata(untidy.to("f")).expect("there").ino();
        let ran = untidy.run("sync", &["--checksum"]);
        assert_eq!((ran.code, mtime(&untidy.to("f"))), (Some(0), 1_600_000_000), "{way:?}: {ran}");
        assert_eq!(fs::metadata(untidy.to("f")).expect("there").ino(), inode, "{way:?}: it was sent again");
    }
}

#[test]
fn a_file_that_cannot_be_read_there_goes_again() {
    let Some(untidy) = Untidy::new(Way::Up) else { return };
    write(&untidy.from("f"), b"content");
    assert_eq!(untidy.run("sync", &[]).code, Some(0));
    let wanted = mode(&untidy.from("f"));
    set_mode(&untidy.to("f"), 0);
    let ran = untidy.run("sync", &[]);
    assert_eq!((ran.code, mode(&untidy.to("f"))), (Some(0), wanted), "{ran}");
}

#[test]
fn a_mode_that_may_not_be_set_is_told() {
    if !crate::skips::need_root("root can give a file to another user") {
        return;
    }
    let Some(untidy) = Untidy::new(Way::Up) else { return };
    write(&untidy.from("f"), b"content");
    assert_eq!(untidy.run("sync", &[]).code, Some(0));
    set_mode(&untidy.from("f"), 0o600);
    let mut command = untidy.command("sync", &[]);
    std::os::unix::fs::chown(untidy.to("f"), Some(0), Some(0)).expect("give it to root");
    let ran = crate::whole::ran::run(&mut command);
    assert_eq!(ran.code, Some(23), "{ran}");
    assert!(ran.stderr.contains("land: to/f: permission denied"), "{ran}");
}

#[test]
fn nothing_is_set_through_a_link() {
    let Some(untidy) = Untidy::with(Way::Up, Street::plan()) else { return };
    write(&untidy.from("f"), b"content");
    let secret = untidy.street.put(ACC_PVT, "secret", b"content");
    set_mode(&secret, 0o600);
    fs::create_dir(untidy.to("")).expect("make it");
    std::os::unix::fs::symlink(&secret, untidy.to("f")).expect("make a link");
    let ran = untidy.run("sync", &["--checksum"]);
    assert_eq!((ran.code, mode(&secret)), (Some(0), 0o600), "{ran}");
    assert!(fs::symlink_metadata(untidy.to("f")).expect("there").is_file(), "{ran}");
}
