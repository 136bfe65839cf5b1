//! What is lost on the way is gone on from: within a run over one more login, and by the next run, which sends little twice
//! and never mixes two versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use super::{cp, is_direct};
use crate::end_to_end::noise;
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Plan, Street, until};
use crate::whole::ran::{Ran, run, run_while};
use crate::wire::{Cut, Direction, How, Link, Wire};

/// Longer than the band.
pub const SIZE: usize = 96 << 20;

/// Bytes beside the file's that may pass: what was under way in each of the streams, and hop's own session.
pub const UNDER_WAY: u64 = 10 << 20;

/// A street whose peering link carries so many bytes a second, and the content of `large` on it.
pub fn scene(plan: Plan, rate: u64) -> Option<(Street, Vec<u8>)> {
    // hop's own session waits behind what is under way
    let street = plan.link(DELL_PVT, Link { rate: Some(rate), window: 512 << 10, ..Link::default() }).start()?;
    let content = noise(7, SIZE);
    street.put(ACC_PVT, "large", &content);
    Some((street, content))
}

pub fn large(street: &Street) -> Command {
    let mut command = cp(street, ["-R", "acc-pvt:large", "dell-pvt:"]);
    command.arg("-vvv");
    command
}

fn wire<'a>(street: &'a Street, host: &str) -> &'a Wire {
    street.server(host).wire.as_ref().expect("planned")
}

fn passed(street: &Street) -> u64 {
    wire(street, DELL_PVT).bytes(Direction::Up)
}

fn part(street: &Street) -> Option<PathBuf> {
    Street::parts(street.home(DELL_PVT)).into_iter().find(|part| part.is_file())
}

/// Bytes of `content` that stand in the part, in pages: what was not written is zero, and the content never is.
fn arrived(street: &Street, content: &[u8]) -> u64 {
    let there = part(street).map(|part| fs::read(part).expect("read the part")).unwrap_or_default();
    there.chunks(4096).zip(content.chunks(4096)).filter(|(one, two)| one == two).map(|(one, _)| one.len() as u64).sum()
}

fn is_whole(street: &Street, content: &[u8]) -> bool {
    fs::read(street.home(DELL_PVT).join("large")).is_ok_and(|there| there == content) && part(street).is_none()
}

/// Runs it, and calls `strike` once so many bytes have passed the peering link.
pub fn struck(street: &Street, at: u64, strike: impl FnOnce(&mut std::process::Child)) -> Ran {
    let (before, mut strike) = (passed(street), Some(strike));
    let ran = run_while(&mut large(street), |child, _| {
        if passed(street) - before > at
            && let Some(strike) = strike.take()
        {
            strike(child);
        }
    });
    assert!(strike.is_none(), "it never came to that: {ran}");
    ran
}

fn kill(child: &mut std::process::Child) {
    child.kill().expect("kill hop");
}

#[test]
fn the_next_run_goes_on_from_what_a_killed_one_has_left() {
    goes_on_from_what_a_killed_one_has_left(Street::plan());
}

pub fn goes_on_from_what_a_killed_one_has_left(plan: Plan) {
    let Some((street, content)) = scene(plan, 24 << 20) else { return };
    let mut sent = 0;
    for at in [16 << 20, 40 << 20] {
        let (before, had) = (passed(&street), arrived(&street, &content));
        struck(&street, at, kill);
        sent = passed(&street) - before;
        assert!(arrived(&street, &content) > had, "it went on");
    }
    let (before, had) = (passed(&street), arrived(&street, &content));
    let ran = run(&mut large(&street));
    assert!(ran.code == Some(0) && is_whole(&street, &content), "{ran}");
    let again = (passed(&street) - before + had).saturating_sub(SIZE as u64);
    assert!(again <= UNDER_WAY, "{again} of {had} bytes were sent again, {sent} before: {ran}");
    assert!(ran.stderr.contains("its SHA-256 is that of the source"), "{ran}");
}

#[test]
fn another_content_of_the_same_size_and_time_is_never_mixed_in() {
    let Some((street, _)) = scene(Street::plan(), 48 << 20) else { return };
    struck(&street, 80 << 20, kill);
    let source = street.home(ACC_PVT).join("large");
    let time = source.metadata().and_then(|found| found.modified()).expect("its time");
    let other = noise(8, SIZE);
    fs::write(&source, &other).expect("change the source");
    fs::File::options().write(true).open(&source).and_then(|file| file.set_modified(time)).expect("set its time");
    let ran = run(&mut large(&street));
    assert!(ran.code == Some(0) && is_whole(&street, &other), "{ran}");
    assert!(ran.stderr.contains("started over: the part differs from the source"), "{ran}");
}

