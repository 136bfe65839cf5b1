//! Both kinds of login, however the copy ends: no private key was ever on a host, and no agent's socket, line, folder or
//! process is left on one.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rustix::process::Signal;

use super::ephemeral::{keys, plan};
use super::tools::keys_below;
use super::{at_once, cp};
use crate::end_to_end::noise;
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Street, until};
use crate::wire::Link;

const HOSTS: [&str; 4] = [ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT];
const BEFORE: &[u8] = b"# mine\n";

/// A copy at work, and the places outside of homes that it uses on the source.
struct AtWork {
    street: Street,
    child: Child,
    places: BTreeSet<PathBuf>,
}

fn at_work(auth: &str, mebibytes: usize) -> Option<AtWork> {
    let slow = Link { rate: Some(1 << 20), ..Link::default() };
    let street = plan().link(DELL_PVT, slow).start()?;
    street.put(DELL_PVT, ".ssh/authorized_keys", BEFORE);
    street.put(ACC_PVT, "large", &noise(6, mebibytes << 20));
    let mut command = cp(&street, ["-R", "--retries", "0", "--direct-auth", auth, "acc-pvt:large", "dell-pvt:"]);
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().expect("hop cp");
    let is_under_way = |part: &PathBuf| fs::metadata(part).is_ok_and(|found| found.len() > 0);
    until("bytes arrive", || Street::parts(street.home(DELL_PVT)).iter().any(is_under_way));
    let places = places(&street);
    assert!(places.len() >= 2, "a private folder and a socket: {places:?}");
    Some(AtWork { street, child, places })
}

/// What processes of the copy are told of: the agent's socket, and the private folder.
fn places(street: &Street) -> BTreeSet<PathBuf> {
    let environments = street.server(ACC_PVT).processes().into_iter().map(|process| {
        let environment = fs::read(format!("/proc/{}/environ", process.id)).unwrap_or_default();
        String::from_utf8_lossy(&environment).into_owned()
    });
    let found = environments.flat_map(|text| {
        let value = |name: &str| text.split('\0').find_map(|pair| pair.strip_prefix(name).map(PathBuf::from));
        let above = |path: PathBuf| path.parent().map(Path::to_owned);
        [value("HOP_LENT=").and_then(above), value("SSH_AUTH_SOCK=").and_then(above)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
    });
    found.collect()
}

/// Every socket below a folder.
fn sockets_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let Ok(kind) = fs::symlink_metadata(&path).map(|found| found.file_type()) else { continue };
        match () {
            () if kind.is_dir() => found.extend(sockets_below(&path)),
            () if kind.is_socket() => found.push(path),
            () => {}
        }
    }
    found
}

fn no_secrets(street: &Street, places: &BTreeSet<PathBuf>) {
    for host in HOSTS {
        assert_eq!(sockets_below(street.home(host)), Vec::<PathBuf>::new(), "{host}");
        assert_eq!(keys_below(street.home(host)), Vec::<PathBuf>::new(), "{host}");
        for process in street.server(host).processes() {
            let told = |file: &str| fs::read(format!("/proc/{}/{file}", process.id)).unwrap_or_default();
            let told = [told("environ"), told("cmdline")].concat();
            assert!(!String::from_utf8_lossy(&told).contains("PRIVATE KEY"), "{host}: {process:?}");
        }
    }
    for place in places {
        assert_eq!(keys_below(place), Vec::<PathBuf>::new(), "{place:?}");
    }
}

fn nothing_is_left(street: &Street, places: &BTreeSet<PathBuf>) {
    for host in [ACC_PVT, DELL_PVT] {
        let others = || street.server(host).processes().into_iter().filter(|process| process.name != "sshd").count();
        until(&format!("nothing of it runs on {host}"), || others() == 0);
    }
    until("folder and socket are gone", || places.iter().all(|place| !place.exists()));
    until("the line is gone", || fs::read(keys(street)).is_ok_and(|text| text == BEFORE));
    let ssh = fs::read_dir(street.home(DELL_PVT).join(".ssh")).expect("it is there");
    assert_eq!(ssh.count(), 1, "nothing else is left there");
    no_secrets(street, places);
}

enum End {
    ByItself,
    LoginLost,
    Signal(Signal),
}

fn ends(auth: &str, end: &End) {
    let mebibytes = if matches!(end, End::ByItself) { 8 } else { 64 };
    let Some(AtWork { street, mut child, places }) = at_work(auth, mebibytes) else { return };
    no_secrets(&street, &places);
    match end {
        End::ByItself => {}
        End::LoginLost => street.server(ACC_PVT).processes_named("ssh").iter().for_each(|ssh| ssh.kill()),
        End::Signal(signal) => {
            rustix::process::kill_process(rustix::process::Pid::from_child(&child), *signal).expect("signal hop");
        }
    }
    let code = child.wait().expect("wait for hop").code();
    assert_eq!(code == Some(0), matches!(end, End::ByItself), "{auth}: {code:?}");
    nothing_is_left(&street, &places);
}

fn each(all: &[End]) {
    at_once(["agent", "ephemeral"], |auth| all.iter().for_each(|end| ends(auth, end)));
}

#[test]
fn nothing_is_left_after_success_and_failure() {
    each(&[End::ByItself, End::LoginLost]);
}

#[test]
fn nothing_is_left_after_an_interrupt_and_a_kill() {
    each(&[End::Signal(Signal::INT), End::Signal(Signal::KILL)]);
}
