//! With a key made for the copy: the destination's authorized_keys has one line more for a moment, and then, byte for
//! byte, what it had before.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;

use super::tools::Footprints;
use super::{cp, fetching, goes_straight, is_direct, under_way};
use crate::end_to_end::{noise, tree};
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Outcome, Plan, Process, Street, run, until};
use crate::whole::ran::{Ran, run_while};
use crate::wire::{Cut, Direction, How, Link};

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

/// How a login ends that was not to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// Its ssh is killed.
    Master,
    /// The connection between the two is reset.
    Peering,
    /// The way from here to who logs in is gone.
    Way,
    /// The way from here to where it logs in is gone.
    OtherWay,
}

/// A street on which `by` logs in at `at` with a key made for it, over a slow link, to copy a large file.
struct Long {
    street: Street,
    footprints: Footprints,
    content: Vec<u8>,
    by: &'static str,
    at: &'static str,
}

impl Long {
    fn start(footprints: Footprints, by: &'static str) -> Option<Long> {
        let at = if by == ACC_PVT { DELL_PVT } else { ACC_PVT };
        let slow = Link { rate: Some(16 << 20), window: 512 << 10, ..Link::default() };
        let plan =
            footprints.plan().link(at, slow).link(ACC_BASTION, Link::default()).link(DELL_BASTION, Link::default());
        let street = plan.sshd(at, "AuthorizedKeysFile .ssh/authorized_keys %h/../authorized_keys").start()?;
        let content = noise(9, 24 << 20);
        street.put(at, ".ssh/authorized_keys", ODD);
        street.put(ACC_PVT, "large", &content);
        Some(Long { street, footprints, content, by, at })
    }

    /// Copies, and loses the login on the way.
    fn loses(&self, loss: Loss) -> Ran {
        let street = &self.street;
        let mut command = cp(street, ["-R", "--direct-auth", "ephemeral"]);
        command.args(fetching(street, ACC_PVT).into_iter().filter(|_| self.by == DELL_PVT));
        let mut is_lost = false;
        let ran = run_while(command.args(["acc-pvt:large", "dell-pvt:"]), |_, _| {
            if !is_lost && under_way(street) {
                self.lose(loss);
                is_lost = true;
            }
        });
        assert!(is_lost && is_direct(&ran.stderr), "{loss:?}: {ran}");
        ran
    }

    fn lose(&self, loss: Loss) {
        let wire = |host| self.street.server(host).wire.as_ref().expect("planned");
        let bastion = |host| if host == ACC_PVT { ACC_BASTION } else { DELL_BASTION };
        let direction = if self.by == ACC_PVT { Direction::Up } else { Direction::Down };
        match loss {
            Loss::Master => self.street.server(self.by).processes_named("ssh").iter().for_each(Process::kill),
            Loss::Peering => wire(self.at).arm(Some(Cut { direction, at: 1 << 20, how: How::Reset })),
            Loss::Way | Loss::OtherWay => {
                let wire = wire(bastion(if loss == Loss::Way { self.by } else { self.at }));
                wire.fall_silent();
                std::thread::sleep(std::time::Duration::from_millis(100));
                wire.bury();
                std::thread::sleep(std::time::Duration::from_millis(100));
                wire.arm(None);
            }
        }
    }

    /// Folder, socket and process; the key's line, and what stood beside it.
    fn nothing_is_left(&self) {
        self.footprints.are_gone(&self.street, 2);
        let ssh = self.street.home(self.at).join(".ssh");
        until("the line is gone", || fs::read(ssh.join("authorized_keys")).is_ok_and(|text| text == ODD));
        until("its folder is gone", || fs::read_dir(&ssh).is_ok_and(|left| left.count() == 1));
    }
}

#[test]
fn a_lost_login_is_had_again_with_another_key_and_nothing_is_left() {
    each_loss_costs_one_more_key(ACC_PVT);
}

#[test]
fn a_lost_login_of_who_fetches_is_had_again_with_another_key_too() {
    each_loss_costs_one_more_key(DELL_PVT);
}

fn each_loss_costs_one_more_key(by: &'static str) {
    let Some(long) = Long::start(Footprints::new(), by) else { return };
    for loss in [Loss::Master, Loss::Peering, Loss::Way, Loss::OtherWay] {
        let ran = long.loses(loss);
        let line = ran.stderr.lines().find(|line| line.starts_with("agent: ")).unwrap_or_default();
        assert!(ran.code == Some(0) && line.starts_with("agent: 2 signatures for "), "{loss:?}: {ran}");
        assert!(line.ends_with(" by an ephemeral key, 0 refused"), "{loss:?}: {ran}");
        let arrived = long.street.home(DELL_PVT).join("large");
        assert!(fs::read(&arrived).is_ok_and(|there| there == long.content), "{loss:?}: {ran}");
        fs::remove_file(arrived).expect("remove it");
        long.nothing_is_left();
    }
}
