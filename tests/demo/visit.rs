//! Does `hop demo` end well, and leave nothing behind however it ends?

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::guest::succeeded;
use crate::skips::need;

/// `hop demo`, whose temporary folder is made in `folder`.
fn demo(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hop"));
    command.arg("demo").env_clear().env("TMPDIR", folder).env("HOME", folder).env("HOP_HOME", folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Reads the child's stdout up to and with the first line that contains `words`.
fn until(child: &mut Child, words: &str) -> (Vec<String>, impl std::io::Read + use<>) {
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut lines: Vec<String> = Vec::new();
    while !lines.last().is_some_and(|line| line.contains(words)) {
        let mut line = String::new();
        assert_ne!(reader.read_line(&mut line).unwrap(), 0, "it ended before {words:?}: {lines:?}");
        lines.push(line);
    }
    (lines, reader)
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[track_caller]
fn empty(folder: &Path) {
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "something is left in {}", folder.display());
}

#[test]
fn the_story_holds_with_the_real_hop() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path()).output().unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    succeeded(&output);
    assert!(text.ends_with("\nEvery file arrived unchanged, and no key left this machine.\n"), "{text}");
    assert_eq!(text.matches("  same\n").count(), 6, "{text}");
    assert!(text.lines().count() < 60, "{text}");
    empty(folder.path());
}

#[test]
fn a_street_that_is_kept_can_be_visited_until_it_is_interrupted() {
    let Some(ssh) = need("ssh") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut child = demo(folder.path()).arg("--keep").spawn().unwrap();
    let (lines, mut rest) = until(&mut child, "  ssh -F ");
    let mut words = lines.last().unwrap().split_whitespace().skip(1);
    let (flag, config, host) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    let output = Command::new(ssh).args([flag, config, host, "cat customers.csv"]).output().unwrap();
    succeeded(&output);
    assert!(output.stdout.starts_with(b"id,name,city\n"));
    signal(&child, Signal::INT);
    rest.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    empty(folder.path());
}

#[test]
fn a_story_cut_short_by_a_signal_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = demo(folder.path()).spawn().unwrap();
    let (_, mut rest) = until(&mut child, "$ hop cp");
    signal(&child, Signal::TERM);
    rest.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    empty(folder.path());
}
