//! Does hop read key revocation lists as OpenSSH does? `ssh-keygen -k` makes them from generated specifications, and
//! `ssh-keygen -Q` says whom they revoke; `ssh` itself is put before an sshd whose key is on one.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use hop::progress::Silent;
use hop::prompt::Asking;
use hop::trust::{Lookup, Policy, Presented, Revoker, TrustError, verify};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use russh::keys::ssh_key::{Certificate, PublicKey};

use super::ground::{Files, World, block_on, must, run, tools};

/// Certificates: who signs, the key id, the serial.
const CERTIFICATES: [(&str, &str, &str); 8] = [
    ("authority", "one", "0"),
    ("authority", "one", "1"),
    ("authority", "two", "5"),
    ("authority", "", "64"),
    ("authority", "two", "1000"),
    ("authority", "last", "18446744073709551615"),
    ("another-authority", "one", "5"),
    ("another-authority", "two", "1000"),
];

/// Lines about certificates, and about keys (`@NAME` stands for one).
const ABOUT_CERTIFICATES: &[&str] = &[
    "serial: 1",
    "serial: 5",
    "serial: 64-1000",
    "serial: 2-4",
    "serial: 1000\nserial: 1002\nserial: 1003\nserial: 1007\nserial: 1023",
    "serial: 998\nserial: 1000\nserial: 1041",
    "serial: 18446744073709551615",
    "serial: 18446744073709551600-18446744073709551615",
    "id: one",
    "id: two\nid: another",
    "id: tw",
];
const ABOUT_KEYS: &[&str] = &[
    "key: @host-ed25519",
    "key: @host-rsa",
    "sha1: @host-ecdsa",
    "sha256: @host-ed25519",
    "sha256: @another-ed25519",
    "sha1: @authority",
    "key: @another-authority",
    "@host-rsa",
];

/// Keys and certificates that a list may revoke: their files, and as a server presents them.
struct Suspects(Vec<(PathBuf, Presented)>);

impl Suspects {
    fn of(world: &World) -> Suspects {
        let plain = ["host-ed25519", "host-ecdsa", "host-rsa", "another-ed25519"].map(|name| {
            let presented = Presented::Key(PublicKey::from_openssh(&world.public(name)).expect("a key of ours"));
            (world.path(&format!("{name}.pub")), presented)
        });
        let certified = CERTIFICATES.iter().enumerate().map(|(index, (authority, id, serial))| {
            let subject = world.path(&format!("subject{index}.pub"));
            fs::write(&subject, world.public("host-ed25519")).expect("a copy of the key");
            let mut keygen = world.keygen();
            keygen.args(["-q", "-h", "-n", "host", "-I", id, "-z", serial, "-s"]).arg(world.path(authority));
            must(keygen.arg(&subject));
            let file = world.path(&format!("subject{index}-cert.pub"));
            let text = fs::read_to_string(&file).expect("the certificate");
            (file, Presented::Certificate(Box::new(Certificate::from_openssh(&text).expect("a certificate"))))
        });
        Suspects(plain.into_iter().chain(certified).collect())
    }

