//! INT, TERM and HUP end a run soon, with their own codes and nothing left running anywhere (F2).

use std::io::{PipeReader, PipeWriter, Read as _};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};

use crate::street::{ACC_BASTION, ACC_PVT, DELL_PVT, Street, until};
use crate::wire::Link;

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("a signal");
}

/// How the run ended; fails when it takes longer than it may.
fn ended(mut child: Child) -> Option<i32> {
    let limit = Instant::now() + Duration::from_secs(5);
    until("hop ends", || child.try_wait().expect("wait").is_some());
    assert!(Instant::now() < limit, "more than five seconds after the signal");
    child.wait().expect("wait").code()
}

fn slow() -> Option<Street> {
    let slow = Link { rate: Some(2 << 20), ..Link::default() };
    let street = Street::plan().link(ACC_BASTION, slow).start()?;
    street.put_here("here", &vec![b'x'; 32 << 20]);
    street.put(ACC_PVT, "there", &vec![b'x'; 32 << 20]);
    Some(street)
}

#[test]
fn each_way_ends_at_each_signal_and_leaves_no_process() {
    let Some(street) = slow() else { return };
    let cases = [
        (&["here", "acc-pvt:up"][..], Signal::INT, 130, street.home(ACC_PVT)),
        (&["acc-pvt:there", "down"], Signal::TERM, 143, street.laptop()),
        (&["-3", "acc-pvt:there", "dell-pvt:over"], Signal::HUP, 129, street.home(DELL_PVT)),
    ];
    for (words, which, code, folder) in cases {
        let child = street.hop("cp").args(words).stderr(Stdio::piped()).stdin(Stdio::null()).spawn().expect("hop cp");
        until("a part is there", || !Street::parts(folder).is_empty());
        signal(&child, which);
        let mut said = child;
        let mut stderr = said.stderr.take().expect("piped");
        assert_eq!(ended(said), Some(code), "{words:?}");
        let mut text = String::new();
        stderr.read_to_string(&mut text).expect("its words");
        assert!(text.starts_with("hop: stopped by a signal") && text.contains(".part"), "{text}");
        for host in [ACC_PVT, DELL_PVT] {
            until("nothing of it runs there", || street.server(host).processes_named("sftp-server").is_empty());
        }
    }
}

#[test]
fn a_run_that_still_waits_for_a_server_ends_too() {
    let silent = Link { delay: Duration::from_secs(60), ..Link::default() };
    let Some(street) = Street::plan().link(ACC_BASTION, silent).start() else { return };
    street.put_here("f", b"x");
    for (which, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let child = super::start(street.hop("cp").args(["f", "acc-pvt:"]));
        until("it has connected", || catches(&child, which));
        signal(&child, which);
        assert_eq!(ended(child), Some(code));
    }
}

#[test]
fn a_second_signal_does_not_wait_for_a_reader() {
    let Some(street) = slow() else { return };
    // its last words have nowhere to go: the pipe is full and nobody reads it
    let (reader, writer) = full_pipe();
    let mut command = street.hop("cp");
    command.args(["--json", "--progress", "none", "here", "acc-pvt:up"]);
    let child = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::null()).spawn().expect("hop cp");
    until("a part is there", || !Street::parts(street.home(ACC_PVT)).is_empty());
    signal(&child, Signal::INT);
    std::thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    signal(&child, Signal::INT);
    assert_eq!(ended(child), Some(130));
    assert!(began.elapsed() < Duration::from_secs(2), "the second signal did nothing: {:?}", began.elapsed());
    drop(reader);
}

/// A pipe with no room left.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let flags = fcntl_getfl(&writer).expect("its flags");
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).expect("a pipe that does not block");
    while rustix::io::write(&writer, &[b'\n'; 4096]).is_ok() {}
    fcntl_setfl(&writer, flags).expect("a pipe that blocks");
    (reader, writer)
}

/// Whether the process catches that signal by now (`SigCgt`, proc(5)).
fn catches(child: &Child, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0").trim();
    u64::from_str_radix(mask, 16).unwrap_or(0) >> (signal.as_raw() - 1) & 1 == 1
}
