//! At a terminal: questions, silence while a secret is typed, bars, and the terminal as it was before.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use expectrl::process::unix::WaitStatus;
use expectrl::session::OsSession;
use expectrl::{Eof, Expect as _, Session};

use crate::street::{ACC_BASTION, Street, run};
use crate::wire::Link;

const UNKNOWN: &str = "continue connecting (yes/no/[fingerprint])? ";

/// `line` in a shell with a terminal of its own, 80 by 24, in the laptop's home folder; `hop` is the real binary.
fn at_terminal(street: &Street, line: &str) -> OsSession {
    let hop =
        format!("hop() {{ verb=$1; shift; {} $verb -F .ssh/config \"$@\"; }}; stty echo;", env!("CARGO_BIN_EXE_hop"));
    let mut bash = street.on_laptop("bash");
    bash.env("TERM", "xterm").args(["-c", &format!("{hop} {line}; echo status $?; stty -a")]);
    let mut session = Session::spawn(bash).expect("a shell on a terminal");
    session.set_expect_timeout(Some(Duration::from_secs(60)));
    session
}

/// Waits for these words; what came before them.
fn until(session: &mut OsSession, words: &str) -> String {
    match session.expect(words) {
        Ok(found) => String::from_utf8_lossy(found.before()).into_owned(),
        Err(error) => panic!("no `{words}`: {error}; it said {:?}", rest(session)),
    }
}

fn rest(session: &mut OsSession) -> String {
    session.expect(Eof).map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned()).unwrap_or_default()
}

/// What the shell says at the end: the exit code is `code`, and the echo is on.
fn ends(mut session: OsSession, code: i32) -> String {
    let before = until(&mut session, &format!("status {code}"));
    let settings = rest(&mut session);
    assert!(settings.contains(" echo ") && !settings.contains("-echo "), "the echo is off: {settings}");
    assert_eq!(session.get_process().wait().expect("a status"), WaitStatus::Exited(session.get_process().pid(), 0));
    before
}

#[test]
fn a_key_is_closed_to_others_after_a_yes() {
    let Some(street) = Street::start() else { return };
    let keys = [street.laptop().join("acc.pem"), street.laptop().join("dell.pem")];
    let chmod =
        |mode| keys.iter().for_each(|key| fs::set_permissions(key, Permissions::from_mode(mode)).expect("chmod"));
    let modes = || keys.each_ref().map(|key| key.metadata().expect("a key").permissions().mode() & 0o777);
    chmod(0o644);
    let mut session = at_terminal(&street, "hop key fix");
    until(&mut session, "acc.pem? [y/N] ");
    session.send_line("n").expect("an answer");
    until(&mut session, "dell.pem? [y/N] ");
    session.send_line("y").expect("an answer");
    ends(session, 77);
    assert_eq!(modes(), [0o644, 0o400], "each by its own answer");
    let mut session = at_terminal(&street, "hop key fix");
    until(&mut session, "acc.pem? [y/N] ");
    session.send_line("y").expect("an answer");
    ends(session, 0);
    assert_eq!(modes(), [0o400; 2]);
}

fn encrypt(street: &Street) {
    let key = street.laptop().join("acc.pem");
    let mut keygen = Command::new("ssh-keygen");
    let outcome = run(keygen.args(["-q", "-p", "-P", "", "-N", "s3cret words", "-f"]).arg(&key));
    assert_eq!(outcome.code, Some(0), "{outcome}");
}

#[test]
fn an_unknown_host_is_asked_about_and_remembered() {
    let Some(street) = Street::start() else { return };
    fs::write(street.known_hosts(), "").expect("empty known_hosts");
    street.configure("StrictHostKeyChecking ask");
    let mut session = at_terminal(&street, "hop ssh acc-pvt echo arrived");
    let question = until(&mut session, UNKNOWN);
    assert!(question.contains("key fingerprint is SHA256:"), "{question}");
    session.send_line("yes").expect("an answer");
    until(&mut session, UNKNOWN);
    session.send_line("yes").expect("an answer");
    until(&mut session, "arrived");
    ends(session, 0);
    let known = fs::read_to_string(street.known_hosts()).expect("known_hosts");
    assert_eq!(known.lines().count(), 2, "{known}");
    ends(at_terminal(&street, "hop ssh acc-pvt true"), 0);
}

#[test]
fn a_no_is_a_no() {
    let Some(street) = Street::start() else { return };
    fs::write(street.known_hosts(), "").expect("empty known_hosts");
    street.configure("StrictHostKeyChecking ask");
    let mut session = at_terminal(&street, "hop cp acc-pvt:x .");
    until(&mut session, UNKNOWN);
    session.send_line("no").expect("an answer");
    let said = ends(session, 13);
    assert!(said.contains("host key unknown") && !said.contains("hint:"), "{said}");
    assert_eq!(fs::read(street.known_hosts()).expect("known_hosts"), b"");
    let said = ends(at_terminal(&street, "hop cp -B acc-pvt:x ."), 13);
    assert!(!said.contains(UNKNOWN), "-B asked: {said}");
    street.configure("BatchMode yes");
    let said = ends(at_terminal(&street, "hop cp acc-pvt:x ."), 13);
    assert!(!said.contains(UNKNOWN), "BatchMode asked: {said}");
}

#[test]
fn a_passphrase_is_asked_once_and_never_shown() {
    let Some(street) = Street::start() else { return };
    encrypt(&street);
    street.put_here("f", b"content");
    street.put_here("g", b"content");
    let mut session = at_terminal(&street, "hop cp f g acc-pvt:");
    until(&mut session, "passphrase");
    std::thread::sleep(Duration::from_millis(500)); // bars would come by now
    session.send_line("s3cret words").expect("an answer");
    let said = ends(session, 0);
    assert!(!said.contains("s3cret") && !said.contains("assphrase"), "{said}");
    assert!(said.contains("2 files, 14 B"), "{said}");
}

#[test]
fn an_interrupted_question_gives_the_echo_back() {
    let Some(street) = Street::start() else { return };
    encrypt(&street);
    let mut session = at_terminal(&street, "hop ssh acc-pvt true");
    until(&mut session, "passphrase");
    std::thread::sleep(Duration::from_millis(200));
    session.send("\x03").expect("Ctrl-C");
    ends(session, 130);
}

#[test]
fn a_slow_copy_draws_a_bar_and_leaves_a_summary() {
    let slow = Link { rate: Some(2 << 20), ..Link::default() };
    let Some(street) = Street::plan().link(ACC_BASTION, slow).start() else { return };
    street.put_here("big\x1b[31m.iso", &vec![b'x'; 6 << 20]);
    let mut session = at_terminal(&street, "hop cp big*.iso acc-pvt:");
    until(&mut session, "upload: the source is on this machine");
    let before = until(&mut session, "MiB of 6.0 MiB");
    assert!(before.contains(r"big\x1b[31m.iso") && before.contains('━'), "{before:?}");
    let said = ends(session, 0);
    assert!(said.contains("1 file, 6.0 MiB in ") && !said.contains("\x1b[31m"), "{said:?}");
}

#[test]
fn a_quick_copy_draws_nothing() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"content");
    let said = ends(at_terminal(&street, "hop cp -q f acc-pvt:"), 0);
    assert_eq!(said, "", "-q is silent at a terminal too");
}
