//! What passes this machine, and what is left: the data does not, and nothing is, however the copy ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::{cp, goes_straight};
use crate::end_to_end::{noise, tree};
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Street, run, until};
use crate::wire::{Direction, Link};

#[test]
fn the_data_does_not_pass_this_machine() {
    let plan = Street::plan().link(ACC_BASTION, Link::default()).link(DELL_BASTION, Link::default());
    let Some(street) = plan.start() else { return };
    let content = noise(5, 64 << 20);
    street.put(ACC_PVT, "large", &content);
    goes_straight(cp(&street, ["-R", "acc-pvt:large", "dell-pvt:"]));
    assert!(fs::read(street.home(DELL_PVT).join("large")).expect("it is there") == content);
    let passed = |host: &str| {
        let wire = street.server(host).wire.as_ref().expect("planned above");
        wire.bytes(Direction::Up) + wire.bytes(Direction::Down)
    };
    let all = passed(ACC_BASTION) + passed(DELL_BASTION);
    assert!(all < 1 << 20, "{all} bytes");
}

/// A copy over a link so slow that it can be caught at work.
fn slow() -> Option<(Street, Child, PathBuf)> {
    let slow = Link { rate: Some(1 << 20), delay: Duration::ZERO, ..Link::default() };
    let street = Street::plan().link(DELL_PVT, slow).start()?;
    street.put(ACC_PVT, "large", &noise(6, 32 << 20));
    let mut command = cp(&street, ["-R", "acc-pvt:large", "dell-pvt:"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("hop cp");
    until("bytes arrive", || Street::parts(street.home(DELL_PVT)).iter().any(|part| size(part) > 0));
    let folder = private_folder(&street);
    Some((street, child, folder))
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |found| found.len())
}

/// The folder on the source, out of what a process there was given.
fn private_folder(street: &Street) -> PathBuf {
    let environments = street.server(ACC_PVT).processes().into_iter().map(|process| {
        let environment = fs::read(format!("/proc/{}/environ", process.id)).unwrap_or_default();
        String::from_utf8_lossy(&environment).into_owned()
    });
    let found = environments.filter_map(|text| {
        let config = text.split('\0').find_map(|pair| pair.strip_prefix("HOP_LENT="))?.to_owned();
        PathBuf::from(config).parent().map(PathBuf::from)
    });
    found.into_iter().next().expect("a process with a private folder")
}

/// No process of the copy, no private folder, no agent's socket; only the part, which the next run needs.
fn nothing_is_left(street: &Street, folder: &Path) {
    for host in [ACC_PVT, DELL_PVT] {
        let at_work = || {
            let all = street.server(host).processes().into_iter();
            all.map(|process| process.name).filter(|name| name != "sshd").collect::<Vec<_>>()
        };
        until("nothing of it runs there", || at_work().is_empty());
    }
    until("the private folder is gone", || !folder.exists());
    let home = tree(street.home(ACC_PVT));
    assert!(home.keys().all(|name| name == "large"), "{:?}", home.keys());
}

#[test]
fn nothing_is_left_after_an_interrupt() {
    let Some((street, mut child, folder)) = slow() else { return };
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, Signal::INT).expect("interrupt hop");
    assert_eq!(child.wait().expect("wait for hop").code(), Some(130));
    nothing_is_left(&street, &folder);
}

#[test]
fn nothing_is_left_after_a_kill() {
    let Some((street, mut child, folder)) = slow() else { return };
    child.kill().expect("kill hop");
    child.wait().expect("wait for hop");
    nothing_is_left(&street, &folder);
}

#[test]
fn a_login_that_is_lost_is_said_and_the_next_run_converges() {
    let Some((street, mut child, folder)) = slow() else { return };
    for ssh in street.server(ACC_PVT).processes_named("ssh") {
        ssh.kill();
    }
    assert_eq!(child.wait().expect("wait for hop").code(), Some(10));
    nothing_is_left(&street, &folder);
    assert!(!street.home(DELL_PVT).join("large").exists(), "no torn file");
    fs::write(street.home(ACC_PVT).join("large"), b"smaller").expect("change the source");
    let ran = run(&mut cp(&street, ["-R", "acc-pvt:large", "dell-pvt:"]));
    assert_eq!(
        (ran.code, fs::read(street.home(DELL_PVT).join("large")).ok()),
        (Some(0), Some(b"smaller".to_vec())),
        "{ran}"
    );
}
