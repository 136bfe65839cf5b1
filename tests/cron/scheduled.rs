//! The README's crontab and systemd units: read as those would read them, checked, and run.

use std::fs;
use std::process::Command;

use crate::skips::need;
use crate::street::{ACC_PVT, Outcome, Street, run};

const INSTALLED: &str = "/usr/local/bin/hop";

/// The code blocks of that kind.
fn blocks(kind: &str) -> Vec<String> {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("README.md is there");
    let fence = format!("```{kind}\n");
    readme.split(&fence).skip(1).map(|rest| rest.split("```").next().expect("an end").to_owned()).collect()
}

/// Runs a line as cron would, as far as the home folder can be another one.
fn scheduled(street: &Street, line: &str, variables: &[(&str, &str)]) -> Outcome {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &line.replace(INSTALLED, env!("CARGO_BIN_EXE_hop"))]).env_clear().current_dir(street.laptop());
    shell.env("PATH", "/usr/bin:/bin").env("LOGNAME", "root").env("HOP_HOME", street.laptop());
    run(shell.envs(variables.iter().copied()))
}

fn street() -> Option<Street> {
    let street = Street::start()?;
    for (name, content) in [("data/a", "one"), ("data/sub/b", "two")] {
        street.put(ACC_PVT, name, content.as_bytes());
    }
    Some(street)
}

#[test]
fn the_crontab_runs_and_is_silent() {
    let Some(street) = street() else { return };
    let table = blocks("crontab").concat();
    let jobs: Vec<&str> =
        table.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit() || c == '*')).collect();
    assert!(!jobs.is_empty(), "no job in the README");
    for job in jobs {
        let words: Vec<&str> = job.split_whitespace().collect();
        let is_time = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit() || b"*/,-".contains(&byte));
        assert!(words[..5].iter().all(is_time) && words[5] == INSTALLED, "{job}");
        assert!(!job.contains('%'), "cron takes % for the end of the line: {job}");
        for _ in 0..2 {
            let ran = scheduled(&street, &words[5..].join(" "), &[]);
            assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""), "{job}: {ran}");
        }
    }
    assert_eq!(fs::read(street.laptop().join("data/sub/b")).expect("it arrived"), b"two");
    assert_eq!(fs::read_to_string(street.laptop().join("hop.log")).expect("a log").matches("\"summary\"").count(), 2);
}

#[test]
fn the_service_runs_as_it_stands() {
    let Some(street) = street() else { return };
    let units = blocks("ini").concat();
    let start = units.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("a service");
    let state = street.put_here("state/.keep", b"").with_file_name("");
    let locks = state.join("locks");
    let variables =
        [("STATE_DIRECTORY", state.to_str().expect("UTF-8")), ("HOP_LOCKS", locks.to_str().expect("UTF-8"))];
    let ran = scheduled(&street, start, &variables);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""), "{ran}");
    assert_eq!(fs::read(state.join("data/sub/b")).expect("it arrived"), b"two");
    let receipt = fs::read_to_string(state.join("receipt.json")).expect("a receipt");
    assert!(receipt.contains("\"exit_code\":0"), "{receipt}");
}

#[test]
fn systemd_takes_the_units() {
    let Some(analyze) = need("systemd-analyze") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = Vec::new();
    for unit in blocks("ini") {
        let name = unit.lines().next().and_then(|line| line.rsplit('/').next()).expect("a name").to_owned();
        let file = folder.path().join(name);
        fs::write(&file, unit.replace(INSTALLED, env!("CARGO_BIN_EXE_hop"))).expect("write a unit");
        files.push(file);
    }
    assert_eq!(files.len(), 2, "a service and a timer");
    let ran = run(Command::new(analyze).args(["verify", "--man=no", "--recursive-errors=no"]).args(&files));
    assert!(ran.code == Some(0) && !ran.stderr.contains("hop-backup"), "{ran}");
}
