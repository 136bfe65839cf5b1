//! Programs that stand before the real ones on a host's PATH. Main types: [`Tools`]; [`Footprints`], which writes down what
//! a loan makes on the hosts, so that a test can look whether it is gone.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::end_to_end::tree;
use crate::skips::find;
use crate::street::{ACC_PVT, DELL_PVT, Plan, Street, until_within};

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

    fn made(&self) -> Vec<PathBuf> {
        let made = fs::read_to_string(self.0.0.path().join("made")).expect("the list");
        made.lines().map(PathBuf::from).collect()
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
            for (name, content) in tree(street.home(host)) {
                let text = format!("{content:?}");
                assert!(!text.contains("PRIVATE KEY"), "{host}: a key in {}", name.display());
            }
        }
        until_within(PATIENCE, &format!("gone: {made:?}"), || made.iter().all(|path| !path.exists()));
    }
}
