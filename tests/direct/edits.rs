//! The one line in the destination's authorized_keys, however the copy ends, and whoever else writes to the file.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use super::ephemeral::{keys, plan};
use super::{cp, goes_straight};
use crate::end_to_end::tree;
use crate::street::{ACC_PVT, DELL_PVT, Street, run, until};

const BEFORE: &[u8] = b"# mine\nssh-ed25519 AAAA me@home";

/// A copy whose login never gets an answer, caught while its line stands.
struct Hung {
    street: Street,
    child: Child,
    _nobody: TcpListener,
}

fn hung() -> Option<Hung> {
    let street = plan().start()?;
    street.put(DELL_PVT, ".ssh/authorized_keys", BEFORE);
    street.put(ACC_PVT, "f", b"content");
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = nobody.local_addr().expect("its address").to_string();
    let mut command = cp(&street, ["-R", "--direct-auth", "ephemeral", "--peer-address", &address]);
    let command = command.args(["acc-pvt:f", "dell-pvt:"]).stdin(Stdio::null()).stdout(Stdio::null());
    let child = command.stderr(Stdio::null()).spawn().expect("hop cp");
    until("the line stands", || begins(&street));
    Some(Hung { street, child, _nobody: nobody })
}

fn begins(street: &Street) -> bool {
    fs::read(keys(street)).is_ok_and(|text| String::from_utf8_lossy(&text).contains("ssh-ed25519 AAAAC3"))
}

/// The line is one, the first, and as narrow as it can be; the rest is as it was.
fn is_narrow(street: &Street) {
    let text = fs::read(keys(street)).expect("it is there");
    let end = text.iter().position(|byte| *byte == b'\n').expect("a line");
    assert_eq!(&text[end + 1..], BEFORE);
    let line = String::from_utf8_lossy(&text[..end]).into_owned();
    let (options, rest) = line.split_once(" ssh-ed25519 ").expect("options and a key");
    let name = rest.split_once(' ').expect("a comment").1;
    assert!(name.starts_with("hop-ephemeral-"), "{line}");
    let gate =
        format!(r#"restrict,command="exec /bin/sh \"$HOME/.ssh/.{name}/gate\"",from="127.0.0.1",expiry-time="2"#);
    assert!(options.starts_with(&gate), "{line}");
}

fn as_before(street: &Street) {
    until("the file is as it was", || fs::read(keys(street)).is_ok_and(|text| text == BEFORE));
    let names = || tree(street.home(DELL_PVT)).into_keys().map(|name| name.display().to_string()).collect::<Vec<_>>();
    until("nothing else is left", || names().iter().all(|name| [".ssh", ".ssh/authorized_keys"].contains(&&name[..])));
    let at_work = || street.server(DELL_PVT).processes().into_iter().filter(|process| process.name != "sshd").count();
    until("nothing of it runs there", || at_work() == 0);
}

#[test]
fn the_line_is_gone_after_a_signal() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let Some(Hung { street, mut child, _nobody }) = hung() else { return };
        is_narrow(&street);
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).expect("signal hop");
        assert_eq!(child.wait().expect("wait for hop").code(), Some(code));
        as_before(&street);
    }
}

#[test]
fn the_line_is_gone_after_a_kill() {
    let Some(Hung { street, mut child, _nobody }) = hung() else { return };
    child.kill().expect("kill hop");
    child.wait().expect("wait for hop");
    as_before(&street);
}

#[test]
fn the_line_is_gone_when_the_connection_is_lost_and_when_the_login_fails() {
    let Some(Hung { street, mut child, _nobody }) = hung() else { return };
    let pipes = ["sh", "bash", "dash"].map(|name| street.server(DELL_PVT).processes_named(name).len());
    assert!(pipes.iter().sum::<usize>() > 0, "a process keeps the line");
    for session in street.server(DELL_PVT).processes_named("sshd").iter().skip(1) {
        session.kill();
    }
    as_before(&street);
    let ended = child.wait().expect("wait for hop").code();
    assert!(matches!(ended, Some(10 | 14)), "{ended:?}");
    drop(_nobody);
    // and with nobody there at all
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").to_string();
    let words = ["-R", "--direct-auth", "ephemeral", "--peer-address", &gone, "acc-pvt:f", "dell-pvt:"];
    let ran = run(&mut cp(&street, words));
    assert_eq!(ran.code, Some(10), "{ran}");
    as_before(&street);
}

