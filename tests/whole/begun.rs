//! F44: hop is killed while it makes a folder under a new name, once or several times. The same command goes on with that
//! folder, whatever was there: nothing yet, the marker, or all of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::invariants::{note, nothing_runs};
use super::ran::{Ran, run, run_while};
use super::ways::{Peering, Way, seeds};
use crate::end_to_end::{same, tree};
use crate::pseudorandom::noise;
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Street};
use crate::wire::{Link, somewhere};

/// Bytes a second of a link: a run takes some seconds, and lines are written meanwhile.
const RATE: u64 = 1 << 20;

const FILES: usize = 150;

/// Bytes of the tree, a large file among them.
const SIZE: u64 = 2_500_000;

/// Tests that share the seeds.
const SHARES: u64 = 6;

/// Kills in a row, at most.
const KILLS: u64 = 3;

/// What is at the destination besides sftp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Far {
    Shell,
    NoShell,
}

/// When hop is killed, counted from its own beginning.
#[derive(Debug, Clone, Copy)]
enum Moment {
    After(Duration),
    /// Once so many bytes have passed the last link.
    Byte(u64),
}

impl Moment {
    fn of(seed: u64) -> Moment {
        match seed % 3 {
            0 => Moment::After(Duration::from_millis(somewhere(seed, 0..900))),
            _ => Moment::Byte(somewhere(seed, 0..SIZE + SIZE / 10)),
        }
    }

