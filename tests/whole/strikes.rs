//! Faults that strike once, in the middle of a large file: a server or its session killed (F3), a half-close (F5), silence
//! (F6), a bastion that restarts (F7), a server that stops answering (F9). Each time hop goes on where it was.

use std::process::Command;
use std::time::Duration;

use super::invariants::{Case, Target};
use super::ran::{Ran, run_while};
use super::ways::{SIZE, WAYS, Way};
use crate::street::{ACC_BASTION, ACC_PVT, DELL_PVT, Process, Street};
use crate::wire::{Cut, Direction, How, Wire};
use rustix::process::Signal;

/// Bytes that have passed when the fault strikes.
const MIDDLE: u64 = 4 << 20;

const LIMIT: Duration = Duration::from_secs(75);

/// Calls `strike` once, when enough of the file has passed the link next to the private server.
fn struck(way: Way, street: &mut Street, command: &mut Command, mut strike: impl FnMut(&mut Street)) -> Ran {
    let (host, direction) = way.links()[way.links().len() - 1];
    let passed = |street: &Street| street.server(host).wire.as_ref().expect("a wire").bytes(direction);
    let before = passed(street);
    let mut has_struck = false;
    let ran = run_while(command, |_, _| {
        if !has_struck && passed(street) > before + MIDDLE {
            has_struck = true;
            strike(street);
        }
    });
    assert!(has_struck, "{way:?}: it never came to that: {ran}");
    ran
}

/// It went on and arrived, and everything holds.
fn goes_on(name: &str, street: &Street, (way, target): (Way, Target), ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{name} {way:?}: {ran}");
    assert!(ran.stdout.contains("\"reconnecting\"") || ran.summary("bytes") >= SIZE as u64, "{name} {way:?}: {ran}");
    let again = || way.copy(street);
    let name = format!("{name} {way:?}");
    Case { name, street, targets: &[target], ran, limit: LIMIT, says: &[], again: &again }.holds();
}

/// What was there stays silent; what comes is carried again.
fn falls_silent(wire: &Wire) {
    wire.fall_silent();
    std::thread::sleep(Duration::from_millis(300));
    wire.arm(None);
}

/// The sftp-servers of both ends.
fn victims(street: &Street) -> Vec<Process> {
    let mut all = street.server(ACC_PVT).processes_named("sftp-server");
    all.extend(street.server(DELL_PVT).processes_named("sftp-server"));
    all
}

fn killed(way: Way) {
    let Some((mut street, content)) = way.scene() else { return };
    let target = way.target(&street, &content);
    let mut command = way.copy(&street);
    let ran = struck(way, &mut street, command.arg("--json"), |street| {
        victims(street).iter().for_each(Process::kill);
    });
    goes_on("F3 sftp-server", &street, (way, target), &ran);
    let target = way.target(&street, &content);
    let mut command = way.copy(&street);
    let ran = struck(way, &mut street, command.arg("--json"), |street| {
        for host in [ACC_PVT, DELL_PVT] {
            street.server(host).sessions().iter().for_each(Process::kill);
        }
    });
    goes_on("F3 sshd", &street, (way, target), &ran);
}

#[test]
fn f3_servers_are_killed_on_the_way_up() {
    killed(Way::Up);
}

#[test]
fn f3_servers_are_killed_on_the_way_down() {
    killed(Way::Down);
}

#[test]
fn f3_servers_are_killed_between_two_hosts() {
    killed(Way::Relay);
}

#[test]
fn f5_a_half_close_is_no_end() {
    for way in WAYS {
        let Some((street, content)) = way.scene() else { return };
        let target = way.target(&street, &content);
        let (host, direction) = way.links()[0];
        let wire = street.server(host).wire.as_ref().expect("a wire");
        wire.arm(Some(Cut { direction, at: MIDDLE + 12_345, how: How::Close }));
        let ran = super::ran::run(way.copy(&street).args(["--json", "--timeout", "5s"]));
        assert!(wire.is_cut(), "{way:?}: it never came to that: {ran}");
        goes_on("F5", &street, (way, target), &ran);
    }
}

#[test]
fn f6_silence_is_noticed_and_gone_around() {
    for (way, link) in [(Way::Up, 0), (Way::Down, 1)] {
        let Some((mut street, content)) = way.scene() else { return };
        let target = way.target(&street, &content);
        let (host, direction) = way.links()[link];
        let wire = |street: &Street| street.server(host).wire.as_ref().expect("a wire").bytes(direction);
        assert_eq!(wire(&street), 0);
        let mut command = way.copy(&street);
        let ran = struck(way, &mut street, command.args(["--json", "--timeout", "2s"]), |street| {
            falls_silent(street.server(host).wire.as_ref().expect("a wire"));
        });
        // servers do not know that hop is gone until their own patience ends
        street.server(host).wire.as_ref().expect("a wire").bury();
        goes_on("F6", &street, (way, target), &ran);
    }
}

