//! F42: hop is gone while the host that logs in is about to, or has. Killed at a moment that the seed decides, or vanished
//! without a word, or asleep for longer than it may be: nothing of the copy lives on, on either host.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::tools::Footprints;
use super::{at_once, cp, fetching, is_direct, under_way};
use crate::end_to_end::noise;
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Street, run, until_within};
use crate::whole::ran::run_while;
use crate::whole::ways::seeds;
use crate::wire::{Link, somewhere};

/// How long what ends by itself may live, and a busy machine's share.
const SOON: Duration = Duration::from_secs(15);

/// The shortest `--timeout` with time enough to log in; what the hosts wait for hop is that and fifteen seconds.
const TIMEOUT: &str = "5s";
const PATIENCE: Duration = Duration::from_secs(5 + 15);

/// Both ways: acc-pvt sends, dell-pvt fetches.
const BY: [&str; 2] = [ACC_PVT, DELL_PVT];

fn copy(street: &Street, by: &str, words: &[&str]) -> Command {
    let mut command = cp(street, fetching(street, ACC_PVT).iter().filter(|_| by == DELL_PVT));
    command.args(["-R", "--timeout", TIMEOUT]).args(words).args(["acc-pvt:file", "dell-pvt:"]);
    command
}

fn started(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("hop cp")
}

fn signal(child: &Child, signal: Signal) {
    // it may have ended by itself
    let _ = kill_process(Pid::from_child(child), signal);
}

/// What runs on a host besides its sshd and the servers of sessions that it believes to be alive.
fn at_work(street: &Street, host: &str) -> Vec<String> {
    let names = street.server(host).processes().into_iter().map(|process| process.name);
    names.filter(|name| !name.starts_with("sshd") && name != "sftp-server").collect()
}

/// How long it took until nothing did.
fn nothing_runs(street: &Street, within: Duration, when: &str) -> Duration {
    let alive = || BY.map(|host| at_work(street, host));
    let began = Instant::now();
    while alive().iter().any(|names| !names.is_empty()) {
        assert!(began.elapsed() < within, "{when}: alive on acc-pvt, dell-pvt: {:?}", alive());
        std::thread::sleep(Duration::from_millis(20));
    }
    began.elapsed()
}

/// Of 300 moments a sample, unless `HOP_SEEDS` says so.
#[test]
fn hop_is_killed_while_a_host_logs_in() {
    let footprints = Footprints::new();
    let Some(street) = footprints.plan().start() else { return };
    street.put(ACC_PVT, "file", &noise(1, 300_000));
    let (mut count, mut slowest) = (0, Duration::ZERO);
    for seed in seeds(0, 1) {
        let (by, which) = (BY[(seed % 2) as usize], [Signal::HUP, Signal::TERM, Signal::KILL][(seed % 3) as usize]);
        let (before, moment) = (footprints.made().len(), Duration::from_millis(somewhere(seed, 0..700)));
        let mut child = started(&mut copy(&street, by, &[]));
        // a folder is the first that is made for a login; one in four is killed before
        let has_begun = || footprints.made().len() > before;
        let began = Instant::now();
        while seed % 4 != 0 && !has_begun() && began.elapsed() < SOON {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(moment);
        signal(&child, which);
        child.wait().expect("wait for hop");
        let ended = nothing_runs(&street, SOON, &format!("F42 seed {seed}: {which:?} by {by} after {moment:?}"));
        slowest = slowest.max(ended);
        footprints.are_gone(&street, before);
        count += 1;
    }
    let ran = run(&mut copy(&street, ACC_PVT, &[]));
    assert_eq!(ran.code, Some(0), "{ran}");
    eprintln!("F42: {count} seeds; nothing ran any more after {slowest:.1?} at most");
}

/// A copy at work, both of whose ways from here can fall silent.
fn at_work_far_away(footprints: &Footprints, by: &'static str) -> Option<Street> {
    let slow = Link { rate: Some(1 << 20), ..Link::default() };
    let behind = if by == ACC_PVT { DELL_PVT } else { ACC_PVT };
    let plan = footprints.plan().link(ACC_BASTION, Link::default()).link(DELL_BASTION, Link::default());
    // where an ephemeral key is let in
    let keys = "AuthorizedKeysFile .ssh/authorized_keys %h/../authorized_keys";
    let street = plan.sshd(behind, keys).link(behind, slow).start()?;
    street.put(ACC_PVT, "file", &noise(2, 32 << 20));
    Some(street)
}

#[test]
fn what_hop_has_left_without_a_word_ends_by_itself() {
    at_once(BY.into_iter().flat_map(|by| [(by, "agent"), (by, "ephemeral")]), |(by, auth)| {
        let footprints = Footprints::new();
        let Some(street) = at_work_far_away(&footprints, by) else { return };
        let mut child = started(&mut copy(&street, by, &["--direct-auth", auth]));
        until_within(SOON * 4, "bytes arrive", || under_way(&street));
        for bastion in [ACC_BASTION, DELL_BASTION] {
            street.server(bastion).wire.as_ref().expect("a link").fall_silent();
        }
        signal(&child, Signal::KILL);
        child.wait().expect("wait for hop");
        nothing_runs(&street, PATIENCE + SOON, &format!("{by} {auth}"));
        footprints.folders_are_gone();
    });
}

#[test]
fn a_copy_that_slept_too_long_logs_in_anew() {
    at_once(BY, |by| {
        let footprints = Footprints::new();
        let Some(street) = at_work_far_away(&footprints, by) else { return };
        street.put(ACC_PVT, "file", &noise(3, 10 << 20));
        let mut has_slept = false;
        let ran = run_while(&mut copy(&street, by, &[]), |child, _| {
            if !has_slept && under_way(&street) {
                signal(child, Signal::STOP);
                nothing_runs(&street, PATIENCE + SOON, &format!("asleep: {by}"));
                signal(child, Signal::CONT);
                has_slept = true;
            }
        });
        assert!(has_slept && ran.code == Some(0) && is_direct(&ran.stderr), "{by}: {ran}");
        assert!(ran.stderr.contains("agent: 2 signatures for "), "{by}: {ran}");
        let arrived = fs::read(street.home(DELL_PVT).join("file")).expect("it is there");
        assert!(arrived == noise(3, 10 << 20), "{by}: it is another");
        footprints.are_gone(&street, 2);
    });
}