    fn strike(self, street: &Street, way: Way, command: &mut Command) -> Ran {
        let (host, direction) = way.links()[way.links().len() - 1];
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

fn start(way: Way, far: Far, rate: Option<u64>) -> Option<Street> {
    let mut plan = Street::plan();
    for host in [ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT] {
        plan = plan.link(host, Link { rate, ..Link::default() });
    }
    let host = if way == Way::Up { ACC_PVT } else { DELL_PVT };
    if far == Far::NoShell {
        plan = plan.without_sftp(host).sshd(host, "Subsystem sftp internal-sftp");
        plan = plan.sshd(host, "ForceCommand internal-sftp");
    }
    plan.start()
}

/// The tree at the source, one of whose folders nobody may write.
fn furnish(street: &Street, way: Way) -> PathBuf {
    let file =
        |index: usize| (format!("tree/{}/f {index}", ["closed", "b", "c"][index % 3]), noise(index as u64, 10_000));
    let files = (0..FILES).map(file).chain([("tree/large".to_owned(), noise(1000, 1_000_000))]);
    let root = match way {
        Way::Up => {
            files.for_each(|(path, content)| drop(street.put_here(path, &content)));
            street.laptop()
        }
        Way::Down | Way::Relay | Way::Direct => {
            street.put_all(ACC_PVT, files);
            street.home(ACC_PVT)
        }
    };
    set_mode(&root.join("tree"), 0o555);
    root.join("tree")
}

fn set_mode(tree: &Path, mode: u32) {
    fs::set_permissions(tree.join("closed"), fs::Permissions::from_mode(mode)).expect("set a folder's mode");
}

fn copy(street: &Street, way: Way, name: &str) -> Command {
    let mut command = street.hop("cp");
    command.args(["-r", "-v", "--progress", "none"]);
    match way {
        Way::Up => command.args(["tree", &format!("acc-pvt:to/{name}")]),
        Way::Down => command.args(["acc-pvt:tree", &format!("to/{name}")]),
        Way::Relay => command.args(["-3", "acc-pvt:tree", &format!("dell-pvt:to/{name}")]),
        Way::Direct => command.args(["-R", "acc-pvt:tree", &format!("dell-pvt:to/{name}")]),
    };
    command
}

fn kills(way: Way, far: Far, share: u64) {
    let Some(street) = start(way, far, Some(RATE)) else { return };
    let source = furnish(&street, way);
    let to = way.destination(&street).parent().expect("a folder").to_owned();
    match way {
        Way::Up => street.put(ACC_PVT, "to/beside", b"not to be touched"),
        Way::Down => street.put_here("to/beside", b"not to be touched"),
        Way::Relay | Way::Direct => street.put(DELL_PVT, "to/beside", b"not to be touched"),
    };
    let (mut seen, mut killed, mut kept) = (0, 0, 0);
    for seed in seeds(share, SHARES) {
        let new = format!("new{seed}");
        let mut all = format!("F44 {way:?} {far:?} seed {seed}");
        let mut last = None;
        for turn in 0..KILLS {
            let moment = Moment::of(seed * KILLS + turn);
            let ran = moment.strike(&street, way, &mut copy(&street, way, &new));
            all += &format!("\nkilled at {moment:?}: {ran}");
            nothing_runs(&street, &all);
            let is_over = ran.code.is_some() || (to.join(&new).exists() && Street::parts(&to).is_empty());
            if is_over {
                last = Some(ran);
                break;
            }
            killed += 1;
        }
        let ran = last.unwrap_or_else(|| run(&mut copy(&street, way, &new)));
        all += &format!("\nlast: {ran}");
        assert!(ran.code == Some(0) || ran.signal == Some(9), "{all}");
        assert!(!to.join(&new).join("tree").exists(), "it went into the folder: {all}");
        let (ours, theirs) = (tree(&source), tree(&to.join(&new)));
        assert!(ours == theirs, "{all}\n{:?}", theirs.keys().collect::<Vec<_>>());
        assert_eq!(Street::parts(&to), Vec::<PathBuf>::new(), "{all}");
        same(&ours, &theirs);
        kept += ran.stderr.matches("unchanged: ").count();
        set_mode(&to.join(&new), 0o755);
        note(&format!("case F44 {way:?} {far:?} seed {seed}"));
        seen += 1;
    }
    set_mode(&source, 0o755);
    eprintln!("F44 {way:?} {far:?}: {seen} seeds, {killed} kills, {kept} files not sent again");
}

#[test]
fn f44_an_upload_of_a_folder_is_killed() {
    kills(Way::Up, Far::Shell, 0);
}

#[test]
fn f44_a_download_of_a_folder_is_killed() {
    kills(Way::Down, Far::Shell, 1);
}

#[test]
fn f44_a_relay_of_a_folder_is_killed() {
    kills(Way::Relay, Far::Shell, 2);
}

#[test]
fn f44_a_direct_copy_of_a_folder_is_killed() {
    kills(Way::Direct, Far::Shell, 3);
}

#[test]
fn f44_a_direct_copy_sends_no_landed_file_again() {
    let Some(street) = start(Way::Direct, Far::Shell, None) else { return };
    // hop's own words do not queue behind the data
    let peering = Peering::start(&street, Some(RATE));
    let copy = || {
        let mut command = copy(&street, Way::Direct, "new");
        command.arg("--peer-address").arg(peering.wire.address().to_string());
        command
    };
    street.put_all(ACC_PVT, (0..40).map(|index| (format!("tree/f{index}"), noise(index, 1000))));
    street.put(ACC_PVT, "tree/large", &noise(1000, 6_000_000));
    let to = street.put(DELL_PVT, "to/beside", b"").parent().expect("a folder").to_owned();
    let lines = || {
        let said = Street::parts(&to).into_iter().filter_map(|part| fs::read_to_string(part).ok());
        said.map(|said| said.lines().skip(1).count()).sum::<usize>()
    };
    let killed = run_while(&mut copy(), |child, _| {
        if lines() >= 20 {
            child.kill().expect("kill hop");
        }
    });
    let landed = lines();
    assert!(killed.signal == Some(9) && landed >= 20, "{killed}");
    nothing_runs(&street, "killed");
    let ran = run(&mut copy());
    assert_eq!((ran.code, ran.stderr.matches("unchanged: ").count()), (Some(0), landed), "{ran}");
    same(&tree(&street.home(ACC_PVT).join("tree")), &tree(&to.join("new")));
    assert_eq!(Street::parts(&to), Vec::<PathBuf>::new(), "{ran}");
}

#[test]
fn f44_an_upload_of_a_folder_to_a_host_without_a_shell_is_killed() {
    kills(Way::Up, Far::NoShell, 4);
}

#[test]
fn f44_a_direct_copy_of_a_folder_to_a_host_without_a_shell_is_killed() {
    kills(Way::Direct, Far::NoShell, 5);
}
