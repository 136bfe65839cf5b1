//! F36: two runs of one file overlap. The seed decides when the second begins, whether one of them is killed and when,
//! whether they are one machine's or two machines' (which do not see each other's locks), and whether both have `--no-resume`. What
//! stands under the name is old or whole, whoever ends well; the next run converges.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::invariants::{Target, note};
use super::is_full;
use super::ran::{Ran, run, run_while};
use super::ways::{SIZE, WAYS, Way, content, seeds, street};
use crate::street::{Street, until};
use crate::wire::somewhere;

const RATE: u64 = 24 << 20;

/// Tests that share the seeds.
const SHARES: u64 = 3;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    Nobody,
    First,
    Second,
}

/// What the seed decides.
#[derive(Debug)]
struct Plot {
    way: Way,
    killed: Killed,
    /// Bytes on the last link when the second begins, and when one is killed.
    moments: (u64, u64),
    are_apart: bool,
    resumes: bool,
}

impl Plot {
    fn of(seed: u64, way: Way) -> Plot {
        let turn = seed / SHARES;
        let killed = [Killed::Nobody, Killed::First, Killed::Second][(turn % 3) as usize];
        let begins = somewhere(seed, 0..SIZE as u64);
        let strikes = begins + somewhere(seed + 1_000_000, 0..SIZE as u64);
        let (are_apart, resumes) = ((turn / 3) % 2 == 1, turn.is_multiple_of(2));
        Plot { way, killed, moments: (begins, strikes), are_apart, resumes }
    }

    fn copy(&self, street: &Street) -> Command {
        let mut command = self.way.copy(street);
        if !self.resumes {
            command.arg("--no-resume");
        }
        command
    }

    /// Both runs, as they ended.
    fn play(&self, street: &Street) -> [Ran; 2] {
        let (host, direction) = self.way.links()[self.way.links().len() - 1];
        let wire = street.server(host).wire.as_ref().expect("every link is a wire");
        let before = wire.bytes(direction);
        let strike = |who: Killed| {
            move |child: &mut std::process::Child, _: Duration| {
                if self.killed == who && wire.bytes(direction) - before > self.moments.1 {
                    child.kill().expect("kill hop");
                }
            }
        };
        thread::scope(|scope| {
            let first = scope.spawn(|| run_while(&mut self.copy(street), strike(Killed::First)));
            until("the second begins", || wire.bytes(direction) - before > self.moments.0 || first.is_finished());
            let mut second = self.copy(street);
            if self.are_apart {
                elsewhere(street, &mut second);
            }
            let second = run_while(&mut second, strike(Killed::Second));
            [first.join().expect("a run"), second]
        })
    }
}

/// As a run of another machine, which does not see this one's locks.
fn elsewhere(street: &Street, command: &mut Command) {
    command.env("HOP_LOCKS", street.laptop().join("another machine's"));
}

fn overlaps(way: Way, share: u64) {
    let Some(street) = street(Some(RATE)) else { return };
    let content = content(SIZE);
    way.furnish(&street, &content);
    let (mut count, mut both) = (0, 0);
    for seed in seeds(share, SHARES) {
        let plot = Plot::of(seed, way);
        let target = way.target(&street, &content);
        let name = format!("F36 seed {seed}: {plot:?}");
        let ran = plot.play(&street);
        check(&name, &plot, &target, &ran);
        let last = run(&mut way.copy(&street));
        assert!(
            last.code == Some(0) && is_whole(&target),
            "{name}: the next run: {last}\nafter {}\nand {}",
            ran[0],
            ran[1]
        );
        let left = Street::parts(target.path.parent().expect("a folder"));
        // another machine's may be at work still, for all that is known here
        assert!(plot.are_apart || left.is_empty(), "{name}: {left:?}\nafter {}\nand {}\nand {last}", ran[0], ran[1]);
        note(&format!("case {name}"));
        count += 1;
        both += u64::from(ran.iter().all(|ran| ran.code == Some(0)));
    }
    eprintln!("F36 {way:?}: {count} seeds, in {both} both ended well");
}

