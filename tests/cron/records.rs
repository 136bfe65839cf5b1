//! What a run leaves in writing: `--log` and `--receipt`, when it went well and when it did not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::street::{ACC_PVT, Outcome, Street, run};

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|problem| panic!("{problem}: {text}"))
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("a log");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|problem| panic!("{problem}: {line}"))).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn copy(street: &Street, words: &[&str]) -> Outcome {
    run(street.hop("cp").args(["--log", "log", "--receipt", "receipt.json"]).args(words))
}

/// A log and a receipt, and nothing half written.
fn written(street: &Street) -> (Vec<Value>, Value) {
    let laptop = street.laptop();
    assert!(Street::parts(laptop).is_empty(), "{:?}", Street::parts(laptop));
    assert_eq!((mode(&laptop.join("log")), mode(&laptop.join("receipt.json"))), (0o600, 0o600));
    (lines(&laptop.join("log")), read(&laptop.join("receipt.json")))
}

#[test]
fn a_copy_that_went_well() {
    let Some(street) = Street::start() else { return };
    street.put_here("tree/a", b"content");
    street.put_here("tree/b\x1b[31m", b"");
    let ran = copy(&street, &["-r", "tree", "acc-pvt:"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""), "{ran}");
    let (log, receipt) = written(&street);
    let events: Vec<&str> = log.iter().map(|line| line["event"].as_str().expect("an event")).collect();
    assert_eq!((events[0], events[events.len() - 1]), ("run", "summary"));
    assert_eq!(events.iter().filter(|event| **event == "file_done").count(), 2, "{events:?}");
    let ways: Vec<&str> =
        receipt["hosts"].as_array().expect("hosts").iter().map(|h| h["way"].as_str().expect("a way")).collect();
    assert_eq!(ways, ["laptop > acc-bastion", "laptop > acc-bastion > acc-pvt"]);
    let print = receipt["hosts"][1]["fingerprint"].as_str().expect("a fingerprint");
    let key = street.on_laptop("ssh-keygen").args(["-lf", ".ssh/known_hosts"]).output().expect("ssh-keygen");
    assert!(String::from_utf8_lossy(&key.stdout).contains(print), "{print}");
    let mut files = receipt["files"].as_array().expect("files").clone();
    files.sort_by_key(|file| file["path"].to_string());
    assert_eq!(files.len(), 2);
    assert_eq!(
        (&files[0]["path"], &files[0]["size"], &files[0]["result"]),
        (&"tree/a".into(), &7.into(), &"arrived".into())
    );
    assert_eq!(files[1]["path"], r"tree/b\x1b[31m");
    assert!(files.iter().all(|file| file["seconds"].is_number() && file["started"].is_string()));
    for (key, value) in
        [("exit_code", Value::from(0)), ("result", "done".into()), ("route", "upload".into()), ("files_done", 2.into())]
    {
        assert_eq!(receipt[key], value, "{key}");
    }
}

#[test]
fn a_copy_that_failed_says_so_there_too() {
    let Some(street) = Street::start() else { return };
    street.put_here("tree/a", b"content");
    street.put_here("tree/b", b"content");
    street.put(ACC_PVT, "tree/b/in/the/way", b"");
    let ran = copy(&street, &["-r", "tree", "acc-pvt:"]);
    assert_eq!(ran.code, Some(23), "{ran}");
    let (_, receipt) = written(&street);
    let failed: Vec<_> =
        receipt["files"].as_array().expect("files").iter().filter(|file| file["result"] == "failed").collect();
    assert_eq!(failed.len(), 1, "{receipt}");
    assert!(failed[0]["error"].as_str().is_some_and(|error| error.contains("tree/b")), "{receipt}");
    assert_eq!((&receipt["exit_code"], &receipt["files_failed"]), (&23.into(), &1.into()));
    // a second run appends to the log and replaces the receipt
    let ran = copy(&street, &["tree/a", "no-such-host.invalid:"]);
    assert_eq!(ran.code, Some(10), "{ran}");
    let (log, receipt) = written(&street);
    assert_eq!(log.iter().filter(|line| line["event"] == "summary").count(), 2);
    assert_eq!((&receipt["exit_code"], &receipt["result"]), (&10.into(), &"connect".into()));
    assert!(receipt["error"].as_str().is_some_and(|error| error.contains("no-such-host.invalid")), "{receipt}");
    assert!(receipt["hints"].as_array().is_some_and(|hints| !hints.is_empty()), "{receipt}");
}

#[test]
fn what_cannot_be_written_is_said_before_anything_is_copied() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    std::os::unix::fs::symlink("elsewhere", street.laptop().join("link")).expect("a link");
    let made = run(street.on_laptop("mkfifo").arg("fifo"));
    assert_eq!(made.code, Some(0), "{made}");
    for (flag, path) in [
        ("--log", "no/such/folder/log"),
        ("--receipt", "no/such/folder/r"),
        ("--log", "link"),
        ("--receipt", "link"),
        ("--log", "fifo"),
        ("--receipt", "fifo"),
        ("--log", "."),
        ("--receipt", "."),
    ] {
        let ran = run(street.hop("cp").args([flag, path, "f", "acc-pvt:f"]));
        assert_eq!(ran.code, Some(11), "{flag} {path}: {ran}");
        assert!(
            ran.stderr.starts_with(&format!("hop: {path}: ")) && ran.stderr.lines().count() == 1,
            "{flag} {path}: {ran}"
        );
    }
    assert!(!street.home(ACC_PVT).join("f").exists() && !street.laptop().join("elsewhere").exists());
    let kind = |name: &str| fs::symlink_metadata(street.laptop().join(name)).expect("it is there").file_type();
    assert!(kind("link").is_symlink() && !kind("fifo").is_file() && Street::parts(street.laptop()).is_empty());
    let ran = run(street.hop("cp").args(["--receipt", "r", "--dry-run", "f", "acc-pvt:f"]));
    assert_eq!(ran.code, Some(2), "{ran}");
}
