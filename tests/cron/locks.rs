//! One run at a time for each destination, also for two names of one place, and after a run that was killed.

use std::fs;
use std::process::{Child, Command};
use std::time::Duration;

use super::start;
use rustix::process::{Pid, Signal, kill_process};

use crate::street::{ACC_BASTION, ACC_PVT, Street, run, until};
use crate::wire::Link;

/// A street with something to copy, so far away that a run takes a few seconds.
fn street() -> Option<Street> {
    let far = Link { delay: Duration::from_millis(80), ..Link::default() };
    let street = Street::plan().link(ACC_BASTION, far).start()?;
    street.put_here("large", &vec![7; 8 << 20]);
    street.put_here("small", b"new");
    Some(street)
}

fn locks(street: &Street) -> Vec<String> {
    let entries = fs::read_dir(street.laptop().join(".local/state/hop/locks")).into_iter().flatten();
    let names = entries.map(|entry| entry.expect("list").file_name().into_string().expect("UTF-8"));
    names.filter(|name| name.ends_with(".lock")).collect()
}

fn copy(street: &Street, words: &[&str]) -> Command {
    let mut command = street.hop("cp");
    command.args(words);
    command
}

/// A run that has the lock of `acc-pvt:in/file`, and stands still.
fn holder(street: &Street) -> Child {
    fs::create_dir_all(street.home(ACC_PVT).join("in")).expect("a folder");
    street.own(ACC_PVT);
    let child = start(&mut copy(street, &["--lock", "large", "acc-pvt:in/file"]));
    let folder = street.laptop().join(".local/state/hop/locks");
    until("the first run has its lock", || {
        let names = locks(street);
        names.iter().any(|name| fs::read_to_string(folder.join(name)).is_ok_and(|text| text.lines().count() == 3))
    });
    let id = Pid::from_raw(child.id() as i32).expect("no process is 0");
    kill_process(id, Signal::STOP).expect("stop hop");
    child
}

fn kill(mut child: Child) {
    child.kill().expect("kill hop");
    child.wait().expect("wait for hop");
}

#[test]
fn a_second_run_is_told_who_is_there() {
    let Some(street) = street() else { return };
    let first = holder(&street);
    for other_name in ["acc-pvt:in/file", "acc-pvt:./in//file", "acc-pvt:~/in/file"] {
        let ran = run(&mut copy(&street, &["--lock", "small", other_name]));
        assert_eq!(ran.code, Some(75), "{ran}");
        let who = format!("is locked by process {} on ", first.id());
        assert!(ran.stderr.starts_with("hop: acc-pvt:") && ran.stderr.contains(&who), "{ran}");
        assert!(ran.stderr.contains(" since 2") && ran.stderr.contains("hint: --lock=10m waits"), "{ran}");
        assert_eq!((ran.stderr.lines().count(), ran.stdout.as_str()), (2, ""), "{ran}");
    }
    // another place, and a run that only looks, are free
    let ran = run(&mut copy(&street, &["--lock", "small", "acc-pvt:in/other"]));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
    let ran = run(&mut copy(&street, &["--lock", "--dry-run", "small", "acc-pvt:in/file"]));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(locks(&street).len(), 1);
    kill(first);
}

#[test]
fn a_run_that_was_killed_locks_nobody_out() {
    let Some(street) = street() else { return };
    kill(holder(&street));
    let ran = run(&mut copy(&street, &["--lock", "small", "acc-pvt:in/file"]));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
    assert_eq!(fs::read(street.home(ACC_PVT).join("in/file")).expect("it arrived"), b"new");
    assert!(locks(&street).is_empty(), "{:?}", locks(&street));
}

#[test]
fn a_run_with_patience_comes_next() {
    let Some(street) = street() else { return };
    let first = holder(&street);
    let mut second = copy(&street, &["--lock=5m", "--progress", "plain", "small", "acc-pvt:in/file"]);
    let second = std::thread::spawn(move || run(&mut second));
    std::thread::sleep(Duration::from_millis(300));
    assert!(!second.is_finished(), "it did not wait");
    kill(first);
    let ran = second.join().expect("no panic");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(ran.stderr.matches("waiting: acc-pvt:in/file is locked by process ").count(), 1, "{ran}");
    assert_eq!(fs::read(street.home(ACC_PVT).join("in/file")).expect("it arrived"), b"new");
    assert!(locks(&street).is_empty(), "{:?}", locks(&street));
}

#[test]
fn two_runs_at_once_never_mix() {
    let Some(street) = Street::start() else { return };
    let (one, two) = (vec![1; 3 << 20], vec![2; 3 << 20]);
    street.put_here("one", &one);
    street.put_here("two", &two);
    for round in 0..3 {
        let mut runs: Vec<Child> = ["one", "two", "one", "two"]
            .map(|file| start(&mut copy(&street, &["--lock", file, "acc-pvt:file"])))
            .into();
        let codes: Vec<_> = runs.iter_mut().map(|run| run.wait().expect("it ends").code()).collect();
        assert!(codes.iter().all(|code| matches!(code, Some(0 | 75))) && codes.contains(&Some(0)), "{codes:?}");
        let content = fs::read(street.home(ACC_PVT).join("file")).expect("one of them arrived");
        assert!(content == one || content == two, "round {round}: mixed");
        assert!(Street::parts(street.home(ACC_PVT)).is_empty());
    }
}

#[test]
fn a_place_for_locks_that_cannot_be_had_is_said() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    let ran = run(copy(&street, &["--lock", "f", "acc-pvt:f"]).env("HOP_LOCKS", "/proc/none"));
    assert_eq!(ran.code, Some(11), "{ran}");
    assert!(ran.stderr.contains("/proc/none: cannot lock: ") && ran.stderr.contains("hint: HOP_LOCKS"), "{ran}");
    assert!(!street.home(ACC_PVT).join("f").exists(), "copied without its lock");
}