fn check(name: &str, plot: &Plot, target: &Target, ran: &[Ran; 2]) {
    let all = format!("{name}\n{}\n{}", ran[0], ran[1]);
    let is_old = fs::read(&target.path).ok() == target.old;
    assert!(is_whole(target) || is_old, "torn: {all}");
    let one_ended_well = ran.iter().any(|ran| ran.code == Some(0));
    assert!(is_whole(target) || !one_ended_well, "nothing has arrived: {all}");
    for (ran, who) in ran.iter().zip([Killed::First, Killed::Second]) {
        let may = match ran.code {
            Some(0) => true,
            None => plot.killed == who && ran.signal == Some(9),
            // it stood still for so long that another machine's run took its part
            Some(75) => plot.are_apart && plot.resumes,
            Some(_) => false,
        };
        assert!(may, "{all}");
    }
}

fn is_whole(target: &Target) -> bool {
    fs::read(&target.path).is_ok_and(|found| found == target.new)
}

#[test]
fn f36_two_uploads_overlap() {
    overlaps(Way::Up, 0);
}

#[test]
fn f36_two_downloads_overlap() {
    overlaps(Way::Down, 1);
}

#[test]
fn f36_two_direct_copies_overlap() {
    overlaps(Way::Direct, 2);
}

/// Stops the first in the middle of its file, until `meanwhile` is done.
fn stopped(way: Way, street: &Street, meanwhile: &dyn Fn() -> Ran) -> (Ran, Ran) {
    let folder = way.target(street, b"").path.parent().expect("a folder").to_owned();
    let mut second = None;
    let first = run_while(&mut way.copy(street), |child, _| {
        if second.is_none() && length(&folder) > 2 << 20 {
            let id = Pid::from_raw(child.id() as i32).expect("no process is 0");
            kill_process(id, Signal::STOP).expect("stop hop");
            second = Some(meanwhile());
            kill_process(id, Signal::CONT).expect("wake hop");
        }
    });
    (first, second.expect("it came to that"))
}

fn length(folder: &Path) -> u64 {
    let lengths = Street::parts(folder).into_iter().filter_map(|part| fs::metadata(part).ok());
    lengths.map(|part| part.len()).max().unwrap_or(0)
}

#[test]
fn f36_a_run_that_stood_still_finds_its_part_taken_and_says_so() {
    for way in WAYS {
        let Some((street, content)) = way.scene() else { return };
        let (first, second) = stopped(way, &street, &|| {
            if is_full() {
                thread::sleep(Duration::from_secs(90));
            }
            let mut copy = way.copy(&street);
            elsewhere(&street, &mut copy);
            run(&mut copy)
        });
        assert_eq!(second.code, Some(0), "{way:?}: {second}");
        assert_eq!(first.code, Some(75), "{way:?}: {first}");
        assert!(first.stderr.contains(".part: it was taken away or replaced while it was written"), "{way:?}: {first}");
        assert!(first.stderr.contains("hint: another run goes on from it"), "{way:?}: {first}");
        let target = way.destination(&street);
        assert!(fs::read(&target).is_ok_and(|found| found == content), "{way:?}: {first}\n{second}");
        assert!(Street::parts(target.parent().expect("a folder")).is_empty(), "{way:?}: {first}\n{second}");
    }
}

#[test]
fn f36_a_run_of_the_same_machine_that_stands_still_keeps_its_part() {
    let way = Way::Up;
    let Some((street, content)) = way.scene() else { return };
    let (first, second) = stopped(way, &street, &|| run(way.copy(&street).arg("-v")));
    assert!(first.code == Some(0) && second.code == Some(0), "{first}\n{second}");
    assert!(second.stderr.contains("another run is at work on it, so all of it is sent; --lock"), "{second}");
    let target = way.destination(&street);
    assert!(fs::read(&target).is_ok_and(|found| found == content), "{first}\n{second}");
    assert!(Street::parts(target.parent().expect("a folder")).is_empty(), "{first}\n{second}");
}
