//! With a key made for the copy: the destination's authorized_keys has one line more for a moment, and then, byte for
//! byte, what it had before.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;

use super::{cp, fetching, goes_straight};
use crate::end_to_end::{noise, tree};
use crate::street::{ACC_PVT, DELL_PVT, Outcome, Plan, Street, run};

/// As odd as such a file may be: no end of line, bytes that are no UTF-8, and what looks like a line of hop's.
const ODD: &[u8] = b"# mine \xff\r\n\n restrict,x hop-ephemeral-1-0123456789abcdef \nssh-ed25519 AAAA me@home";

/// A street whose last host reads the file in the home folder, too.
pub fn plan() -> Plan {
    Street::plan().sshd(DELL_PVT, "AuthorizedKeysFile .ssh/authorized_keys %h/../authorized_keys")
}

pub fn keys(street: &Street) -> PathBuf {
    street.home(DELL_PVT).join(".ssh/authorized_keys")
}

/// `hop cp -R --direct-auth ephemeral`, with a file to copy.
fn copied(street: &Street) -> Outcome {
    street.put(ACC_PVT, "f", b"content");
    goes_straight(cp(street, ["-R", "--direct-auth", "ephemeral", "acc-pvt:f", "dell-pvt:"]))
}

#[test]
fn a_key_made_for_the_copy_logs_in_and_is_gone() {
    let Some(street) = plan().start() else { return };
    let before = street.put(DELL_PVT, ".ssh/authorized_keys", ODD);
    fs::set_permissions(&before, fs::Permissions::from_mode(0o640)).expect("set the mode");
    let (small, large) = (noise(1, 12_345), noise(2, 9_000_000));
    street.put(ACC_PVT, "tree/small", &small);
    street.put(ACC_PVT, "tree/large", &large);
    let ran = goes_straight(cp(&street, ["-Rr", "--direct-auth", "ephemeral", "acc-pvt:tree", "dell-pvt:"]));
    assert!(
        ran.stderr.contains("with an ephemeral key, tier A") && ran.stderr.contains(" by an ephemeral key, 0"),
        "{ran}"
    );
    assert!(fs::read(street.home(DELL_PVT).join("tree/small")).expect("it is there") == small);
    assert!(fs::read(street.home(DELL_PVT).join("tree/large")).expect("it is there") == large);
    assert_eq!(fs::read(&before).expect("it is there"), ODD);
    assert_eq!(before.metadata().expect("it is there").mode() & 0o777, 0o640);
    let names: Vec<_> = tree(street.home(DELL_PVT)).into_keys().collect();
    assert_eq!(names.len(), 5, "nothing else is left: {names:?}");
}

#[test]
fn where_the_destination_fetches_the_source_lets_the_key_in() {
    let keys = "AuthorizedKeysFile .ssh/authorized_keys %h/../authorized_keys";
    let Some(street) = Street::plan().sshd(ACC_PVT, keys).start() else { return };
    let (small, large) = (noise(1, 12_345), noise(2, 9_000_000));
    street.put(ACC_PVT, "tree/small", &small);
    street.put(ACC_PVT, "tree/large", &large);
    let mut command = cp(&street, ["-Rr", "--direct-auth", "ephemeral"]);
    command.args(fetching(&street, ACC_PVT)).args(["acc-pvt:tree", "dell-pvt:"]);
    let ran = goes_straight(command);
    assert!(
        ran.stderr.contains("dell-pvt fetches straight from ") && ran.stderr.contains("with an ephemeral key"),
        "{ran}"
    );
    assert!(fs::read(street.home(DELL_PVT).join("tree/small")).expect("it is there") == small);
    assert!(fs::read(street.home(DELL_PVT).join("tree/large")).expect("it is there") == large);
    assert!(!street.home(ACC_PVT).join(".ssh").exists(), "nothing else is left");
}

#[test]
fn where_there_was_no_file_there_is_none() {
    let Some(street) = plan().start() else { return };
    copied(&street);
    assert!(!street.home(DELL_PVT).join(".ssh").exists());
    fs::create_dir(street.home(DELL_PVT).join(".ssh")).expect("a folder");
    street.own(DELL_PVT);
    copied(&street);
    assert_eq!(fs::read_dir(street.home(DELL_PVT).join(".ssh")).expect("it stays").count(), 0);
}

#[test]
fn json_and_a_dry_run_tell_it() {
    let Some(street) = plan().start() else { return };
    street.put(ACC_PVT, "f", b"content");
    let words = ["acc-pvt:f", "dell-pvt:"];
    let ran = run(cp(&street, ["--json"]).args(words).env("HOP_DIRECT_AUTH", "ephemeral"));
    let objects =
        ran.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("an object a line"));
    let agent = objects.into_iter().find(|object| object["event"] == "agent").expect("it is told");
    assert_eq!((&agent["auth"], &agent["signatures"]), (&"ephemeral".into(), &1.into()), "{ran}");
    let ran = run(cp(&street, ["--dry-run", "--direct-auth", "ephemeral"]).args(words));
    assert!(ran.stderr.contains("with an ephemeral key; the login is not tried"), "{ran}");
    assert!(!street.home(DELL_PVT).join(".ssh").exists(), "a dry run writes nothing");
}

#[test]
fn a_file_that_is_not_ones_own_to_change_is_left_alone() {
    let Some(street) = plan().start() else { return };
    street.put(ACC_PVT, "f", b"content");
    let other = street.put(DELL_PVT, "elsewhere", ODD);
    fs::create_dir(street.home(DELL_PVT).join(".ssh")).expect("a folder");
    symlink(&other, keys(&street)).expect("a link");
    street.own(DELL_PVT);
    let refused = |says: &str| {
        let ran = run(&mut cp(&street, ["-R", "--direct-auth", "ephemeral", "acc-pvt:f", "dell-pvt:"]));
        assert!(ran.code == Some(14) && ran.stderr.contains(says), "{ran}");
        assert!(ran.stderr.contains("hint: ") && !street.home(DELL_PVT).join("f").exists(), "{ran}");
        assert_eq!(
            fs::read_dir(street.home(DELL_PVT).join(".ssh")).expect("it is there").count(),
            1,
            "nothing is left"
        );
    };
    refused("the file is a symbolic link");
    fs::remove_file(keys(&street)).expect("remove it");
    street.put(DELL_PVT, ".ssh/authorized_keys", ODD);
    if street.own_homes() && rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(keys(&street), Some(0), Some(0)).expect("give it away");
        refused("belongs to somebody else");
    }
}

#[test]
fn a_server_that_reads_another_file_is_told_of() {
    let Some(street) = Street::start() else { return };
    let before = street.put(DELL_PVT, ".ssh/authorized_keys", ODD);
    street.put(ACC_PVT, "f", b"content");
    let ran = run(&mut cp(&street, ["-R", "--direct-auth", "ephemeral", "acc-pvt:f", "dell-pvt:"]));
    assert!(ran.code == Some(14) && ran.stderr.contains("dell-pvt refused the login from acc-pvt"), "{ran}");
    assert!(ran.stderr.contains("AuthorizedKeysFile"), "{ran}");
    assert_eq!(fs::read(before).expect("it is there"), ODD);
}
