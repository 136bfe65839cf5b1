//! F1: hop is killed at a moment that the seed decides. What stands under the final name is old or new, and the next run
//! goes on from what had arrived.
//!
//! The links are slowed so that the moments are spread over login, transfer and landing.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::invariants::{Case, Target};
use super::ran::run_while;
use super::ways::{SIZE, Way, content, seeds, street};
use crate::street::ACC_PVT;
use crate::wire::somewhere;

const RATE: u64 = 16 << 20;
/// Longer than login and transfer take, so that some runs end before they are killed. In milliseconds.
const LONGEST: u64 = 1_300;

fn kills(way: Way, share: u64) {
    let Some(street) = street(Some(RATE)) else { return };
    let content = content(SIZE);
    way.furnish(&street, &content);
    let (mut count, mut resumed) = (0, 0);
    for seed in seeds(share, 4) {
        let target = way.target(&street, &content);
        let moment = Duration::from_millis(somewhere(seed, 0..LONGEST));
        let copy = || way.copy(&street);
        let ran = run_while(&mut copy(), |child, age| {
            if age >= moment {
                child.kill().expect("kill hop");
            }
        });
        let case = Case {
            name: format!("F1 {way:?} seed {seed}: killed after {moment:?}"),
            street: &street,
            targets: &[target],
            ran: &ran,
            limit: Duration::from_secs(75),
            says: &[],
            again: &copy,
        };
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
fn a_tree_is_killed() {
    const FILES: usize = 400;
    let Some(street) = street(Some(RATE)) else { return };
    let content = |index: usize| vec![index as u8 | 1; 20_000 + index];
    for index in 0..FILES {
        street.put_here(format!("tree/f{index}"), &content(index));
    }
    let copy = || {
        let mut command = street.hop("cp");
        command.args(["-r", "tree", "acc-pvt:to/"]);
        command
    };
    let folder = street.home(ACC_PVT).join("to/tree");
    let mut count = 0;
    for seed in seeds(3, 4) {
        remove_all(&folder);
        street.put(ACC_PVT, "to/beside", b"not to be touched");
        let targets: Vec<Target> = (0..FILES)
            .map(|index| Target { path: folder.join(format!("f{index}")), old: None, new: content(index) })
            .collect();
        let moment = Duration::from_millis(somewhere(seed, 0..LONGEST));
        let ran = run_while(&mut copy(), |child, age| {
            if age >= moment {
                child.kill().expect("kill hop");
            }
        });
        let case = Case {
            name: format!("F1 tree seed {seed}: killed after {moment:?}"),
            street: &street,
            targets: &targets,
            ran: &ran,
            limit: Duration::from_secs(75),
            says: &[],
            again: &copy,
        };
        case.holds();
        count += 1;
    }
    eprintln!("F1 tree: {count} seeds");
}

fn remove_all(folder: &Path) {
    if folder.exists() {
        fs::remove_dir_all(folder).expect("nobody writes there any more");
    }
}
