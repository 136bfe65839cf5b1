//! SFTP servers that break the rules, behind a real bastion: exit 12, nothing outside the destination, memory bounded.
//!
//! `hostile-sftp-server` is started by the private server's sshd instead of the real one.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::{TO_ACC, refused};
use crate::skips::need;
use crate::street::{ACC_PVT, Street};

/// A street whose acc-pvt has this server instead of OpenSSH's.
fn street(trick: &str) -> Option<Street> {
    let perl = need("perl")?;
    let subsystem = format!("Subsystem sftp {} .hostile {trick}", perl.display());
    let street = Street::plan().without_sftp(ACC_PVT).sshd(ACC_PVT, subsystem).start()?;
    street.put(ACC_PVT, ".hostile", include_bytes!("hostile-sftp-server"));
    // commands start in the home folder, so it must be the street's
    street.own_homes().then_some(street)
}

#[test]
fn a_greeting_that_is_none() {
    let Some(street) = street("prints") else { return };
    street.put_here("f", b"x");
    refused(&street, &["f", "acc-pvt:"], 12, &[TO_ACC, "start sftp"]);
}

#[test]
fn a_packet_of_four_gibibytes() {
    let Some(street) = street("huge-packet") else { return };
    street.put_here("f", b"x");
    refused(&street, &["f", "acc-pvt:"], 12, &[TO_ACC]);
}

#[test]
fn an_answer_of_an_unknown_type() {
    let Some(street) = street("unknown-type") else { return };
    street.put_here("f", b"x");
    refused(&street, &["f", "acc-pvt:"], 12, &[TO_ACC]);
}

#[test]
fn more_data_than_was_asked_for() {
    let Some(street) = street("too-much-data") else { return };
    refused(&street, &["acc-pvt:file", "here"], 12, &[TO_ACC]);
    assert!(!street.laptop().join("here").exists());
}

#[test]
fn names_that_would_escape() {
    for name in ["..", ".", "", "../evil", "/etc/evil", "a/b", "nul%00byte"] {
        let Some(street) = street(&format!("lists {}", if name.is_empty() { "%" } else { name })) else { return };
        let before = names_below(street.laptop());
        let ran = crate::street::run(street.hop("cp").args(["-r", "acc-pvt:tree", "into"]));
        // sftp servers list `.` and `..` by right, so these are passed over; the others are an attack
        let code = if [".", ".."].contains(&name) { 0 } else { 12 };
        assert_eq!(ran.code, Some(code), "{name:?}: {ran}");
        // `.local`: where runs show that they live; the marker of a tree stays where it did not arrive whole
        let is_meant = |name: &String| ["into", ".into.hop-", ".local"].iter().any(|start| name.starts_with(start));
        let after: Vec<_> = names_below(street.laptop()).into_iter().filter(|name| !is_meant(name)).collect();
        assert_eq!(before, after, "{name:?}");
    }
}

#[test]
fn a_listing_without_end_stays_small() {
    let Some(street) = street("lists-forever") else { return };
    let mut hop = street.hop("cp");
    let mut child = hop.args(["-r", "acc-pvt:tree", "into"]).stderr(Stdio::null()).spawn().expect("start hop");
    let mut most = 0;
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(50));
        most = most.max(peak_memory(&child));
        if child.try_wait().expect("wait for hop").is_some() {
            break;
        }
    }
    // it may have given up, or still be listening
    let _ = child.kill();
    child.wait().expect("wait for hop");
    assert!(most > 0 && most < 256 << 10, "{most} KiB");
}

#[test]
fn a_tree_without_end_stays_small_when_it_is_listed() {
    let Some(street) = street("folders-forever") else { return };
    let mut hop = street.hop("ls");
    let mut child =
        hop.args(["-R", "acc-pvt:tree"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("start");
    let mut most = 0;
    for _ in 0..300 {
        std::thread::sleep(Duration::from_millis(50));
        most = most.max(peak_memory(&child));
        if most > 64 << 10 || child.try_wait().expect("wait for hop").is_some() {
            break;
        }
    }
    let _ = child.kill(); // it may still be listing
    child.wait().expect("wait for hop");
    assert!(most > 0 && most < 64 << 10, "{most} KiB");
}

#[test]
fn a_listing_and_a_diagnosis_end_when_the_server_does_not_answer() {
    let Some(street) = street("mute") else { return };
    let (flag, variable): (&[&str], _) = (&["--timeout", "2s", "acc-pvt:"], [("HOP_TIMEOUT", "2s")]);
    for hop in [street.hop("ls").args(flag), street.hop("ls").arg("acc-pvt:").envs(variable)] {
        let ran = crate::street::run(hop);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(30), ""), "{ran}");
        assert!(ran.stderr.contains(TO_ACC) && ran.stderr.contains("2 s"), "{ran}");
    }
    let ran = crate::street::run(street.hop("doctor").arg("acc-pvt"));
    assert_eq!(ran.code, Some(30), "{ran}");
    assert!(ran.stdout.contains("no answer within 15 s"), "{ran}");
}

/// `VmHWM` in KiB.
fn peak_memory(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn names_below(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("list") {
            let path = entry.expect("list").path();
            names.push(path.strip_prefix(folder).expect("below").display().to_string());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    names.sort();
    names
}
