//! Programs that stand before the real ones on a host's PATH. Main types: [`Tools`]; [`Footprints`], which writes down what
//! a loan makes on the hosts, so that a test can look whether it is gone.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::skips::find;
use crate::street::{ACC_PVT, DELL_PVT, Plan, Street, run, until_within};

/// How long what is certain to go may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder of programs.
pub struct Tools(TempDir);

impl Tools {
    pub fn new() -> Tools {
        let tools = Tools(tempfile::tempdir().expect("a folder for programs"));
        fs::set_permissions(tools.0.path(), fs::Permissions::from_mode(0o777)).expect("for the street's user");
        tools
    }

    /// A program in place of `name`; `script` has the real one as `$real`, and the folder as `$here`.
    pub fn put(self, name: &str, script: &str) -> Tools {
        let (file, real) = (self.0.path().join(name), find(name).unwrap_or_else(|| panic!("no {name} here")));
        let here = self.0.path().display();
        fs::write(&file, format!("#!/bin/sh\nreal={} here={here}\n{script}\n", real.display()))
            .expect("write a program");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("for the street's user");
        self
    }

    /// `$here`.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A street on which this host has them.
    pub fn plan(&self, host: &'static str) -> Plan {
        self.add(Street::plan(), host)
    }

    /// This host has them too.
    pub fn add(&self, plan: Plan, host: &'static str) -> Plan {
        plan.sshd(host, format!("SetEnv PATH={}:/usr/bin:/bin", self.0.path().display()))
    }
}

/// What was made on the two private servers: folders by `mktemp`, and agents' sockets that an `ssh` was given.
pub struct Footprints(Tools);

impl Footprints {
    pub fn new() -> Footprints {
        let tools =
            Tools::new().put("mktemp", "made=$($real \"$@\") || exit; echo \"$made\" >>$here/made; echo \"$made\"");
        let tools =
            tools.put("ssh", "[ -z \"$SSH_AUTH_SOCK\" ] || echo \"$SSH_AUTH_SOCK\" >>$here/made; exec $real \"$@\"");
        let made = tools.0.path().join("made");
        fs::write(&made, b"").expect("an empty list");
        fs::set_permissions(&made, fs::Permissions::from_mode(0o666)).expect("for the street's user");
        Footprints(tools)
    }

    pub fn plan(&self) -> Plan {
        self.0.add(self.0.plan(ACC_PVT), DELL_PVT)
    }

    pub fn made(&self) -> Vec<PathBuf> {
        let made = fs::read_to_string(self.0.0.path().join("made")).expect("the list");
        made.lines().map(PathBuf::from).collect()
    }

    /// Waits until the folders are gone, whatever has become of the sockets, which are sshd's.
    pub fn folders_are_gone(&self) {
        let folders = || self.made().into_iter().filter(|path| path.is_dir());
        until_within(PATIENCE, &format!("gone: {:?}", self.made()), || folders().count() == 0);
    }

    /// Waits until all of it is gone, and every process but sshd; so many at least were made. And no host has a key.
    pub fn are_gone(&self, street: &Street, at_least: usize) {
        let made = self.made();
        assert!(made.len() >= at_least, "{made:?}");
        for host in [ACC_PVT, DELL_PVT] {
            let names = || {
                let all = street.server(host).processes().into_iter();
                all.map(|process| process.name).filter(|name| name != "sshd").collect::<Vec<_>>()
            };
            until_within(PATIENCE, &format!("nothing of it runs on {host}: {:?}", names()), || names().is_empty());
            assert_eq!(keys_below(street.home(host)), Vec::<PathBuf>::new(), "{host} has a key");
        }
        until_within(PATIENCE, &format!("gone: {made:?}"), || made.iter().all(|path| !path.exists()));
    }
}

/// Files below a folder in which a private key stands, of any of the formats there are. By grep, for they may be large.
pub fn keys_below(folder: &Path) -> Vec<PathBuf> {
    // the last is how OpenSSH's own format begins, in base64
    const SIGNS: [&str; 3] = ["PRIVATE KEY", "openssh-key-v1", "b3BlbnNzaC1rZXktdjE"];
    let mut grep = Command::new("grep");
    grep.args(["-rlaFs", "-D", "skip"]).args(SIGNS.iter().flat_map(|sign| ["-e", sign])).arg("--").arg(folder);
    let ran = run(grep.env("LC_ALL", "C"));
    // 2 for a file that went away meanwhile
    assert!(matches!(ran.code, Some(0..=2)), "{ran}");
    ran.stdout.lines().map(PathBuf::from).collect()
}

#[test]
fn a_key_is_found_wherever_it_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(keys_below(folder.path()), Vec::<PathBuf>::new());
    let file = folder.path().join("large");
    let before = crate::end_to_end::noise(1, 3 << 20);
    for key in ["rsa", "ed25519"].map(crate::street::new_key) {
        fs::write(&file, [&before[..], &key].concat()).expect("write it");
        assert_eq!(keys_below(folder.path()), std::slice::from_ref(&file));
    }
}
