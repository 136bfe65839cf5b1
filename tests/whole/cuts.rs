//! F4: a link is reset at a byte that the seed decides: the run connects again and goes on, and sends little twice.

use std::time::Duration;

use super::invariants::Case;
use super::ran::run;
use super::ways::{SIZE, WAYS, Way, content, seeds, street};
use crate::wire::{Cut, How, somewhere};

/// Bytes on the wire beside the file's: logins, the packets around the data, and on two lanes what a server's window
/// lets be under way when one is lost.
const UNDER_WAY: u64 = 6 << 20;

/// Each seed cuts one link once.
fn resets(way: Way) {
    let Some(street) = street(Some(48 << 20)) else { return };
    let content = content(SIZE);
    way.furnish(&street, &content);
    let mut count = 0;
    for seed in seeds(WAYS.iter().position(|one| *one == way).expect("one of them") as u64, 3) {
        let target = way.target(&street, &content);
        let (host, direction) = way.links()[somewhere(seed, 0..way.links().len() as u64) as usize];
        let wire = street.server(host).wire.as_ref().expect("every link is a wire");
        // within the data, or anywhere, the login too
        let from = if seed % 3 == 0 { 0 } else { 64 << 10 };
        let at = somewhere(seed + 1_000_000, from..SIZE as u64);
        wire.arm(Some(Cut { direction, at, how: How::Reset }));
        let before = wire.bytes(direction);
        let copy = || way.copy(&street);
        let ran = run(copy().arg("--json"));
        let passed = wire.bytes(direction) - before;
        let name = format!("F4 {way:?} seed {seed}: {host} cut at {at}");
        assert!(wire.is_cut(), "{name}: it never came to that\n{ran}");
        assert!(matches!(ran.code, Some(0 | 10)), "{name}: {ran}");
        if ran.code == Some(0) {
            assert_eq!(ran.summary("bytes"), SIZE as u64, "{name}: what was acknowledged was sent again\n{ran}");
            let again = passed.saturating_sub(SIZE as u64);
            assert!(again <= UNDER_WAY, "{name}: {again} bytes were sent again\n{ran}");
        } else {
            // a login that is cut before the keys are exchanged may be anybody's refusal
            assert!(at < 64 << 10, "{name}: {ran}");
        }
        let case = Case {
            name,
            street: &street,
            targets: &[target],
            ran: &ran,
            limit: Duration::from_secs(75),
            says: &["laptop > "],
            again: &copy,
        };
        case.holds();
        wire.arm(None);
        count += 1;
    }
    eprintln!("F4 {way:?}: {count} seeds");
}

#[test]
fn a_reset_on_the_way_up() {
    resets(Way::Up);
}

#[test]
fn a_reset_on_the_way_down() {
    resets(Way::Down);
}

#[test]
fn a_reset_between_two_hosts() {
    resets(Way::Relay);
}
