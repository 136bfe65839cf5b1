//! A link that falls silent without closing: said within the limit that `ServerAliveInterval` sets, whatever the session
//! was doing.

use std::process::{Child, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use expectrl::Expect as _;

use super::terminal::{ends, shell, until};
use crate::street::{ACC_BASTION, ACC_PVT, Street};
use crate::wire::Direction;
use crate::wire::Link;

/// Two silent seconds are too many.
const ALIVE: [&str; 4] = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1"];
/// Without `ServerAliveInterval` nothing would be said for a minute at least.
const LIMIT: Duration = Duration::from_secs(90);

/// A street with a link in front of `host`.
fn street(host: &'static str) -> Option<Street> {
    Street::plan().link(host, Link::default()).start()
}

/// What a program says on standard error, and how it ends within the limit.
fn told(mut child: Child) -> (Option<i32>, String) {
    let mut stderr = child.stderr.take().expect("piped");
    let said: JoinHandle<String> = std::thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut stderr, &mut text).expect("read standard error");
        text
    });
    let end = Instant::now() + LIMIT;
    let status = loop {
        match child.try_wait().expect("wait for hop") {
            Some(status) => break status,
            None if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
            None => {
                child.kill().expect("kill hop");
                panic!("it still waits after {LIMIT:?}");
            }
        }
    };
    (status.code(), said.join().expect("a reader"))
}

#[test]
fn a_shell_on_a_silent_link_ends_and_leaves_a_sane_terminal() {
    let Some(street) = street(ACC_BASTION) else { return };
    let mut session = shell(&street, &ALIVE.join(" "));
    session.send_line("PS1=; echo rea''dy").expect("typed");
    until(&mut session, "ready");
    street.server(ACC_BASTION).wire.as_ref().expect("a link").fall_silent();
    let last = ends(session, 255);
    assert!(last.contains("the server does not answer any more"), "{last}");
}

#[test]
fn an_upload_into_silence_ends_wherever_the_silence_is() {
    for host in [ACC_BASTION, ACC_PVT] {
        let Some(street) = street(host) else { return };
        let mut hop = street.hop("ssh");
        hop.args(ALIVE).args([ACC_PVT, "cat >/dev/null"]);
        let zeros = std::fs::File::open("/dev/zero").expect("zeros");
        let child = hop.stdin(zeros).stderr(Stdio::piped()).spawn().expect("hop ssh");
        let wire = street.server(host).wire.as_ref().expect("a link");
        crate::street::until("bytes pass", || wire.bytes(Direction::Up) > 1 << 20);
        wire.fall_silent();
        let (code, said) = told(child);
        assert!(code == Some(255) && said.contains("connection lost"), "{host}: {code:?} {said}");
    }
}
