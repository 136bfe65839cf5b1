//! I5: a run ends within `--timeout` and fifteen seconds of the last byte that moved, retries included: whatever it waits for,
//! and wherever it goes.

use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use super::ran::{Ran, run_while};
use super::ways::{Peering, Way, content, street};
use crate::direct::at_once;
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Street};
use crate::wire::{Direction, Link, Wire};

const TIMEOUT: Duration = Duration::from_secs(6);
const LIMIT: Duration = Duration::from_secs(6 + 15);

/// What the logins before a silent host may take on a busy machine.
const BASTIONS: Duration = Duration::from_secs(15);

const HOSTS: [&str; 4] = [ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT];

/// Bytes of data after which it happens.
const MIDDLE: u64 = 3 << 20;

/// Patient in retries, and not in time.
fn impatient(command: &mut Command, retries: &str) {
    command.args(["--timeout", &format!("{}s", TIMEOUT.as_secs()), "--retries", retries]);
}

/// Calls `strike` once data has passed `wire`, and checks how much longer it takes.
fn ends_in_time(name: &str, command: &mut Command, (wire, direction): (&Wire, Direction), strike: impl Fn()) -> Ran {
    let before = wire.bytes(direction);
    let mut struck = None;
    let ran = run_while(command, |_, age| {
        if struck.is_none() && wire.bytes(direction) > before + MIDDLE {
            strike();
            struck = Some(age);
        }
    });
    let struck = struck.unwrap_or_else(|| panic!("{name}: it never came to that: {ran}"));
    assert!(ran.took - struck <= LIMIT, "{name}: ended {:?} after the last byte: {ran}", ran.took - struck);
    ran
}

fn wire<'a>(street: &'a Street, host: &str) -> &'a Wire {
    street.server(host).wire.as_ref().expect("every link is a wire")
}

#[test]
fn all_links_fall_silent_for_good() {
    at_once(
        [Way::Up, Way::Down, Way::Relay, Way::Direct].into_iter().flat_map(|way| [(way, "1"), (way, "100")]),
        |at| {
            let (way, retries) = at;
            let Some(street) = street(Some(2 << 20)) else { return };
            way.furnish(&street, &content(32 << 20));
            way.target(&street, &[]);
            let peering = Peering::start(&street, Some(2 << 20));
            let (mut command, name) = (way.copy(&street), format!("{way:?}, {retries} retries"));
            impatient(&mut command, retries);
            let (host, direction) = way.links()[way.links().len() - 1];
            let watched = match way {
                Way::Direct => {
                    command.arg("--peer-address").arg(peering.wire.address().to_string());
                    (&peering.wire, direction)
                }
                _ => (wire(&street, host), direction),
            };
            let ran = ends_in_time(&name, &mut command, watched, || {
                HOSTS.iter().for_each(|host| wire(&street, host).fall_silent());
                peering.wire.fall_silent();
            });
            assert_eq!(ran.code, Some(30), "{name}: {ran}");
            assert!(ran.stderr.contains("kept in") && ran.stderr.contains("hint: "), "{name}: {ran}");
        },
    );
}

#[test]
fn what_writes_at_the_destination_of_a_direct_copy_stands_still() {
    let Some(street) = street(None) else { return };
    Way::Direct.furnish(&street, &content(48 << 20));
    Way::Direct.target(&street, &[]);
    let peering = Peering::start(&street, Some(2 << 20));
    let mut command = peering.copy(&street);
    impatient(&mut command, "1");
    let stop =
        |name| street.server(DELL_PVT).processes_named(name).iter().for_each(|process| process.signal(Signal::STOP));
    let ran = ends_in_time("stopped", &mut command, (&peering.wire, Direction::Up), || {
        // the login, and with it every later one
        stop("sshd");
        stop("dd");
    });
    assert_eq!(ran.code, Some(30), "{ran}");
}

#[test]
fn a_host_that_never_greets_is_left_in_time() {
    let silent = Link { delay: Duration::from_secs(600), ..Link::default() };
    at_once([Way::Up, Way::Down, Way::Relay, Way::Direct], |way| {
        let Some(street) = Street::plan().link(ACC_PVT, silent.clone()).start() else { return };
        way.furnish(&street, b"content");
        let mut command = way.copy(&street);
        impatient(&mut command, "3");
        let ran = run_while(&mut command, |_, _| {});
        // bytes move until the bastions have let it in
        assert!(ran.took <= LIMIT + BASTIONS && matches!(ran.code, Some(10 | 30)), "{way:?}: {ran}");
    });
}

#[test]
fn a_tree_and_a_sync_whose_links_fall_silent() {
    at_once(["cp", "sync"], |verb| {
        let Some(street) = street(Some(2 << 20)) else { return };
        (0..3000).for_each(|index| drop(street.put_here(format!("tree/{index}"), &content(4000))));
        let mut command = street.hop(verb);
        impatient(&mut command, "3");
        command.args(["-r"].into_iter().filter(|_| verb == "cp")).args(["tree", "acc-pvt:tree"]);
        let ran = ends_in_time(verb, &mut command, (wire(&street, ACC_PVT), Direction::Up), || {
            HOSTS.iter().for_each(|host| wire(&street, host).fall_silent());
        });
        assert_eq!(ran.code, Some(30), "{verb}: {ran}");
    });
}
