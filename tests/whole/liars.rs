//! Servers that work, but for one thing, behind a real bastion: a byte is changed on its way (F23), or closing a file fails
//! after all was written (F13, F20).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::invariants::Case;
use super::ran::run;
use super::ways::{WAYS, Way, content};
use crate::skips::need;
use crate::street::{ACC_PVT, DELL_PVT, Street};

const SIZE: usize = 3 << 20;

/// A street with such a server at the end that matters; the folder has its switch.
fn street(way: Way, trick: &str) -> Option<(Street, TempDir)> {
    let (perl, server, folder) = (need("perl")?, need("sftp-server")?, tempfile::tempdir().expect("a folder"));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("set its mode");
    let script = folder.path().join("meddling-sftp-server");
    fs::write(&script, include_bytes!("meddling-sftp-server")).expect("write a script");
    let host = match (way, trick) {
        (Way::Relay, "changes-data") | (Way::Up | Way::Down, _) => ACC_PVT,
        (Way::Relay | Way::Direct, _) => DELL_PVT,
    };
    let switch = folder.path().join("switch");
    let words = [perl.display(), script.display(), switch.display()].map(|path| path.to_string()).join(" ");
    let subsystem = format!("Subsystem sftp {words} {trick} {}", server.display());
    let street = Street::plan().without_sftp(host).sshd(host, subsystem).start()?;
    fs::write(&switch, b"").expect("switch it on");
    Some((street, folder))
}

fn refused(way: Way, trick: &str, more: &[&str], (code, says): (i32, &[&str])) {
    let Some((street, folder)) = street(way, trick) else { return };
    let content = content(SIZE);
    way.furnish(&street, &content);
    let target = way.target(&street, &content);
    let copy = || -> Command {
        let mut command = way.copy(&street);
        command.args(more);
        command
    };
    let ran = run(&mut copy());
    let name = format!("F20, F23 {way:?} {trick}");
    assert_eq!(ran.code, Some(code), "{name}: {ran}");
    let again = || {
        fs::remove_file(folder.path().join("switch")).expect("switch it off");
        copy()
    };
    let limit = Duration::from_secs(75);
    let case = Case { name, street: &street, targets: &[target], ran: &ran, limit, says, again: &again };
    match trick {
        "fails-close" => case.holds(),
        _ => case.holds_and_starts_over(),
    };
}

#[test]
fn f23_a_server_that_changes_a_byte_is_caught() {
    let says = ["laptop > ", "verify", "to/file", "the SHA-256 of what arrived is not that of the source"];
    for way in [Way::Up, Way::Relay] {
        refused(way, "changes-write", &["--verify"], (23, &says));
    }
    refused(Way::Relay, "changes-data", &["--verify"], (23, &says));
    refused(Way::Down, "changes-data", &["--verify"], (23, &says[1..]));
}

#[test]
fn f20_a_server_that_fails_to_close_has_not_got_it() {
    for way in WAYS.into_iter().filter(|way| *way != Way::Down) {
        refused(way, "fails-close", &[], (23, &["laptop > ", "land", "to/file", "failure", "kept in", "hint: "]));
    }
}