#[test]
fn a_reset_of_the_peering_link_costs_one_more_login_and_a_second_one_the_run() {
    let Some((street, content)) = scene(Street::plan(), 24 << 20) else { return };
    let cut = |at| Some(Cut { direction: Direction::Up, at, how: How::Reset });
    let before = passed(&street);
    let ran = struck(&street, 30 << 20, |_| wire(&street, DELL_PVT).arm(cut(1 << 20)));
    assert!(ran.code == Some(0) && is_whole(&street, &content), "{ran}");
    assert!(ran.stderr.contains("agent: 2 signatures for ") && ran.stderr.contains(", 0 refused\n"), "{ran}");
    let why = ran.stderr.split("its login at the other host was lost: ").nth(1);
    assert!(why.is_some_and(|why| !why.starts_with(';')), "it is not said why: {ran}");
    let again = (passed(&street) - before).saturating_sub(SIZE as u64);
    assert!(again <= UNDER_WAY, "{again} bytes were sent again: {ran}");

    fs::remove_file(street.home(DELL_PVT).join("large")).expect("remove it");
    let before = passed(&street);
    let mut cuts = 0;
    let ran = run_while(&mut large(&street), |_, _| {
        if cuts < 2 && passed(&street) - before > (cuts + 1) * (24 << 20) {
            cuts += 1;
            wire(&street, DELL_PVT).arm(cut(1 << 20));
        }
    });
    assert_eq!((cuts, ran.code), (2, Some(10)), "{ran}");
    assert!(ran.stderr.contains("agent: 2 signatures for ") && ran.stderr.contains(".part"), "{ran}");
    let ran = run(&mut large(&street));
    assert!(ran.code == Some(0) && is_whole(&street, &content), "{ran}");
    let again = (passed(&street) - before).saturating_sub(SIZE as u64);
    assert!(again <= 2 * UNDER_WAY, "{again} bytes were sent again: {ran}");
}

/// Every connection through a bastion is lost while the file is on its way.
fn loses(bastion: &'static str) -> Option<(Ran, Street)> {
    let (street, content) = scene(Street::plan().link(bastion, Link::default()), 24 << 20)?;
    let a_moment = || std::thread::sleep(Duration::from_millis(200));
    let ran = struck(&street, 30 << 20, |_| {
        wire(&street, bastion).fall_silent();
        a_moment();
        wire(&street, bastion).bury();
        a_moment();
        wire(&street, bastion).arm(None);
    });
    assert!(ran.code == Some(0) && is_whole(&street, &content), "{ran}");
    assert!(ran.stderr.contains("; connecting again in "), "nothing was lost: {ran}");
    Some((ran, street))
}

#[test]
fn a_lost_way_to_the_source_costs_one_more_login() {
    let Some((ran, street)) = loses(ACC_BASTION) else { return };
    assert!(ran.stderr.contains("agent: 2 signatures for ") && ran.stderr.contains(", 0 refused\n"), "{ran}");
    let left: Vec<_> = street.server(ACC_PVT).processes_named("ssh");
    crate::street::until("the lost login is gone", || left.iter().all(|ssh| !ssh.is_alive()));
}

#[test]
fn a_lost_way_to_the_destination_costs_no_login() {
    let Some((ran, _street)) = loses(DELL_BASTION) else { return };
    assert!(ran.stderr.contains("agent: 1 signature for "), "{ran}");
}

#[test]
fn small_files_go_on_over_another_login_and_those_done_stay_done() {
    let slow = Link { rate: Some(4 << 20), ..Link::default() };
    let Some(street) = Street::plan().link(DELL_PVT, slow).start() else { return };
    street.put_all(ACC_PVT, (0..400usize).map(|index| (format!("tree/f{index}"), noise(index as u64, 40_000))));
    let cut = Cut { direction: Direction::Up, at: 8 << 20, how: How::Reset };
    wire(&street, DELL_PVT).arm(Some(cut));
    let ran = run(&mut cp(&street, ["-Rr", "acc-pvt:tree", "dell-pvt:"]));
    assert!(ran.code == Some(0) && wire(&street, DELL_PVT).is_cut(), "{ran}");
    assert!(is_direct(&ran.stderr) && ran.stderr.contains("agent: 2 signatures for "), "{ran}");
    let folder = |host: &str| crate::end_to_end::tree(&street.home(host).join("tree"));
    crate::end_to_end::same(&folder(ACC_PVT), &folder(DELL_PVT));
    assert!(passed(&street) < (400 * 40_000) + (8 << 20), "{} bytes", passed(&street));
    assert_eq!(Street::parts(street.home(DELL_PVT)), Vec::<PathBuf>::new());
}

