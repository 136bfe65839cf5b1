//! What passes this machine, and what is left: the data does not, and nothing is, however the copy ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::{cp, fetching, goes_straight};
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

/// A copy over a link so slow that it can be caught at work, by the host named first, which logs in at the other.
struct AtWork {
    street: Street,
    child: Child,
    /// Private folders, on whichever host.
    folders: Vec<PathBuf>,
}

/// acc-pvt sends.
fn slow() -> Option<AtWork> {
    at_work(DELL_PVT, |_| Vec::new(), ACC_PVT)
}

/// dell-pvt fetches.
fn slow_fetched() -> Option<AtWork> {
    at_work(ACC_PVT, |street| fetching(street, ACC_PVT).to_vec(), DELL_PVT)
}

fn at_work(behind_link: &'static str, options: fn(&Street) -> Vec<String>, by: &'static str) -> Option<AtWork> {
    let slow = Link { rate: Some(1 << 20), delay: Duration::ZERO, ..Link::default() };
    let street = Street::plan().link(behind_link, slow).start()?;
    street.put(ACC_PVT, "large", &noise(6, 32 << 20));
    let mut command = cp(&street, options(&street));
    command.args(["-R", "acc-pvt:large", "dell-pvt:"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("hop cp");
    until("bytes arrive", || Street::parts(street.home(DELL_PVT)).iter().any(|part| size(part) > 0));
    let folders = private_folders(&street);
    assert!(!street.server(by).processes_named("ssh").is_empty(), "{by} logs in");
    Some(AtWork { street, child, folders })
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |found| found.len())
}

/// The folders on both hosts: the ones that processes there were given, and what else is called so and is not older.
fn private_folders(street: &Street) -> Vec<PathBuf> {
    let processes = [ACC_PVT, DELL_PVT].into_iter().flat_map(|host| street.server(host).processes());
    let texts = processes.flat_map(|process| ["environ", "cmdline"].map(|file| format!("/proc/{}/{file}", process.id)));
    let mut found: Vec<PathBuf> = texts.flat_map(|file| folders_in(&fs::read(file).unwrap_or_default())).collect();
    found.sort();
    found.dedup();
    assert!(!found.is_empty(), "a process with a private folder");
    found
}

/// `/tmp/hop.XXXXXXXXXX` wherever it is said.
fn folders_in(text: &[u8]) -> Vec<PathBuf> {
    let text = String::from_utf8_lossy(text);
    let names = text.split("/tmp/hop.").skip(1).filter_map(|rest| rest.get(..10));
    let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    names.filter(is_name).map(|name| PathBuf::from(format!("/tmp/hop.{name}"))).filter(|path| path.is_dir()).collect()
}

/// No process of the copy, no private folder, no agent's socket; only the part, which the next run needs.
fn nothing_is_left(street: &Street, folders: &[PathBuf]) {
    for host in [ACC_PVT, DELL_PVT] {
        let at_work = || {
            let all = street.server(host).processes().into_iter();
            all.map(|process| process.name).filter(|name| name != "sshd").collect::<Vec<_>>()
        };
        until("nothing of it runs there", || at_work().is_empty());
    }
    until("the private folders are gone", || folders.iter().all(|folder| !folder.exists()));
    let home = tree(street.home(ACC_PVT));
    assert!(home.keys().all(|name| name == "large"), "{:?}", home.keys());
}

fn ends_with_an_interrupt(AtWork { street, mut child, folders }: AtWork) {
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, Signal::INT).expect("interrupt hop");
    assert_eq!(child.wait().expect("wait for hop").code(), Some(130));
    nothing_is_left(&street, &folders);
}

fn ends_with_a_kill(AtWork { street, mut child, folders }: AtWork) {
    child.kill().expect("kill hop");
    child.wait().expect("wait for hop");
    nothing_is_left(&street, &folders);
}

#[test]
fn nothing_is_left_after_an_interrupt() {
    let Some(at_work) = slow() else { return };
    ends_with_an_interrupt(at_work);
    let Some(at_work) = slow_fetched() else { return };
    ends_with_an_interrupt(at_work);
}

#[test]
fn nothing_is_left_after_a_kill() {
    let Some(at_work) = slow() else { return };
    ends_with_a_kill(at_work);
    let Some(at_work) = slow_fetched() else { return };
    ends_with_a_kill(at_work);
}

#[test]
fn a_login_that_is_lost_is_said_and_the_next_run_converges() {
    let Some(at_work) = slow() else { return };
    is_lost(at_work, ACC_PVT);
    let Some(at_work) = slow_fetched() else { return };
    is_lost(at_work, DELL_PVT);
}

fn is_lost(AtWork { street, mut child, folders }: AtWork, by: &str) {
    for ssh in street.server(by).processes_named("ssh") {
        ssh.kill();
    }
    assert_eq!(child.wait().expect("wait for hop").code(), Some(10));
    nothing_is_left(&street, &folders);
    assert!(!street.home(DELL_PVT).join("large").exists(), "no torn file");
    fs::write(street.home(ACC_PVT).join("large"), b"smaller").expect("change the source");
    let ran = run(&mut cp(&street, ["-R", "acc-pvt:large", "dell-pvt:"]));
    assert_eq!(
        (ran.code, fs::read(street.home(DELL_PVT).join("large")).ok()),
        (Some(0), Some(b"smaller".to_vec())),
        "{ran}"
    );
}
