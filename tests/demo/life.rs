//! Does the street leave nothing behind, and keep its keys to itself while it stands?

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use hop::demo::Street;

use super::guest::Guest;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// True once `condition` holds; a minute at most.
fn soon(condition: impl Fn() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(60);
    while !condition() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// True while the process runs; one that only waits to be reaped does not.
fn runs(process: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    status.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

#[test]
fn keys_are_readable_by_their_owner_only() {
    let street = Street::start_temporary().unwrap();
    assert_eq!(mode(street.folder()), 0o700);
    for key in ["acc.pem", "dell.pem"] {
        assert_eq!(mode(&street.folder().join(key)), 0o400);
    }
}

#[test]
fn a_street_taken_down_leaves_no_folder_no_port_and_no_process() {
    let Some(guest) = Guest::new() else { return };
    let (folder, port) = (guest.street.folder().to_owned(), guest.port("acc-bastion").parse::<u16>().unwrap());
    let (mut ssh, process) = sleeper(&guest);
    drop(guest);
    assert!(!folder.exists());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(soon(|| !runs(&process)), "{process} still runs");
    ssh.kill().unwrap();
    ssh.wait().unwrap();
}

#[test]
fn a_client_that_dies_takes_its_command_with_it() {
    let Some(guest) = Guest::new() else { return };
    let (mut ssh, process) = sleeper(&guest);
    assert!(runs(&process));
    ssh.kill().unwrap();
    ssh.wait().unwrap();
    assert!(soon(|| !runs(&process)), "{process} still runs");
}

/// An ssh whose remote command started another process and waits for it; and that process's id.
fn sleeper(guest: &Guest) -> (std::process::Child, String) {
    let line = "sleep 600 & echo $!; wait";
    let mut ssh =
        guest.tool("ssh").args(["acc-pvt", line]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut process = String::new();
    BufReader::new(ssh.stdout.take().unwrap()).read_line(&mut process).unwrap();
    (ssh, process.trim().to_owned())
}

#[tokio::test]
async fn a_street_may_stand_and_fall_inside_another_runtime() {
    let street = Street::start_temporary().unwrap();
    let folder = street.folder().to_owned();
    drop(street);
    assert!(!folder.exists());
}