#[test]
fn what_a_killed_run_has_left_of_small_files_is_not_taken_for_those_of_the_next() {
    const FILES: usize = 400;
    const LENGTH: usize = 40_000;
    let slow = Link { rate: Some(4 << 20), ..Link::default() };
    let Some(street) = Street::plan().link(DELL_PVT, slow).start() else { return };
    street.put_all(ACC_PVT, (0..FILES).map(|index| (format!("tree/f{index}"), noise(index as u64, LENGTH))));
    let copy = || cp(&street, ["-Rr", "acc-pvt:tree", "dell-pvt:"]);
    let left = || Street::parts(street.home(DELL_PVT)).into_iter().find(|part| part.is_dir());
    let killed = run_while(&mut copy(), |hop, _| {
        if left().is_some_and(|folder| fs::read_dir(folder).is_ok_and(|files| files.count() > 10)) {
            hop.kill().expect("kill hop");
        }
    });
    let folder = left().unwrap_or_else(|| panic!("nothing was left: {killed}"));
    until("nobody writes there any more", || street.server(DELL_PVT).processes_named("tar").is_empty());
    // whole files of an earlier time, under any number that a run may begin with
    let name = folder.file_name().expect("it has one").to_owned();
    street
        .put_all(DELL_PVT, (0..FILES + 100).map(|number| (Path::new(&name).join(number.to_string()), vec![0; LENGTH])));
    let cut = Cut { direction: Direction::Up, at: 8 << 20, how: How::Reset };
    wire(&street, DELL_PVT).arm(Some(cut));
    let ran = run(&mut copy());
    assert!(ran.code == Some(0) && wire(&street, DELL_PVT).is_cut(), "{ran}");
    let tree = |host: &str| crate::end_to_end::tree(&street.home(host).join("tree"));
    crate::end_to_end::same(&tree(ACC_PVT), &tree(DELL_PVT));
    assert_eq!(Street::parts(street.home(DELL_PVT)), Vec::<PathBuf>::new(), "{ran}");
}

#[test]
fn the_folder_of_small_files_goes_over_another_session() {
    // far away: the file has its name for a while before hop knows
    let far = Link { delay: Duration::from_millis(150), ..Link::default() };
    let Some(street) = Street::plan().link(DELL_BASTION, far).start() else { return };
    street.put(ACC_PVT, "small", b"content");
    let (folder, link) = (street.home(DELL_PVT), wire(&street, DELL_BASTION));
    let a_moment = || std::thread::sleep(Duration::from_millis(100));
    let mut has_struck = false;
    let ran = run_while(&mut cp(&street, ["-R", "acc-pvt:small", "dell-pvt:"]), |_, _| {
        if !has_struck && folder.join("small").exists() {
            has_struck = true;
            link.fall_silent();
            a_moment();
            link.bury();
            a_moment();
            link.arm(None);
        }
    });
    assert!(has_struck && ran.code == Some(0) && ran.stderr.contains("; connecting again in "), "{ran}");
    assert_eq!(fs::read(folder.join("small")).expect("it is there"), b"content");
    assert_eq!(Street::parts(folder), Vec::<PathBuf>::new(), "{ran}");
}

/// Stops what writes at the destination; whether there was anything.
fn stop_writers(street: &Street) -> bool {
    let writers = street.server(DELL_PVT).processes_named("dd");
    writers.iter().for_each(|writer| writer.signal(Signal::STOP));
    !writers.is_empty()
}

#[test]
fn a_login_on_which_nothing_moves_is_given_up_for_another_one() {
    let Some((street, content)) = scene(Street::plan(), 24 << 20) else { return };
    let before = passed(&street);
    let mut has_stopped = false;
    let ran = run_while(large(&street).args(["--timeout", "8s"]), |_, _| {
        if !has_stopped && passed(&street) - before > 30 << 20 {
            has_stopped = stop_writers(&street);
        }
    });
    assert!(has_stopped && ran.code == Some(0) && is_whole(&street, &content), "{ran}");
    assert!(ran.stderr.contains("nothing has moved over its login"), "{ran}");
    assert!(ran.stderr.contains("agent: 2 signatures for "), "{ran}");
}

#[test]
fn where_nothing_ever_moves_it_is_a_timeout() {
    let Some((street, _)) = scene(Street::plan(), 24 << 20) else { return };
    let ran = run_while(large(&street).args(["--timeout", "2s"]), |_, _| {
        stop_writers(&street);
    });
    assert_eq!(ran.code, Some(30), "{ran}");
    for said in ["nothing has moved over its login", "what arrived is kept in ", "hint: ", "agent: "] {
        assert!(ran.stderr.contains(said), "does not say `{said}`: {ran}");
    }
    assert!(!Path::new(&street.home(DELL_PVT).join("large")).exists(), "{ran}");
}

#[test]
fn what_has_arrived_is_told_while_a_share_is_on_its_way() {
    const FIRST_SHARE: u64 = 4 << 20;
    let Some((street, _)) = scene(Street::plan(), 1 << 20) else { return };
    let ran = struck(&street, FIRST_SHARE + (1 << 20), kill);
    let told = ran.stderr.lines().filter_map(|line| line.strip_prefix("file 0: ")?.strip_suffix(" bytes are there"));
    let within = told.filter(|bytes| bytes.parse::<u64>().expect("a number") < FIRST_SHARE).count();
    assert!(within >= 2, "{within} times: {ran}");
}
