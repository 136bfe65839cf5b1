//! Whoever does not read is waited for, in either direction, and hop stays small meanwhile.

use std::fs::File;
use std::process::Stdio;

use crate::forward::Tunnel;
use crate::street::{ACC_PVT, Street, until};

/// In KiB: windows of 2 MiB a hop, the queues, and hop itself.
const SMALL: u64 = 40 * 1024;

#[test]
fn an_output_that_nobody_reads_waits_at_the_server() {
    let Some(street) = Street::start() else { return };
    let mut hop = street.hop("ssh");
    hop.args([ACC_PVT, "cat /dev/zero"]).stdout(Stdio::piped());
    let hop = Tunnel::start(hop);
    let said = || street.server(ACC_PVT).processes_named("cat").first().map_or(0, |cat| io_of(cat.id, "wchar:"));
    until("the command has said something", || said() > 0);
    let mut before = 0;
    until("the command says no more", || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        let now = said();
        std::mem::replace(&mut before, now) == now
    });
    assert!(hop.peak() < SMALL, "{} KiB after {before} bytes", hop.peak());
}

#[test]
fn an_input_that_nobody_reads_is_not_read_here_either() {
    let Some(street) = Street::start() else { return };
    let mut hop = street.hop("ssh");
    hop.args([ACC_PVT, "echo here; exec sleep 1000"]).stdout(Stdio::null()).stderr(Stdio::null());
    let zeros = File::open("/dev/zero").expect("zeros");
    let hop = Tunnel(hop.stdin(zeros).spawn().expect("hop ssh"));
    until("the command runs", || !street.server(ACC_PVT).processes_named("sleep").is_empty());
    let mut before = 0;
    until("no more is read", || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        let read = io_of(hop.0.id(), "rchar:");
        std::mem::replace(&mut before, read) == read
    });
    assert!(before < SMALL * 1024 && hop.peak() < SMALL, "{} KiB after {before} bytes", hop.peak());
}

/// What a process has read or written so far (proc(5), `/proc/pid/io`).
fn io_of(process: u32, which: &str) -> u64 {
    let io = std::fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix(which));
    line.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}
