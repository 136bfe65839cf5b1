//! What servers say in one word for many things ("failure", "bad message") is told as what it is, with the way on.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Untidy, content, write};
use crate::pseudorandom::noise;
use crate::skips::{need, need_root};
use crate::street::{ACC_PVT, Street, run, until};
use crate::whole::ways::Way;

/// Mounts a host's disk anew, with this option.
fn remount(street: &Street, how: &str) {
    let server = street.server(ACC_PVT);
    let process = server.processes_named("sshd").first().expect("it runs").id.to_string();
    let disk = street.home(ACC_PVT).join("disk").display().to_string();
    let mut enter = Command::new("nsenter");
    let ran = run(enter.args(["-t", &process, "-m", "mount", "-o", &format!("remount,{how}"), &disk]));
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn a_read_only_file_system_is_told() {
    if !need_root("only root can mount a host's disk anew") || need("nsenter").is_none() {
        return;
    }
    let Some(street) = Street::plan().disk(ACC_PVT, 8).start() else { return };
    street.put_here("tree/f", b"content");
    for words in [&["cp", "-r", "tree", "acc-pvt:disk/"][..], &["sync", "--delete", "tree/", "acc-pvt:disk/tree"]] {
        fs::write(street.server(ACC_PVT).inside("disk/old"), "old").expect("write it");
        remount(&street, "ro");
        let ran = run(street.hop(words[0]).args(&words[1..]));
        assert_eq!(ran.code, Some(23), "{ran}");
        assert!(ran.stderr.contains("the file system there is read-only"), "{words:?}: {ran}");
        assert!(ran.stderr.contains("hint: mount it for writing there"), "{words:?}: {ran}");
        remount(&street, "rw");
        let ran = run(street.hop(words[0]).args(&words[1..]));
        assert_eq!(ran.code, Some(0), "{ran}");
    }
}

#[test]
fn a_name_that_is_too_long_is_told() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"content");
    let long = "n".repeat(256);
    let ran = run(street.hop("cp").args(["f", &format!("acc-pvt:{long}")]));
    assert!(ran.code.is_some_and(|code| code != 0), "{ran}");
    assert!(ran.stderr.contains("the name has 256 bytes, more than the file system there takes"), "{ran}");
    assert!(ran.stderr.contains("hint: give the file a shorter name"), "{ran}");
    assert_eq!(run(street.hop("cp").args(["f", &format!("acc-pvt:{}", &long[1..])])).code, Some(0));
}

#[test]
fn a_part_of_another_user_is_told_and_left_alone() {
    if !need_root("root can give a part to another user") {
        return;
    }
    let Some(untidy) = Untidy::new(Way::Up) else { return };
    let large = noise(3, 8 << 20);
    write(&untidy.from("large"), &large);
    fs::create_dir(untidy.to("")).expect("make it");
    let target = "acc-pvt:to/large";
    untidy.own();
    let mut child = untidy.street.hop("cp").args(["--bwlimit", "2M", "from/large", target]).spawn().expect("start hop");
    let parts = || Street::parts(&untidy.to(""));
    let length = |part: &Path| fs::metadata(part).map_or(0, |part| part.len());
    until("some of it is there", || parts().first().is_some_and(|part| length(part) > 1 << 20));
    child.kill().expect("kill it");
    child.wait().expect("wait for it");
    let part = parts().pop().expect("a part");
    for path in [&part, &untidy.to("")] {
        std::os::unix::fs::chown(path, Some(0), Some(0)).expect("give it to root");
    }
    super::set_mode(&untidy.to(""), 0o1777);
    let ran = run(untidy.street.hop("cp").args(["from/large", target]));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stderr.contains("is what another user's run has left of the same file"), "{ran}");
    assert!(fs::read(untidy.to("large")).expect("there") == large && part.exists(), "{ran}");
    // one of our own is no matter
    write(&untidy.from("small"), &content(1));
    let ran = run(untidy.street.hop("cp").args(["from/small", target]));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
}