#[test]
fn what_a_killed_host_left_the_next_run_removes() {
    let Some(Hung { street, mut child, _nobody }) = hung() else { return };
    for name in ["sh", "bash", "dash"] {
        // what keeps the line, and the login shell it came from
        street.server(DELL_PVT).processes_named(name).iter().for_each(|process| process.kill());
    }
    child.kill().expect("kill hop");
    child.wait().expect("wait for hop");
    is_narrow(&street);
    goes_straight(cp(&street, ["-R", "--direct-auth", "ephemeral", "acc-pvt:f", "dell-pvt:"]));
    fs::remove_file(street.home(DELL_PVT).join("f")).expect("it is there");
    street.server(DELL_PVT).processes_named("sleep").iter().for_each(|process| process.kill());
    as_before(&street);
}

#[test]
fn only_lines_of_hops_that_are_past_are_removed() {
    let Some(street) = plan().start() else { return };
    let line =
        |until: &str, nonce: &str| format!("restrict,x=\"y\" ssh-ed25519 AAAAC3 hop-ephemeral-{until}-{nonce}\n");
    let (past, to_come) = (line("1700000000", "00112233445566aa"), line("9999999999", "00112233445566bb"));
    let others = [
        line("1700000000", "00112233445566aa "),
        line("1700000000", "00112233"),
        past.replace("restrict", "#restrict"),
        past.replace("ephemeral", "ephemera"),
    ]
    .concat();
    let text = format!("{past}first\n{past}{others}{to_come}{past}{past}last");
    street.put(DELL_PVT, ".ssh/authorized_keys", text.as_bytes());
    street.put(ACC_PVT, "f", b"content");
    goes_straight(cp(&street, ["-R", "--direct-auth", "ephemeral", "acc-pvt:f", "dell-pvt:"]));
    let after = fs::read_to_string(keys(&street)).expect("it is there");
    assert_eq!(after, format!("first\n{others}{to_come}last"));
}

#[test]
fn two_runs_and_a_person_who_writes_lose_nothing() {
    let Some(street) = plan().start() else { return };
    let file = street.put(DELL_PVT, ".ssh/authorized_keys", b"# first\n");
    for number in 0..2 {
        street.put(ACC_PVT, format!("f{number}"), b"content");
    }
    let over = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let person = scope.spawn(|| {
            let mut count = 0;
            while !over.load(Ordering::Relaxed) {
                let mut open = fs::File::options().append(true).open(&file).expect("it is always there");
                std::thread::sleep(Duration::from_millis(1));
                open.write_all(format!("# line {count}\n").as_bytes()).expect("write");
                count += 1;
                std::thread::sleep(Duration::from_millis(3));
            }
            count
        });
        let runs: Vec<_> = (0..2)
            .map(|number| {
                let street = &street;
                scope.spawn(move || {
                    for _ in 0..3 {
                        let source = format!("acc-pvt:f{number}");
                        goes_straight(cp(street, ["-R", "--direct-auth", "ephemeral", &source, "dell-pvt:"]));
                    }
                })
            })
            .collect();
        let ended: Vec<_> = runs.into_iter().map(|run| run.join()).collect();
        over.store(true, Ordering::Relaxed);
        let written = person.join().expect("the writer ends");
        ended.into_iter().for_each(|run| run.expect("both arrive"));
        written
    });
    // one that was written to the file just replaced comes a little later
    let text = fs::read_to_string(&file).expect("it is there");
    let rest = text.strip_prefix("# first\n").expect("the first line stays the first");
    let mut numbers: Vec<i32> =
        rest.lines().map(|line| line.strip_prefix("# line ")?.parse().ok()).collect::<Option<_>>().expect(&text);
    numbers.sort_unstable();
    assert_eq!(numbers, (0..written).collect::<Vec<_>>());
    assert_eq!(fs::read_dir(file.parent().expect("a folder")).expect("it is there").count(), 1, "nothing else is left");
}
