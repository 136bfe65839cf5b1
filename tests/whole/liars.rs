//! Servers that work, but for one thing, behind a real bastion: a byte is changed on its way (F23), closing a file fails
//! after all was written (F13, F20), or sizes are not told as they are (F38); and files of which real servers cannot tell it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::invariants::Case;
use super::ran::{run, run_while};
use super::ways::{WAYS, Way, content};
use crate::skips::{need, skip};
use crate::street::{ACC_PVT, DELL_PVT, Street};

const SIZE: usize = 3 << 20;

/// A street with such a server at the end that matters; the folder has its switch.
fn street(way: Way, trick: &str) -> Option<(Street, TempDir)> {
    let (perl, server, folder) = (need("perl")?, need("sftp-server")?, tempfile::tempdir().expect("a folder"));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("set its mode");
    let script = folder.path().join("meddling-sftp-server");
    fs::write(&script, include_bytes!("meddling-sftp-server")).expect("write a script");
    let host = match (way, trick) {
        (_, "announces-less" | "announces-more" | "changes-data") | (Way::Up | Way::Down, _) => ACC_PVT,
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

const TRICKS: [&str; 2] = ["announces-less", "announces-more"];

const LIMIT: Duration = Duration::from_secs(75);

#[test]
fn f38_a_file_of_another_size_than_is_announced_arrives_whole() {
    for (way, trick) in [Way::Down, Way::Relay].into_iter().flat_map(|way| TRICKS.map(|trick| (way, trick))) {
        let Some((street, _folder)) = street(way, trick) else { return };
        for (size, more) in [(SIZE, None), (SIZE, Some("--verify")), (100_000, Some("--verify"))] {
            let content = content(size);
            way.furnish(&street, &content);
            let targets = [way.target(&street, &content)];
            let copy = || {
                let mut command = way.copy(&street);
                command.args(more);
                command
            };
            let ran = run(&mut copy());
            let name = format!("F38 {way:?} {trick} {size} {more:?}");
            assert_eq!(ran.code, Some(0), "{name}: {ran}");
            Case { name, street: &street, targets: &targets, ran: &ran, limit: LIMIT, says: &[], again: &copy }.holds();
        }
    }
}

#[test]
fn f38_a_copy_of_another_size_than_is_announced_is_killed_and_goes_on() {
    for (way, trick) in [Way::Down, Way::Relay].into_iter().flat_map(|way| TRICKS.map(|trick| (way, trick))) {
        let Some((street, _folder)) = street(way, trick) else { return };
        let content = content(8 * SIZE);
        way.furnish(&street, &content);
        for reached in [1, 5, 7] {
            let target = way.target(&street, &content);
            let folder = target.path.parent().expect("a folder").to_owned();
            let length = || {
                let parts = Street::parts(&folder);
                parts.iter().filter_map(|part| part.metadata().ok()).map(|part| part.len()).max().unwrap_or(0)
            };
            let ran = run_while(&mut way.copy(&street), |child, _| {
                if length() > reached * SIZE as u64 {
                    // it may have ended just now
                    let _ = child.kill();
                }
            });
            let (name, again) = (format!("F38 {way:?} {trick} killed at {reached}"), || way.copy(&street));
            let targets = [target];
            let case =
                Case { name, street: &street, targets: &targets, ran: &ran, limit: LIMIT, says: &[], again: &again };
            // a part that is longer than what is announced is not gone on from
            case.holds_and_starts_over();
        }
    }
}

/// From host to host without the `-R` that forbids anything else.
fn across(street: &Street, words: &[&str]) -> Command {
    let mut command = street.hop("cp");
    command.args(words);
    command
}

#[test]
fn f38_what_hosts_cannot_send_each_other_whole_goes_through_here_or_not_at_all() {
    for trick in TRICKS {
        for size in [SIZE, 9 << 20] {
            let Some((street, folder)) = street(Way::Direct, trick) else { return };
            let content = content(size);
            Way::Direct.furnish(&street, &content);
            let targets = [Way::Direct.target(&street, &content)];
            let ran = run(&mut Way::Direct.copy(&street));
            let name = format!("F38 direct {trick} {size}");
            assert_eq!(ran.code, Some(23), "{name}: {ran}");
            let says = ["acc-pvt", "transfer: file: it has more or fewer bytes than it says", "hint: --route relay"];
            let again = || {
                fs::remove_file(folder.path().join("switch")).expect("switch it off");
                Way::Direct.copy(&street)
            };
            let case =
                Case { name, street: &street, targets: &targets, ran: &ran, limit: LIMIT, says: &says, again: &again };
            case.holds_and_starts_over();
            fs::write(folder.path().join("switch"), b"").expect("switch it on");
            Way::Direct.target(&street, &content);
            let ran = run(&mut across(&street, &Way::Direct.words()));
            assert_eq!(ran.code, Some(0), "{ran}");
            assert!(ran.stderr.contains("file goes through here: it has more or fewer bytes than it says"), "{ran}");
            assert!(fs::read(&targets[0].path).expect("it landed") == content, "{ran}");
        }
    }
}

/// It says that it has 4096 bytes.
const SYS: &str = "/sys/devices/system/cpu/online";

/// It says that it has none.
const PROC: &str = "/proc/version";

#[test]
fn f38_files_that_a_hosts_system_makes_up_arrive_whole() {
    let Some(street) = Street::start() else { return };
    let Ok(made_up) = fs::read(SYS) else { return skip("/sys is not mounted") };
    let version = fs::read(PROC).expect("/proc is there");
    [ACC_PVT, DELL_PVT].iter().for_each(|host| drop(street.put(host, "to/old", b"")));
    street.put_here("to/old", b"");
    let (acc, dell) = (street.home(ACC_PVT).join("to"), street.home(DELL_PVT).join("to"));
    let (sys, proc) = (format!("acc-pvt:{SYS}"), format!("acc-pvt:{PROC}"));
    let ways: [(&[&str], &Path); 4] = [
        (&[SYS, PROC, "acc-pvt:to/"], &acc),
        (&[&sys, &proc, "to/"], &street.laptop().join("to")),
        (&["-3", &sys, &proc, "dell-pvt:to/"], &dell),
        (&["--route", "auto", &sys, &proc, "dell-pvt:to/"], &dell),
    ];
    for (words, to) in ways {
        for more in [&[][..], &["--verify"], &["--update", "--verify"]] {
            let ran = run(across(&street, words).args(more));
            assert_eq!(ran.code, Some(0), "{words:?} {more:?}: {ran}");
            for (name, content) in [("online", &made_up), ("version", &version)] {
                assert!(fs::read(to.join(name)).expect("it landed") == *content, "{words:?} {more:?} {name}: {ran}");
                fs::remove_file(to.join(name)).expect("remove it");
            }
        }
    }
    let ran = run(across(&street, &["-R", &sys, "dell-pvt:to/"]).args(["--timeout", "9s"]));
    assert!(ran.code == Some(23) && ran.stderr.contains("it has more or fewer bytes than it says"), "{ran}");
    assert!(!dell.join("online").exists(), "{ran}");
    // a tree of them
    let folder = "/sys/devices/system/cpu/cpu0/topology";
    if !Path::new(folder).is_dir() {
        return skip("there is no folder of such files");
    }
    for words in [&["-r", folder, "acc-pvt:to/"][..], &["-r", "--verify", &format!("acc-pvt:{folder}"), "dell-pvt:to/"]]
    {
        let to = if words.len() == 3 { &acc } else { &dell };
        let ran = run(&mut across(&street, words));
        assert_eq!(ran.code, Some(0), "{words:?}: {ran}");
        let differs = run(Command::new("diff").args(["-r", folder]).arg(to.join("topology")));
        assert_eq!(differs.code, Some(0), "{words:?}: {differs}");
    }
}
