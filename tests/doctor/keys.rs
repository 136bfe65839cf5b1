//! Keys of hosts and of the user: unknown, changed, revoked; missing, open to others, no key at all, locked, or wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use expectrl::{Eof, Expect as _, Session};

use crate::street::{ACC_BASTION, ACC_PVT, Street, run};

use super::ground::{beside, diagnosed, page, scrubbed};

#[test]
fn host_keys_that_do_not_pass() {
    let Some(street) = Street::start() else { return };
    let known = fs::read_to_string(street.known_hosts()).expect("known_hosts");
    let lines_of = |host: &str| {
        let address = street.server(host).address;
        let name = format!("[{}]:{} ", address.ip(), address.port());
        let lines = known.lines().filter(|line| line.starts_with(&name)).map(|line| line.replacen(&name, "", 1));
        let lines: Vec<String> = lines.collect();
        (name, lines)
    };
    let ((name, own), (_, others)) = (lines_of(ACC_BASTION), lines_of(ACC_PVT));
    let write = |marker: &str, keys: &[String]| {
        let text: String = keys.iter().map(|key| format!("{marker}{name}{key}\n")).collect();
        fs::write(street.known_hosts(), text).expect("known_hosts");
    };
    write("", &[]);
    diagnosed!("host_key_unknown", page(&street, &["acc-bastion"]));
    write("", &others);
    diagnosed!("host_key_changed", page(&street, &["acc-bastion"]));
    write("@revoked ", &own);
    diagnosed!("host_key_revoked", page(&street, &["acc-bastion"]));
}

#[test]
fn key_files_that_are_of_no_use() {
    let Some(street) = Street::start() else { return };
    let key = street.laptop().join("acc.pem");
    let own = fs::read(&key).expect("the key");
    let write = |content: &[u8], mode: u32| {
        drop(fs::remove_file(&key)); // it is not there at first
        fs::write(&key, content).expect("a key file");
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).expect("chmod");
    };
    write(&own, 0o644);
    diagnosed!("key_open_to_others", page(&street, &["acc-pvt"]));
    write(b"<html>sign in</html>", 0o600);
    diagnosed!("key_that_is_none", page(&street, &["acc-pvt"]));
    write(&own, 0o600);
    let locked = run(Command::new("ssh-keygen").args(["-q", "-p", "-N", "secret", "-f"]).arg(&key));
    assert_eq!(locked.code, Some(0), "{locked}");
    diagnosed!("key_locked_and_nobody_there", page(&street, &["acc-pvt"]));
    fs::remove_file(&key).expect("remove the key");
    diagnosed!("key_missing", page(&street, &["acc-pvt"]));
}