#[test]
fn f6_silence_while_it_connects_again_is_gone_around() {
    // on a busy machine two logins may take longer than nothing may move: then it ends with 30, as it promises
    let is_gone_around = || gone_around().is_none_or(|code| code == 0);
    assert!((0..3).any(|_| is_gone_around()), "it never went on");
}

/// The exit code of a copy that meets silence twice; `None` where there is no street.
fn gone_around() -> Option<i32> {
    let (street, content) = Way::Up.scene()?;
    let target = Way::Up.target(&street, &content);
    let wire = |host| street.server(host).wire.as_ref().expect("a wire");
    let (mut before, mut is_silent_again) = (None, false);
    let mut command = Way::Up.copy(&street);
    command.args(["--json", "--timeout", "2s", "-o", "ConnectTimeout=2"]);
    let ran = run_while(&mut command, |_, _| match before {
        None if wire(ACC_PVT).bytes(Direction::Up) > MIDDLE => {
            before = Some(wire(ACC_PVT).connections());
            falls_silent(wire(ACC_BASTION));
            wire(ACC_BASTION).bury();
        }
        Some(before) if !is_silent_again && wire(ACC_PVT).connections() > before => {
            is_silent_again = true;
            falls_silent(wire(ACC_BASTION));
        }
        _ => {}
    });
    wire(ACC_BASTION).bury();
    assert!(is_silent_again, "it never came to that: {ran}");
    let code = ran.code.unwrap_or_else(|| panic!("a signal ended it: {ran}"));
    if code != 30 {
        goes_on("F6 again", &street, (Way::Up, target), &ran);
    }
    Some(code)
}

#[test]
fn f6_silence_that_stays_ends_in_time() {
    let Some((mut street, content)) = Way::Up.scene() else { return };
    let target = Way::Up.target(&street, &content);
    let mut command = Way::Up.copy(&street);
    let command = command.args(["--timeout", "2s", "--retries", "0"]);
    let ran = struck(Way::Up, &mut street, command, |street| {
        street.server(ACC_BASTION).wire.as_ref().expect("a wire").fall_silent();
    });
    assert_eq!(ran.code, Some(30), "{ran}");
    let wire = street.server(ACC_BASTION).wire.as_ref().expect("a wire");
    wire.arm(None);
    wire.bury();
    let again = || Way::Up.copy(&street);
    let says = ["acc-pvt: laptop > acc-bastion > acc-pvt: transfer", "no progress for 2 s", "kept in", "MTU"];
    let (limit, name) = (Duration::from_secs(17), "F6 stays".to_owned());
    Case { name, street: &street, targets: &[target], ran: &ran, limit, says: &says, again: &again }.holds();
}

#[test]
fn f7_a_bastion_restarts() {
    for way in [Way::Up, Way::Down] {
        let Some((mut street, content)) = way.scene() else { return };
        let target = way.target(&street, &content);
        let mut command = way.copy(&street);
        let ran = struck(way, &mut street, command.arg("--json"), |street| {
            street.server_mut(ACC_BASTION).stop();
            street.server_mut(ACC_BASTION).start();
        });
        assert!(ran.stdout.contains("the connection to acc-bastion was lost"), "the broken hop is not named: {ran}");
        goes_on("F7", &street, (way, target), &ran);
    }
}

#[test]
fn f7_a_bastion_that_stays_away_is_named() {
    let Some((mut street, content)) = Way::Up.scene() else { return };
    let target = Way::Up.target(&street, &content);
    let mut command = Way::Up.copy(&street);
    let ran = struck(Way::Up, &mut street, command.args(["--retries", "1"]), |street| {
        street.server_mut(ACC_BASTION).stop();
    });
    assert_eq!(ran.code, Some(10), "{ran}");
    street.server_mut(ACC_BASTION).start();
    let again = || Way::Up.copy(&street);
    // the proxy before it takes the connection and resets it: after it is made, or while it is
    let words =
        [["acc-bastion: laptop > acc-bastion: greet", "connection lost"], ["dial: connect to", "connection reset"]];
    let is_told = |words: &[&str; 2]| words.iter().all(|word| ran.stderr.contains(word));
    assert!(words.iter().any(is_told), "{ran}");
    let (name, says) = ("F7 stays away".to_owned(), ["acc-bastion: laptop > acc-bastion: "]);
    Case { name, street: &street, targets: &[target], ran: &ran, limit: LIMIT, says: &says, again: &again }.holds();
}

#[test]
fn f9_a_server_that_stops_reading_is_left() {
    for way in [Way::Up, Way::Down] {
        let Some((mut street, content)) = way.scene() else { return };
        let target = way.target(&street, &content);
        let mut command = way.copy(&street);
        let mut stopped = Vec::new();
        let ran = struck(way, &mut street, command.args(["--json", "--timeout", "2s", "--lanes", "1"]), |street| {
            stopped = victims(street);
            stopped.iter().for_each(|process| process.signal(Signal::STOP));
        });
        stopped.iter().for_each(|process| process.signal(Signal::CONT));
        assert!(ran.stdout.contains("no progress for 2 s"), "{ran}");
        goes_on("F9", &street, (way, target), &ran);
    }
}
