//! What passes this machine, and what is left: the data does not, and nothing is, however the copy ends.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::tools::Footprints;
use super::{at_once, begins, cp, fetching, goes_straight};
use crate::end_to_end::{noise, tree};
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Process, Street, run, run_within, until_within};
use crate::wire::{Direction, Link};

#[test]
fn the_data_does_not_pass_this_machine() {
    let plan = Street::plan().link(ACC_BASTION, Link::default()).link(DELL_BASTION, Link::default());
    let Some(street) = plan.start() else { return };
    let content = noise(5, 64 << 20);
    street.put(ACC_PVT, "large", &content);
    goes_straight(cp(&street, ["-R", "acc-pvt:large", "dell-pvt:"]));
    assert!(fs::read(street.home(DELL_PVT).join("large")).expect("it is there") == content);
    let all = passed(&street);
    assert!(all < 1 << 20, "{all} bytes");
}

/// How long what is certain to come may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A copy over a link so slow that it can be caught at work, by the host named first, which logs in at the other.
struct AtWork {
    street: Street,
    child: Child,
    footprints: Footprints,
}

/// acc-pvt sends, and dell-pvt fetches.
fn either_way(ends: impl Fn(AtWork, &'static str) + Sync) {
    at_once([ACC_PVT, DELL_PVT], |by| {
        let at_work = match by {
            ACC_PVT => at_work(DELL_PVT, |_| Vec::new(), by),
            _ => at_work(ACC_PVT, |street| fetching(street, ACC_PVT).to_vec(), by),
        };
        at_work.into_iter().for_each(|at_work| ends(at_work, by));
    });
}

fn at_work(behind_link: &'static str, options: fn(&Street) -> Vec<String>, by: &'static str) -> Option<AtWork> {
    let slow = Link { rate: Some(3 << 20), delay: Duration::ZERO, ..Link::default() };
    let footprints = Footprints::new();
    let street = footprints.plan().link(behind_link, slow).start()?;
    street.put(ACC_PVT, "large", &noise(6, 32 << 20));
    let mut command = cp(&street, options(&street));
    command.args(["-R", "acc-pvt:large", "dell-pvt:"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("hop cp");
    until_within(PATIENCE, "bytes arrive", || Street::parts(street.home(DELL_PVT)).iter().any(|part| size(part) > 0));
    assert!(!street.server(by).processes_named("ssh").is_empty(), "{by} logs in");
    Some(AtWork { street, child, footprints })
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |found| found.len())
}

/// Nothing of the copy; only the part, which the next run needs.
fn nothing_is_left(street: &Street, footprints: &Footprints) {
    footprints.are_gone(street, 2);
    let home = tree(street.home(ACC_PVT));
    assert!(home.keys().all(|name| name == "large"), "{:?}", home.keys());
    let home = tree(street.home(DELL_PVT));
    assert!(home.keys().all(|name| name.to_string_lossy().ends_with(".part")), "{:?}", home.keys());
}

fn ends_with_an_interrupt(AtWork { street, mut child, footprints }: AtWork) {
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, Signal::INT).expect("interrupt hop");
    assert_eq!(child.wait().expect("wait for hop").code(), Some(130));
    nothing_is_left(&street, &footprints);
}

fn ends_with_a_kill(AtWork { street, mut child, footprints }: AtWork) {
    child.kill().expect("kill hop");
    child.wait().expect("wait for hop");
    nothing_is_left(&street, &footprints);
}

#[test]
fn nothing_is_left_after_an_interrupt() {
    either_way(|at_work, _| ends_with_an_interrupt(at_work));
}

#[test]
fn nothing_is_left_after_a_kill() {
    either_way(|at_work, _| ends_with_a_kill(at_work));
}

#[test]
fn a_login_that_is_lost_is_said_and_the_next_run_converges() {
    either_way(is_lost);
}

fn is_lost(AtWork { street, mut child, footprints }: AtWork, by: &str) {
    // the first one is had again
    let code = loop {
        street.server(by).processes_named("ssh").iter().for_each(Process::kill);
        if let Some(ended) = child.try_wait().expect("wait for hop") {
            break ended.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(code, Some(10));
    nothing_is_left(&street, &footprints);
    assert!(!street.home(DELL_PVT).join("large").exists(), "no torn file");
    fs::write(street.home(ACC_PVT).join("large"), b"smaller").expect("change the source");
    let ran = run(&mut cp(&street, ["-R", "acc-pvt:large", "dell-pvt:"]));
    assert_eq!(
        (ran.code, fs::read(street.home(DELL_PVT).join("large")).ok()),
        (Some(0), Some(b"smaller".to_vec())),
        "{ran}"
    );
}

#[test]
fn nothing_is_left_after_success_and_after_each_failure() {
    let footprints = Footprints::new();
    let Some(street) = footprints.plan().start() else { return };
    street.put(ACC_PVT, "tree/large", &noise(7, 5_000_000));
    (0..20).for_each(|index| drop(street.put(ACC_PVT, format!("tree/{index}"), b"content")));
    let [option, address] = fetching(&street, ACC_PVT);
    let words = ["-Rr", "acc-pvt:tree", "dell-pvt:"];
    goes_straight(cp(&street, words));
    footprints.are_gone(&street, 2);
    goes_straight(cp(&street, [&option, &address].into_iter().map(String::as_str).chain(words)));
    footprints.are_gone(&street, 5);

    let bastion = street.server(ACC_BASTION).address.to_string();
    for option in ["--peer-address", "--fetch-from"] {
        let failed = |address: &str| run(cp(&street, [option, address]).args(words)).code;
        assert_eq!((failed(&bastion), failed("no-such-host.invalid")), (Some(13), Some(10)), "{option}");
        footprints.are_gone(&street, 5);
    }
    fs::set_permissions(street.home(DELL_PVT), fs::Permissions::from_mode(0o555)).expect("set the mode");
    let ran = run(&mut cp(&street, ["-Rr", "acc-pvt:tree", "dell-pvt:another"]));
    assert_ne!(ran.code, Some(0), "{ran}");
    footprints.are_gone(&street, 5);
}

#[test]
fn a_gibibyte_goes_straight_and_next_to_nothing_passes_this_machine() {
    let plan = Street::plan().link(ACC_BASTION, Link::default()).link(DELL_BASTION, Link::default());
    let Some(street) = plan.start() else { return };
    let source = street.put(ACC_PVT, "large", b"");
    let mut file = std::io::BufWriter::with_capacity(4 << 20, fs::File::create(&source).expect("the source"));
    let block = noise(8, 1 << 20);
    for index in 0..1024_u64 {
        // no block is like another
        file.write_all(&index.to_le_bytes()).and_then(|()| file.write_all(&block[8..])).expect("a block");
    }
    file.flush().expect("the last block");
    let (sent, fetched) = (["-R"].map(str::to_owned).to_vec(), fetching(&street, ACC_PVT).to_vec());
    for options in [sent, fetched] {
        let before = passed(&street);
        let mut command = cp(&street, &options);
        command.args(["acc-pvt:large", "dell-pvt:"]);
        let ran = run_within(&mut command, Duration::from_secs(600));
        assert!(ran.code == Some(0) && begins(&ran, "direct: "), "{ran}");
        let by_client = passed(&street) - before;
        assert!(by_client < 5 << 20, "{options:?}: {by_client} bytes");
        let arrived = street.home(DELL_PVT).join("large");
        assert!(are_equal(&arrived, &source), "{options:?}");
        fs::remove_file(arrived).expect("make room");
    }
}

/// Whether both files have the same bytes, as `cmp` says.
fn are_equal(one: &Path, two: &Path) -> bool {
    run_within(Command::new("cmp").arg(one).arg(two), Duration::from_secs(300)).code == Some(0)
}

/// Bytes to and from this machine.
fn passed(street: &Street) -> u64 {
    let passed = |host: &str| {
        let wire = street.server(host).wire.as_ref().expect("it has a link");
        wire.bytes(Direction::Up) + wire.bytes(Direction::Down)
    };
    passed(ACC_BASTION) + passed(DELL_BASTION)
}
