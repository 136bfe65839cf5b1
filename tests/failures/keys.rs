//! Keys: the user's, and the hosts'.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{TO_ACC, refused};
use crate::street::{ACC_BASTION, ACC_PVT, Street, run};

/// Takes the known keys of one host out of known_hosts; gives them back.
pub fn forget(street: &Street, host: &str) -> Vec<String> {
    let address = street.server(host).address;
    let place = format!("[{}]:{} ", address.ip(), address.port());
    let text = fs::read_to_string(street.known_hosts()).expect("known_hosts");
    let (gone, kept): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with(&place));
    fs::write(street.known_hosts(), kept.join("\n") + "\n").expect("known_hosts");
    gone.into_iter().map(str::to_owned).collect()
}

#[test]
fn the_wrong_key() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    let dell = street.laptop().join("dell.pem");
    let text = fs::read_to_string(street.config()).expect("the config");
    let wrong = format!("Host acc-pvt\n  IdentityFile {}\nHost acc-bastion\n", dell.display());
    fs::write(street.config(), text.replace("Host acc-*\n", &wrong)).expect("the config");
    refused(&street, &["f", "acc-pvt:"], 14, &[TO_ACC, "authenticate", "publickey refused", "dell.pem", street.user()]);
    assert!(!street.home(ACC_PVT).join("f").exists());
}

#[test]
fn a_key_that_others_can_read() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    let key = street.laptop().join("acc.pem");
    for mode in [0o644, 0o440] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).expect("set the mode");
        let remedy = format!("chmod 400 {}", key.display());
        refused(
            &street,
            &["f", "acc-pvt:"],
            77,
            &["laptop > acc-bastion", &format!("{mode:04o}"), "too open", &remedy],
        );
    }
}

#[test]
fn a_key_that_is_not_there_or_is_none() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    let key = street.laptop().join("acc.pem");
    fs::remove_file(&key).expect("remove the key");
    refused(&street, &["f", "acc-pvt:"], 14, &["laptop > acc-bastion", "authenticate", "acc.pem"]);
    fs::write(&key, "this is no key\n").expect("write");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).expect("set the mode");
    refused(&street, &["f", "acc-pvt:"], 14, &["laptop > acc-bastion", "authenticate", "acc.pem"]);
}

#[test]
fn an_unknown_host_key_at_each_hop() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    let known = fs::read(street.known_hosts()).expect("known_hosts");
    for (host, trail) in [(ACC_PVT, TO_ACC), (ACC_BASTION, "acc-bastion: laptop > acc-bastion: ")] {
        fs::write(street.known_hosts(), &known).expect("known_hosts");
        forget(&street, host);
        let before = fs::read(street.known_hosts()).expect("known_hosts");
        refused(&street, &["f", "acc-pvt:"], 13, &[trail, "verify host key", "host key unknown", "SHA256:"]);
        // nobody to ask is no yes either
        refused(&street, &["-o", "StrictHostKeyChecking=ask", "f", "acc-pvt:"], 13, &[trail, "host key unknown"]);
        assert!(before == fs::read(street.known_hosts()).expect("known_hosts"), "nothing is recorded");
    }
    assert!(!street.home(ACC_PVT).join("f").exists());
}

#[test]
fn a_changed_host_key_at_each_hop() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    let known = fs::read(street.known_hosts()).expect("known_hosts");
    for (host, trail) in [(ACC_PVT, TO_ACC), (ACC_BASTION, "acc-bastion: laptop > acc-bastion: ")] {
        fs::write(street.known_hosts(), &known).expect("known_hosts");
        let theirs = forget(&street, host);
        let place = theirs[0].split(' ').next().expect("a place");
        let text = fs::read_to_string(street.known_hosts()).expect("known_hosts");
        let other = text.lines().next().expect("another host").split_once(' ').expect("a key").1;
        fs::write(street.known_hosts(), format!("{text}{place} {other}\n")).expect("known_hosts");
        for checking in ["yes", "ask", "accept-new", "no"] {
            let option = format!("StrictHostKeyChecking={checking}");
            // -o is for the target alone, so the bastion is always strict
            refused(&street, &["-o", &option, "f", "acc-pvt:"], 13, &[trail, "verify host key", "CHANGED", "SHA256:"]);
        }
    }
    assert!(!street.home(ACC_PVT).join("f").exists());
}

#[test]
fn a_revoked_host_key() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    let theirs = forget(&street, ACC_PVT);
    let mut text = fs::read_to_string(street.known_hosts()).expect("known_hosts");
    for line in &theirs {
        text += &format!("{line}\n@revoked {line}\n");
    }
    fs::write(street.known_hosts(), text).expect("known_hosts");
    refused(&street, &["f", "acc-pvt:"], 13, &[TO_ACC, "verify host key", "REVOKED"]);
}

#[test]
fn a_new_host_key_is_recorded_where_that_is_asked_for() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    let theirs = forget(&street, ACC_PVT);
    let ran = run(street.hop("cp").args(["-o", "StrictHostKeyChecking=accept-new", "f", "acc-pvt:"]));
    assert_eq!(ran.code, Some(0), "{ran}");
    let text = fs::read_to_string(street.known_hosts()).expect("known_hosts");
    assert!(theirs.iter().any(|line| text.contains(line.as_str())), "{text}");
    let ran = run(street.hop("cp").args(["f", "acc-pvt:"]));
    assert_eq!(ran.code, Some(0), "known from now on: {ran}");
}

#[test]
fn too_many_tries() {
    let Some(street) = Street::plan().sshd(ACC_PVT, "MaxAuthTries 1").start() else { return };
    street.put_here("f", b"x");
    let here = street.laptop().display().to_string();
    fs::copy(street.laptop().join("dell.pem"), street.laptop().join("other.pem")).expect("copy");
    let text = fs::read_to_string(street.config()).expect("the config");
    let two = format!("  IdentityFile {here}/dell.pem\n  IdentityFile {here}/other.pem\n");
    let text = text.replace("Host acc-pvt\n", &format!("Host acc-pvt\n{two}"));
    fs::write(street.config(), text).expect("the config");
    refused(&street, &["f", "acc-pvt:"], 14, &[TO_ACC, "authenticate", "dell.pem"]);
}
