//! Networks where packets matter: those beyond some size vanish (F10); some are lost, and all are late and slow (F11).
//! Real TCP over a tun device, which takes root.

use std::process::Command;
use std::thread;
use std::time::Duration;

use super::invariants::{Case, Target};
use super::ran::{Ran, run, run_while};
use super::ways::{Way, content};
use crate::skips::{Lacking, cannot, need, need_root};
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Street};
use crate::wire::{Direction, Link, Packets};

/// A street whose links to these hosts are ways for packets.
fn street(packets: &Packets, hosts: &[&'static str]) -> Option<Street> {
    let mut plan = Street::plan();
    for (host, seed) in hosts.iter().zip(0..) {
        let packets = Packets { seed: packets.seed * 10 + seed, ..packets.clone() };
        plan = plan.link(host, Link { packets: Some(packets), ..Link::default() });
    }
    plan.start()
}

/// Whether this machine can; a skip is recorded if not.
fn there_are_packets() -> bool {
    if !need_root("a network namespace with a tun device") || need("perl").is_none() || need("ip").is_none() {
        return false;
    }
    let had = Packets::can_be_had();
    had.as_ref().err().iter().for_each(|why| cannot(Lacking::Networks, why));
    had.is_ok()
}

#[test]
fn f10_packets_beyond_a_size_vanish() {
    if !there_are_packets() {
        return;
    }
    let usual = Packets { delay: Duration::from_millis(5), rate: Some(4 << 20), lost: 0, seed: 1 };
    let Some(street) = street(&usual, &[ACC_BASTION]) else { return };
    let content = content(6 << 20);
    Way::Up.furnish(&street, &content);
    let target = Way::Up.target(&street, &content);
    let wire = street.server(ACC_BASTION).wire.as_ref().expect("planned above");
    let mut vanish = false;
    let mut command = Way::Up.copy(&street);
    let ran = run_while(command.args(["--timeout", "3s", "--retries", "0"]), |_, _| {
        if !vanish && wire.bytes(Direction::Up) > 2 << 20 {
            vanish = true;
            wire.swallow_beyond(1400);
        }
    });
    wire.swallow_beyond(1500);
    assert!(vanish && ran.code == Some(30), "{ran}");
    let says = ["acc-pvt: laptop > acc-bastion > acc-pvt: transfer", "no progress for 3 s", "kept in", "MTU"];
    let again = || Way::Up.copy(&street);
    let (name, limit) = ("F10".to_owned(), Duration::from_secs(18));
    Case { name, street: &street, targets: &[target], ran: &ran, limit, says: &says, again: &again }.holds();
}

#[test]
fn f10_packets_beyond_a_size_vanish_from_the_first_on() {
    if !there_are_packets() {
        return;
    }
    let usual = Packets { delay: Duration::from_millis(5), rate: None, lost: 0, seed: 2 };
    let Some(street) = street(&usual, &[ACC_BASTION]) else { return };
    Way::Up.furnish(&street, b"small");
    let target = Way::Up.target(&street, b"small");
    let wire = street.server(ACC_BASTION).wire.as_ref().expect("planned above");
    // the proposals of a key exchange are longer
    wire.swallow_beyond(600);
    let copy = || {
        let mut command = Way::Up.copy(&street);
        command.args(["--retries", "0", "-o", "ConnectTimeout=4"]);
        command
    };
    // the bastion has its own patience
    street.configure("Host acc-bastion\n  ConnectTimeout 4\n");
    let ran = run(&mut copy());
    wire.swallow_beyond(1500);
    assert!(matches!(ran.code, Some(10 | 30)), "{ran}");
    let says = ["acc-bastion: laptop > acc-bastion: ", "MTU"];
    let (name, limit) = ("F10 from the first".to_owned(), Duration::from_secs(19));
    Case { name, street: &street, targets: &[target], ran: &ran, limit, says: &says, again: &copy }.holds();
}

/// What is copied through bad weather.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    File(Way),
    Tree,
}

const ALL: [What; 5] =
    [What::File(Way::Up), What::File(Way::Down), What::File(Way::Relay), What::File(Way::Direct), What::Tree];

impl What {
    fn hosts(self) -> &'static [&'static str] {
        match self {
            What::File(Way::Relay) => &[ACC_BASTION, DELL_BASTION],
            What::File(Way::Direct) => &[ACC_BASTION, DELL_PVT],
            _ => &[ACC_BASTION],
        }
    }

    fn copy(self, street: &Street) -> Command {
        match self {
            What::File(way) => way.copy(street),
            What::Tree => {
                let mut command = street.hop("cp");
                command.args(["-r", "tree", "acc-pvt:to/"]);
                command
            }
        }
    }

    fn targets(self, street: &Street) -> Vec<Target> {
        match self {
            What::File(way) => {
                let file = content(400_000);
                way.furnish(street, &file);
                vec![way.target(street, &file)]
            }
            What::Tree => tree(street),
        }
    }
}

fn tree(street: &Street) -> Vec<Target> {
    let files = if super::is_full() { 2000 } else { 300 };
    let folder = street.home(ACC_PVT).join("to/tree");
    street.put(ACC_PVT, "to/beside", b"not to be touched");
    let new = |index: usize| format!("file {index}").into_bytes();
    (0..files).for_each(|index| drop(street.put_here(format!("tree/f{index}"), &new(index))));
    (0..files).map(|index| Target { path: folder.join(format!("f{index}")), old: None, new: new(index) }).collect()
}

/// Copies, and afterwards once more with all packets arriving.
fn through_the_weather(what: What, lost: u32) {
    let weather = Packets { delay: Duration::from_millis(100), rate: Some(1_250_000), lost, seed: u64::from(lost) };
    let Some(street) = street(&weather, what.hosts()) else { return };
    let targets = what.targets(&street);
    let ran: Ran = run(&mut what.copy(&street));
    assert_eq!(ran.code, Some(0), "F11 {what:?} {lost} %: {ran}");
    let wires = what.hosts().iter().filter_map(|host| street.server(host).wire.as_ref());
    wires.for_each(|wire| wire.lose(0));
    let again = || what.copy(&street);
    let (name, limit) = (format!("F11 {what:?} {lost} %"), Duration::from_secs(110));
    Case { name, street: &street, targets: &targets, ran: &ran, limit, says: &[], again: &again }.holds();
}

#[test]
fn f11_lost_late_and_slow_packets_arrive_in_the_end() {
    if !there_are_packets() {
        return;
    }
    // waiting is most of it, so all at once
    thread::scope(|scope| {
        for (what, lost) in ALL.into_iter().flat_map(|what| [(what, 1), (what, 5)]) {
            let name = thread::current().name().unwrap_or("f11").to_owned();
            let case = move || through_the_weather(what, lost);
            thread::Builder::new().name(name).spawn_scoped(scope, case).expect("a thread");
        }
    });
}