    /// Whom `ssh-keygen -Q` finds revoked: it prints one line each.
    fn by_keygen(&self, world: &World, list: &Path) -> Vec<bool> {
        let output = run(world.keygen().args(["-Q", "-f"]).arg(list).args(self.0.iter().map(|(file, _)| file)));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let verdicts: Vec<bool> = text.lines().map(|line| line.ends_with(": REVOKED")).collect();
        assert_eq!(verdicts.len(), self.0.len(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        verdicts
    }

    fn by_hop(&self, list: &Path) -> Vec<bool> {
        self.0.iter().map(|(_, presented)| is_revoked(list, presented)).collect()
    }
}

fn is_revoked(list: &Path, presented: &Presented) -> bool {
    let files = Files::new("", "");
    let lookup = Lookup { revoked_keys: Some(list.to_owned()), ..files.lookup(22, Policy::AcceptNew) };
    match block_on(verify(&lookup, presented, Asking::nobody(), &Silent)) {
        Ok(_) => false,
        Err(TrustError::Revoked { by: Revoker::List(file), .. }) => file == list,
        Err(other) => panic!("{other}"),
    }
}

/// Makes a list of one specification; `authority` is whom lines about certificates are meant for, `none` for all.
fn make(world: &World, list: &Path, (lines, authority, update): &(Vec<&str>, &str, bool)) {
    let named = |line: &&str| match line.split_once('@') {
        Some((kind, name)) => format!("{kind}{}\n", world.public(name)),
        None => format!("{line}\n"),
    };
    let specification = world.path("specification");
    fs::write(&specification, lines.iter().map(named).collect::<String>()).expect("a specification");
    let mut keygen = world.keygen();
    keygen.arg("-q").arg("-k").arg("-f").arg(list);
    match *authority {
        "none" => keygen.args(["-s", "none"]),
        authority => keygen.arg("-s").arg(world.path(&format!("{authority}.pub"))),
    };
    if *update && list.exists() {
        keygen.arg("-u");
    }
    must(keygen.arg(&specification));
}

#[test]
fn hop_finds_revoked_what_ssh_keygen_finds_revoked() {
    let Some(tools) = tools() else { return };
    let world = World::new(tools);
    let suspects = Suspects::of(&world);
    let lines = prop::collection::vec(select([ABOUT_CERTIFICATES, ABOUT_KEYS].concat()), 0..5);
    let authority = select(vec!["authority", "another-authority", "none"]);
    let specifications = (lines, authority, prop::bool::weighted(0.4));
    let mut runner = TestRunner::new(Config { cases: 96, failure_persistence: None, ..Config::default() });
    let counts = RefCell::new((0, 0));
    let outcome = runner.run(&specifications, |specification| {
        let list = world.path("list");
        make(&world, &list, &specification);
        let theirs = suspects.by_keygen(&world, &list);
        prop_assert_eq!(suspects.by_hop(&list), theirs.clone());
        let (compared, revoked) = &mut *counts.borrow_mut();
        *compared += theirs.len();
        *revoked += theirs.iter().filter(|revoked| **revoked).count();
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let (compared, revoked) = counts.into_inner();
    println!("{compared} keys and certificates looked for in 96 revocation lists, {revoked} revoked");
    assert!(revoked > 150 && compared - revoked > 150, "too little was revoked, or too much");
}

#[test]
fn ssh_refuses_whom_hop_refuses() {
    let Some(tools) = tools() else { return };
    let world = World::new(tools);
    let (plain, certified) = (world.plain(), world.certified());
    let list = world.path("list");
    let good = certified.iter().find(|identity| identity.title == "good").expect("a certificate");
    let known = format!("host {}\n@cert-authority host {}\n", world.public("host-ed25519"), world.public("authority"));
    for (line, expected) in [
        ("key: @host-ed25519", [true, true]),
        ("sha256: @host-ed25519", [true, true]),
        ("key: @host-rsa", [false, false]),
        ("key: @authority", [false, true]),
        ("id: id", [false, true]),
    ] {
        let _gone = fs::remove_file(&list);
        make(&world, &list, &(vec![line], "authority", false));
        for (identity, expected) in [&plain[0], good].into_iter().zip(expected) {
            let options = [
                format!("RevokedHostKeys={}", list.display()),
                format!("HostKeyAlgorithms={}", identity.algorithm),
                "BatchMode=yes".to_owned(),
            ];
            let files = Files::new(&known, "");
            let said = run(world.ssh(&identity.config, &files, &options).arg("nobody@host")).stderr;
            let said = String::from_utf8_lossy(&said);
            // whoever gets as far as a login trusts the host
            assert_eq!(!said.contains("Permission denied"), expected, "ssh, {line}, {}:\n{said}", identity.title);
            assert_eq!(is_revoked(&list, &identity.presented), expected, "hop, {line}, {}", identity.title);
        }
    }
}