/// What a program reads of the first failure: the row, its causes with what to type, and the code to end with.
#[test]
fn a_failure_is_an_object_with_what_to_type() {
    let Some(street) = Street::start() else { return };
    let key = street.laptop().join("acc.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("chmod");
    let json = run(street.hop("doctor").args(["-B", "--json", "acc-pvt"]));
    assert_eq!((json.code, json.stderr.as_str()), (Some(77), ""), "{json}");
    let objects: Vec<serde_json::Value> =
        json.stdout.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let [.., failed, end] = &objects[..] else { panic!("{json}") };
    assert_eq!((&failed["check"], &failed["outcome"]), (&"authenticate".into(), &"failed".into()));
    assert_eq!(failed["causes"][0]["todo"][0], format!("chmod 400 {}", key.display()));
    let last = serde_json::json!({
        "event": "diagnosis", "exit_code": 77, "result": end["result"], "host": "acc-bastion", "check": "authenticate"
    });
    assert_eq!(*end, last);
    let both = run(street.hop("doctor").args(["--json", "--fix", "acc-pvt"]));
    assert_eq!((both.code, both.stdout.as_str()), (Some(2), ""), "questions are not for programs: {both}");
}

#[test]
fn logins_that_are_refused() {
    let Some(street) = Street::start() else { return };
    let laptop = street.laptop().display().to_string();
    let text = fs::read_to_string(street.config()).expect("the config");
    let wrong = format!("Host acc-pvt\n  IdentityFile {laptop}/dell.pem\nHost acc-bastion\n");
    fs::write(street.config(), text.replace("Host acc-*\n", &wrong)).expect("the config");
    diagnosed!("wrong_key", page(&street, &["acc-pvt"]));
    fs::write(street.config(), &text).expect("the config");
    diagnosed!("wrong_user", page(&street, &["nobody@acc-bastion"]));
    fs::write(beside(&street, ACC_BASTION, "authorized_keys"), "").expect("authorized_keys");
    diagnosed!("key_taken_off_the_server", page(&street, &["acc-bastion"]));
}

#[test]
fn a_server_that_takes_no_keys() {
    let plan =
        Street::plan().sshd(ACC_BASTION, "PubkeyAuthentication no").sshd(ACC_BASTION, "PasswordAuthentication yes");
    let Some(street) = plan.start() else { return };
    diagnosed!("methods_we_do_not_hold", page(&street, &["acc-bastion"]));
}

#[test]
fn more_keys_than_a_server_takes() {
    let Some(street) = Street::plan().sshd(ACC_BASTION, "MaxAuthTries 1").start() else { return };
    let dell = street.laptop().join("dell.pem");
    street.configure(&format!("Host acc-bastion\n  IdentityFile {}\n", dell.display()));
    diagnosed!("too_many_keys", page(&street, &["acc-bastion"]));
}

/// `hop doctor --fix acc-bastion` at a terminal of its own, which gives one answer; what was said.
fn repaired(street: &Street, answer: &str) -> String {
    let mut hop = street.hop("doctor");
    hop.env("TERM", "xterm").args(["--fix", "acc-bastion"]);
    let mut session = Session::spawn(hop).expect("hop at a terminal");
    session.set_expect_timeout(Some(std::time::Duration::from_secs(60)));
    session.expect("? ").expect("a question");
    session.send_line(answer).expect("an answer");
    let end = session.expect(Eof).expect("the end");
    String::from_utf8_lossy(end.as_bytes()).into_owned()
}

#[test]
fn a_repair_is_made_only_after_a_yes() {
    let Some(street) = Street::start() else { return };
    let key = street.laptop().join("acc.pem");
    let mode = || key.metadata().expect("the key").permissions().mode() & 0o777;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("chmod");
    let outcome = run(street.hop("doctor").args(["--fix", "-B", "acc-bastion"]));
    let page = scrubbed(&street, &outcome);
    assert!(outcome.code == Some(77) && page.contains("not done: chmod 400 ~/acc.pem"), "{page}");
    assert!(repaired(&street, "n").contains("not done: "));
    assert_eq!(mode(), 0o644, "nobody agreed");
    assert!(repaired(&street, "y").contains("done: chmod 400 "));
    assert_eq!(mode(), 0o400);
}

#[test]
fn a_changed_host_key_is_forgotten_only_after_a_whole_yes() {
    let Some(street) = Street::start() else { return };
    let known = fs::read_to_string(street.known_hosts()).expect("known_hosts");
    let (first, other) = (street.server(ACC_BASTION).address, street.server(ACC_PVT).address);
    let name = |at: std::net::SocketAddr| format!("[{}]:{} ", at.ip(), at.port());
    let swapped =
        known.replace(&name(first), "SWAP ").replace(&name(other), &name(first)).replace("SWAP ", &name(other));
    fs::write(street.known_hosts(), &swapped).expect("known_hosts");
    assert!(repaired(&street, "y").contains("not done: "), "a letter is not enough");
    assert_eq!(fs::read_to_string(street.known_hosts()).expect("known_hosts"), swapped);
    assert!(repaired(&street, "yes").contains("done: ssh-keygen -R "));
    let left = fs::read_to_string(street.known_hosts()).expect("known_hosts");
    assert!(!left.contains(&name(first)) && left.contains(&name(other)), "{left}");
}

#[test]
fn a_configuration_that_others_can_write_is_closed_and_then_used() {
    let Some(street) = Street::start() else { return };
    let more = street.put_here("more", b"Host other\n  Port 1\n");
    fs::set_permissions(&more, fs::Permissions::from_mode(0o666)).expect("chmod");
    street.configure(&format!("Include {}\n", more.display()));
    assert!(repaired(&street, "n").contains("bad owner or permissions"));
    let said = repaired(&street, "y");
    assert!(said.contains("done: chmod go-w ") && said.contains("All is well."), "{said}");
    assert_eq!(more.metadata().expect("the file").permissions().mode() & 0o777, 0o644);
}
