//! F45: many small files are on their way together, and something ends in the middle: hop, `tar`, its server or the link.

use std::fs;
use std::time::Duration;

use super::invariants::{Case, Target};
use super::packed_trip::Trip;
use super::ran::{Ran, run, run_while};
use super::ways::{seeds, street};
use crate::pseudorandom::noise;
use crate::street::{ACC_PVT, Process, Street};
use crate::wire::{Cut, How, somewhere};

const FILES: usize = 1000;

const LIMIT: Duration = Duration::from_secs(75);

/// Tests that share the seeds.
const SHARES: u64 = 4;

/// What ends, in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    Hop,
    Tar,
    Server,
    Link,
}

/// `what` ends at moments that seeds decide. Every file is old or new, nothing is left, and the next run does the rest.
pub fn ends(trip: Trip, what: Ends, share: u64) {
    let Some(street) = street(None) else { return };
    let content = |index: usize| noise(index as u64, 200 + index % 6000);
    (0..FILES).for_each(|index| trip.put(&street, format!("tree/d{}/f{index}", index % 5), &content(index)));
    let size = (0..FILES as u64).map(|index| 500 + index % 6000).sum();
    let (again, folder) = (|| trip.copy(&street, &[]), trip.target(&street));
    let (mut count, mut struck) = (0, 0);
    for seed in seeds(share, SHARES) {
        trip.put_beside(&street);
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("nobody writes there any more");
        }
        let at = somewhere(seed + 45_000_000 + u64::from(trip == Trip::Down), 0..size);
        let (ran, has_struck) = struck_at(trip, what, &street, at);
        let name = format!("F45 {trip:?} {what:?} seed {seed}: at byte {at}");
        let path = |index: usize| folder.join(format!("d{}/f{index}", index % 5));
        let new = (0..FILES).map(|index| Target { path: path(index), old: None, new: content(index) });
        let targets = &new.collect::<Vec<_>>();
        assert!(what == Ends::Hop || ran.code == Some(0), "{name}: {ran}");
        Case { name, street: &street, targets, ran: &ran, limit: LIMIT, says: &[], again: &again }.holds();
        trip.leaves_nothing(&street, &format!("F45 {trip:?} {what:?} seed {seed}"));
        count += 1;
        struck += u64::from(has_struck);
    }
    eprintln!("F45 {trip:?}{what:?}: {count} seeds, {struck} struck");
    assert!(count < 4 || struck > 0, "it never came to that");
}

/// A run in which `what` ends once so many bytes have passed the last link; and whether it came to that.
fn struck_at(trip: Trip, what: Ends, street: &Street, at: u64) -> (Ran, bool) {
    let (wire, direction) = (street.server(ACC_PVT).wire.as_ref().expect("every link is a wire"), trip.direction());
    let before = wire.bytes(direction);
    if what == Ends::Link {
        wire.arm(Some(Cut { direction, at, how: How::Reset }));
        let ran = run(&mut trip.copy(street, &[]));
        let is_cut = wire.is_cut();
        wire.arm(None);
        return (ran, is_cut);
    }
    let mut has_struck = false;
    let ran = run_while(&mut trip.copy(street, &[]), |child, _| {
        if has_struck || wire.bytes(direction) - before <= at {
            return;
        }
        match what {
            Ends::Hop => {
                has_struck = true;
                child.kill().expect("kill hop");
            }
            _ => has_struck = kill(street, what),
        }
    });
    (ran, has_struck)
}

/// Kills `tar`, or the sessions while there is one; whether there was.
fn kill(street: &Street, what: Ends) -> bool {
    let server = street.server(ACC_PVT);
    let tars = server.processes_named("tar");
    match what {
        Ends::Tar => tars.iter().for_each(Process::kill),
        _ if tars.is_empty() => {}
        _ => server.sessions().iter().for_each(Process::kill),
    }
    !tars.is_empty()
}
