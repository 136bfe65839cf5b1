//! A shell at a real terminal: its size and its changes, keys that reach the other side, escapes, and the terminal as
//! it was before, whatever ended it.

use std::time::Duration;

use expectrl::session::OsSession;
use expectrl::{Eof, Expect as _, Session};

use crate::street::{ACC_BASTION, ACC_PVT, Street};

/// `hop ssh FLAGS acc-pvt` in a shell with a terminal of its own, 80 by 24.
pub fn shell(street: &Street, flags: &str) -> OsSession {
    let hop = format!("{} ssh -F .ssh/config {flags} {ACC_PVT}", env!("CARGO_BIN_EXE_hop"));
    let mut bash = street.on_laptop("bash");
    bash.env("TERM", "vt220").args(["-c", &format!("stty sane; {hop}; echo \"status $?.\"; stty -a")]);
    let mut session = Session::spawn(bash).expect("a shell on a terminal");
    session.set_expect_timeout(Some(Duration::from_secs(60)));
    session
}

/// Waits for these words; what came before them.
pub fn until(session: &mut OsSession, words: &str) -> String {
    match session.expect(words) {
        Ok(found) => String::from_utf8_lossy(found.before()).into_owned(),
        Err(error) => panic!("no `{words}`: {error}; it said {:?}", rest(session)),
    }
}

fn rest(session: &mut OsSession) -> String {
    session.expect(Eof).map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned()).unwrap_or_default()
}

/// hop has ended with `code` and the terminal is as a person left it.
pub fn ends(mut session: OsSession, code: i32) -> String {
    let before = until(&mut session, &format!("status {code}."));
    let settings = rest(&mut session);
    for sane in ["icanon", "echo", "isig", "icrnl", "opost"] {
        assert!(settings.split_whitespace().any(|setting| setting == sane), "no {sane}: {settings}");
    }
    before
}

#[test]
fn a_shell_has_the_terminals_size_name_and_keys() {
    let Some(street) = Street::start() else { return };
    let mut session = shell(&street, "");
    session.send_line("PS1=; echo \"$(stty size) $TERM ready\"").expect("typed");
    until(&mut session, "24 80 vt220 ready");
    session.get_process_mut().set_window_size(132, 43).expect("a new size");
    session.send_line("sleep 0.3; echo \"$(stty size) changed\"").expect("typed");
    until(&mut session, "43 132 changed");
    session.send_line("echo be''gun; sleep 1000").expect("typed");
    until(&mut session, "begun");
    std::thread::sleep(Duration::from_millis(300)); // the sleep begins
    session.send("\x03").expect("Ctrl-C");
    session.send_line("echo \"interrupted $?\"").expect("typed");
    until(&mut session, "interrupted 130");
    session.send_line("exit 5").expect("typed");
    let last = ends(session, 5);
    assert!(last.contains("Connection to 127."), "{last}");
}

#[test]
fn escapes_are_obeyed_after_a_newline() {
    let Some(street) = Street::start() else { return };
    let mut session = shell(&street, "");
    session.send_line("PS1=; echo rea''dy").expect("typed");
    until(&mut session, "ready");
    session.send("\r~?").expect("typed");
    until(&mut session, "Supported escape sequences:");
    until(&mut session, "Not supported, other than by ssh: ~B ~C ~R ~V ~v ~# ~&\r\n");
    session.send_line("echo a~.b").expect("typed");
    until(&mut session, "a~.b");
    session.send("\r~.").expect("typed");
    ends(session, 255);

    let mut session = shell(&street, "-e none");
    session.send_line("PS1=; echo rea''dy").expect("typed");
    until(&mut session, "ready");
    session.send("\r~.\r").expect("typed");
    session.send_line("exit 6").expect("typed");
    ends(session, 6);
}

#[test]
fn a_lost_connection_leaves_a_sane_terminal() {
    let Some(mut street) = Street::start() else { return };
    let mut session = shell(&street, "");
    session.send_line("PS1=; echo rea''dy").expect("typed");
    until(&mut session, "ready");
    street.server_mut(ACC_PVT).stop();
    let last = ends(session, 255);
    assert!(last.contains("connection lost"), "{last}");
}

#[test]
fn what_is_said_beside_a_shell_begins_at_the_left() {
    let Some(street) = Street::plan().sshd(ACC_PVT, "AllowTcpForwarding yes").start() else { return };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port();
    drop(taken);
    let mut session = shell(&street, &format!("-L {port}:127.0.0.1:1"));
    session.send_line("PS1=; echo rea''dy").expect("typed");
    until(&mut session, "ready");
    let _refused = std::net::TcpStream::connect(("127.0.0.1", port)).expect("hop listens");
    until(&mut session, "warning: ");
    until(&mut session, "refused");
    let rest_of_line = until(&mut session, "\n");
    assert!(rest_of_line.ends_with('\r'), "{rest_of_line:?}");
    session.send_line("exit 5").expect("typed");
    ends(session, 5);
}

#[test]
fn a_banner_stands_as_ssh_shows_it() {
    let file = tempfile::NamedTempFile::new().expect("a banner");
    std::fs::write(file.path(), "*** Authorized use only ***\n\n\tGrüße\n").expect("a banner");
    std::fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("its mode");
    let banner = format!("Banner {}", file.path().display());
    let Some(street) = Street::plan().sshd(ACC_PVT, &banner).sshd(ACC_BASTION, &banner).start() else { return };
    let said = |mut command: std::process::Command| {
        let ran = crate::street::run(command.env("LC_ALL", "C.UTF-8").args([ACC_PVT, "true"]));
        assert_eq!(ran.code, Some(0), "{ran}");
        ran.stderr
    };
    let ssh = said(street.openssh("ssh"));
    assert!(ssh.matches("Authorized").count() == 2, "{ssh:?}");
    assert_eq!(said(street.hop("ssh")), ssh);
    let mut quiet = street.hop("ssh");
    quiet.arg("-q");
    assert_eq!(said(quiet), "");
}
