//! F1: hop is killed at a moment that the seed decides. What stands under the final name is old or new, and the next run
//! goes on from what was acknowledged.
//!
//! A moment is a byte on the last link, or a time within the login, so that a busy machine does not push all of them to
//! one place. The links are slowed, so that there is time between a byte and the next.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::invariants::{Case, Target};
use super::ran::{Ran, run, run_while};
use super::ways::{SIZE, Way, content, seeds, street};
use crate::street::{ACC_PVT, DELL_PVT, Street};
use crate::wire::{Direction, somewhere};

const RATE: u64 = 48 << 20;

/// Tests that share the seeds.
const SHARES: u64 = 5;

const LIMIT: Duration = Duration::from_secs(75);

/// When hop is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So long after it began, while it logs in.
    After(Duration),
    /// Once so many bytes have passed the last link: somewhere in the data, or when it lands. If there are not so many,
    /// it ends by itself.
    Byte(u64),
}

impl Moment {
    fn of(seed: u64, size: u64) -> Moment {
        match (seed / SHARES) % 4 {
            0 => Moment::After(Duration::from_millis(somewhere(seed, 0..600))),
            1 => Moment::Byte(somewhere(seed, size - size / 20..size + size / 20)),
            _ => Moment::Byte(somewhere(seed, 0..size)),
        }
    }

    /// Runs `way`'s copy and kills it then.
    fn strike(self, street: &Street, command: &mut std::process::Command, (host, direction): (&str, Direction)) -> Ran {
        let wire = street.server(host).wire.as_ref().expect("every link is a wire");
        let before = wire.bytes(direction);
        run_while(command, |child, age| {
            let has_come = match self {
                Moment::After(time) => age >= time,
                Moment::Byte(byte) => wire.bytes(direction) - before > byte,
            };
            if has_come {
                child.kill().expect("kill hop");
            }
        })
    }
}

fn kills(way: Way, share: u64) {
    let Some(street) = street(Some(RATE)) else { return };
    let content = content(SIZE);
    way.furnish(&street, &content);
    let (mut count, mut resumed) = (0, 0);
    for seed in seeds(share, SHARES) {
        let target = way.target(&street, &content);
        let moment = Moment::of(seed, SIZE as u64);
        let copy = || way.copy(&street);
        let ran = moment.strike(&street, &mut copy(), way.links()[way.links().len() - 1]);
        let name = format!("F1 {way:?} seed {seed}: killed at {moment:?}");
        let targets = &[target];
        let case = Case { name, street: &street, targets, ran: &ran, limit: LIMIT, says: &[], again: &copy };
        let after = case.holds();
        count += 1;
        resumed += u64::from(after.acknowledged > 0 && after.moved < SIZE as u64);
    }
    eprintln!("F1 {way:?}: {count} seeds, {resumed} went on from a part");
}

#[test]
fn an_upload_is_killed() {
    kills(Way::Up, 0);
}

#[test]
fn a_download_is_killed() {
    kills(Way::Down, 1);
}

#[test]
fn a_relay_is_killed() {
    kills(Way::Relay, 2);
}

#[test]
fn a_direct_copy_is_killed() {
    kills(Way::Direct, 3);
}

#[test]
fn what_another_way_left_goes_when_the_file_arrives() {
    let Some(street) = street(Some(2 << 20)) else { return };
    let content = content(1 << 20);
    Way::Relay.furnish(&street, &content);
    let target = Way::Relay.target(&street, &content);
    let ran = Moment::Byte(512 << 10).strike(&street, &mut Way::Relay.copy(&street), (DELL_PVT, Direction::Up));
    let folder = target.path.parent().expect("a folder");
    assert!(ran.signal == Some(9) && Street::parts(folder).len() == 1, "it never came to that: {ran}");
    let ran = run(&mut Way::Direct.copy(&street));
    assert!(ran.code == Some(0) && fs::read(&target.path).ok().as_ref() == Some(&content), "{ran}");
    assert!(Street::parts(folder).is_empty(), "the part of the relay is left: {ran}");
}

#[test]
fn a_tree_is_killed() {
    const FILES: usize = 2000;
    let Some(street) = street(None) else { return };
    let content = |index: usize| vec![index as u8 | 1; 1_000 + index];
    for index in 0..FILES {
        street.put_here(format!("tree/f{index}"), &content(index));
    }
    let size = (0..FILES as u64).map(|index| 1_000 + index).sum();
    let copy = || {
        let mut command = street.hop("cp");
        command.args(["-r", "tree", "acc-pvt:to/"]);
        command
    };
    let folder = street.home(ACC_PVT).join("to/tree");
    let mut count = 0;
    for seed in seeds(4, SHARES) {
        remove_all(&folder);
        street.put(ACC_PVT, "to/beside", b"not to be touched");
        let targets: Vec<Target> = (0..FILES)
            .map(|index| Target { path: folder.join(format!("f{index}")), old: None, new: content(index) })
            .collect();
        let moment = Moment::of(seed, size);
        let ran = moment.strike(&street, &mut copy(), (ACC_PVT, Direction::Up));
        let name = format!("F1 tree seed {seed}: killed at {moment:?}");
        let targets = &targets;
        Case { name, street: &street, targets, ran: &ran, limit: LIMIT, says: &[], again: &copy }.holds();
        count += 1;
    }
    eprintln!("F1 Tree: {count} seeds");
}

fn remove_all(folder: &Path) {
    if folder.exists() {
        fs::remove_dir_all(folder).expect("nobody writes there any more");
    }
}
