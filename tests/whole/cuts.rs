//! F4: a link is reset at a byte that the seed decides: the run connects again and goes on, and sends little twice.

use std::process::Command;
use std::time::Duration;

use super::invariants::Case;
use super::ran::{Ran, run};
use super::ways::{Peering, SIZE, Way, content, seeds, street};
use crate::wire::{Cut, How, Wire, somewhere};

const RATE: u64 = 48 << 20;

/// Tests that share the seeds.
const SHARES: u64 = 4;

const LIMIT: Duration = Duration::from_secs(75);

/// Bytes of a login: a link may be cut before the keys are exchanged.
const LOGIN: u64 = 64 << 10;

/// Bytes on the wire beside the file's: logins, the packets around the data, and on two lanes what a server's window
/// lets be under way when one is lost.
const UNDER_WAY: u64 = 6 << 20;

/// Where a seed cuts: within the data, or anywhere, the login too.
fn place(seed: u64) -> u64 {
    let from = if (seed / SHARES).is_multiple_of(3) { 0 } else { LOGIN };
    somewhere(seed + 1_000_000, from..SIZE as u64)
}

/// A run into a cut, and how many bytes passed the link.
fn cut(name: &str, wire: &Wire, cut: Cut, command: &mut Command) -> (Ran, u64) {
    wire.arm(Some(cut));
    let before = wire.bytes(cut.direction);
    let ran = run(command.arg("--json"));
    assert!(wire.is_cut(), "{name}: it never came to that\n{ran}");
    (ran, wire.bytes(cut.direction) - before)
}

/// Each seed cuts one link once.
fn resets(way: Way, share: u64) {
    let Some(street) = street(Some(RATE)) else { return };
    let content = content(SIZE);
    way.furnish(&street, &content);
    let mut count = 0;
    for seed in seeds(share, SHARES) {
        let target = way.target(&street, &content);
        let (host, direction) = way.links()[somewhere(seed, 0..way.links().len() as u64) as usize];
        let wire = street.server(host).wire.as_ref().expect("every link is a wire");
        let at = place(seed);
        let copy = || way.copy(&street);
        let name = format!("F4 {way:?} seed {seed}: {host} cut at {at}");
        let (ran, passed) = cut(&name, wire, Cut { direction, at, how: How::Reset }, &mut copy());
        assert!(matches!(ran.code, Some(0 | 10)), "{name}: {ran}");
        if ran.code == Some(0) {
            assert_eq!(ran.summary("bytes"), SIZE as u64, "{name}: what was acknowledged was sent again\n{ran}");
            let again = passed.saturating_sub(SIZE as u64);
            assert!(again <= UNDER_WAY, "{name}: {again} bytes were sent again\n{ran}");
            assert!(names_the_hop(&ran, host), "{name}: I4\n{ran}");
        } else {
            // a login that is cut before the keys are exchanged may be anybody's refusal
            assert!(at < LOGIN, "{name}: {ran}");
        }
        let says = &["laptop > "];
        Case { name, street: &street, targets: &[target], ran: &ran, limit: LIMIT, says, again: &copy }.holds();
        wire.arm(None);
        count += 1;
    }
    eprintln!("F4 {way:?}: {count} seeds");
}

/// A lost connection that was said is the one that was cut.
fn names_the_hop(ran: &Ran, host: &str) -> bool {
    let said = ran.stdout.lines().filter(|line| line.starts_with("{\"event\":\"reconnecting\""));
    said.into_iter().all(|line| line.contains(host))
}

#[test]
fn a_reset_on_the_way_up() {
    resets(Way::Up, 0);
}

#[test]
fn a_reset_on_the_way_down() {
    resets(Way::Down, 1);
}

#[test]
fn a_reset_between_two_hosts() {
    resets(Way::Relay, 2);
}

#[test]
fn a_reset_of_the_peering_link() {
    let Some(street) = street(None) else { return };
    let (content, peering) = (content(SIZE), Peering::start(&street, Some(RATE)));
    Way::Direct.furnish(&street, &content);
    let mut count = 0;
    for seed in seeds(3, SHARES) {
        let target = Way::Direct.target(&street, &content);
        let at = place(seed);
        let copy = || peering.copy(&street);
        let name = format!("F4 Direct seed {seed}: the peering link cut at {at}");
        let (ran, _) = cut(&name, &peering.wire, peering.reset(at), &mut copy());
        assert!(matches!(ran.code, Some(0 | 10)), "{name}: {ran}");
        let says = &["acc-pvt", "dell-pvt"];
        Case { name, street: &street, targets: &[target], ran: &ran, limit: LIMIT, says, again: &copy }.holds();
        peering.wire.arm(None);
        count += 1;
    }
    eprintln!("F4 Direct: {count} seeds");
}
