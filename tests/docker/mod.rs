//! The tutorial's whole story, in its order, on the street of containers (`docker/`): two VPCs, a peering connection that
//! is asked for and accepted, routes on one side and then the other, security groups, and what hop says at each step.
//!
//! Needs a Docker engine that answers; where none can run it is said aloud and counted (`skips::cannot`). A street that
//! somebody has standing is left alone.

mod compose;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::doctor::ground::{count, steady_lines};
use crate::skips::{Lacking, cannot, find};
use crate::street::{Outcome, run, run_within};

/// Building the image the first time takes a minute or two.
const PATIENCE: Duration = Duration::from_secs(420);

/// The street of containers, up; down again when dropped.
struct Lab {
    home: tempfile::TempDir,
}

impl Lab {
    /// `None` where it cannot stand, after saying so.
    fn start() -> Option<Lab> {
        let is_missing = find("docker").is_none();
        if is_missing || run(Command::new("docker").arg("version")).code != Some(0) {
            cannot(Lacking::Containers, "no Docker engine answers");
            return None;
        }
        let lab = Lab { home: tempfile::tempdir().expect("a folder for keys") };
        let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        if run(Command::new("docker").args(["container", "inspect", "hop-router"])).code == Some(0) && !is_ci {
            std::mem::forget(lab);
            cannot(Lacking::Containers, "a street of containers stands already: docker/street down");
            return None;
        }
        lab.street(&["down"]);
        let up = run_within(&mut lab.command(&["up"]), PATIENCE);
        if up.code != Some(0) {
            eprintln!("{up}");
            cannot(
                Lacking::Containers,
                "the street's image cannot be made: no registry and no package mirror, or the engine is broken",
            );
            return None;
        }
        Some(lab)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut street = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/street"));
        street.args(words).env("STREET_HOME", self.home.path());
        street
    }

    /// `docker/street WORDS`, which must go well.
    fn street(&self, words: &[&str]) -> Outcome {
        let outcome = run(&mut self.command(words));
        assert_eq!(outcome.code, Some(0), "docker/street {}: {outcome}", words.join(" "));
        outcome
    }

    /// A command in a container, as root.
    fn on(&self, host: &str, line: &str) {
        let outcome = run(Command::new("docker").args(["exec", &format!("hop-{host}"), "sh", "-c", line]));
        assert_eq!(outcome.code, Some(0), "{host}: {line}: {outcome}");
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// `hop VERB -F ssh_config WORDS`, from an empty environment.
    fn hop(&self, line: &str) -> Outcome {
        let (verb, words) = line.split_once(' ').unwrap_or((line, ""));
        let mut hop = Command::new(env!("CARGO_BIN_EXE_hop"));
        hop.env_clear().env("HOME", self.home.path()).env("PATH", "/usr/bin:/bin").env("COLUMNS", "1000");
        hop.current_dir(self.home.path()).arg(verb).arg("-F").arg(self.file("ssh_config"));
        run(hop.args(words.split_whitespace()))
    }

    /// What `hop doctor` says of a fault, as a snapshot.
    fn diagnosis(&self, fault: &str, hosts: &str) {
        let outcome = self.hop(&format!("doctor -B -o ConnectTimeout=4 {hosts}"));
        let text = format!("{}{}exit {}", outcome.stdout, outcome.stderr, outcome.code.unwrap_or(-1));
        let text = text.replace(&self.home.path().display().to_string(), "~");
        insta::assert_snapshot!(fault, steady_lines(&hide_ports(&text)));
        count(fault);
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let down = run(&mut self.command(&["down"]));
        if !std::thread::panicking() {
            assert_eq!(down.code, Some(0), "{down}");
        }
    }
}

/// Bastions stand at ports that the engine chose.
fn hide_ports(text: &str) -> String {
    let words = text.split("127.0.0.1 port ").enumerate().map(|(index, piece)| match index {
        0 => piece.to_owned(),
        _ => format!("127.0.0.1 port PORT{}", piece.trim_start_matches(|c: char| c.is_ascii_digit())),
    });
    words.collect()
}

#[test]
fn the_story_of_two_vpcs() {
    let Some(lab) = Lab::start() else { return };
    before_the_peering(&lab);
    peering_and_routes(&lab);
    peered(&lab);
    doors_and_disasters(&lab);
}

/// A bastion, what lies behind it, a file up; the other network is out of reach.
fn before_the_peering(lab: &Lab) {
    for host in ["acc-bastion", "acc-pvt", "dell-bastion", "dell-pvt"] {
        let outcome = lab.hop(&format!("ssh {host} hostname"));
        assert_eq!((outcome.code, outcome.stdout.trim()), (Some(0), host), "{outcome}");
    }
    fs::write(lab.file("report.pdf"), [b'%'; 40_000]).expect("a file");
    assert_eq!(lab.hop("cp report.pdf acc-pvt:").code, Some(0));
    assert_eq!(lab.hop("ls acc-pvt:").stdout, "customers.csv\nreport.pdf\n");
    lab.street(&["chmod", "acc", "644"]);
    let open = lab.hop("key check");
    assert!(open.code == Some(77) && open.stdout.contains("chmod 400"), "{open}");
    assert_eq!(lab.hop("cp acc-pvt:customers.csv .").code, Some(77), "no key that others can read is used");
    lab.hop("key fix -y");
    assert_eq!(lab.hop("key check").code, Some(0));
    let direct = lab.hop("cp --route direct acc-pvt:customers.csv dell-pvt:");
    assert_ne!(direct.code, Some(0), "{direct}");
    lab.diagnosis("no_peering", "acc-pvt dell-pvt");
    assert_eq!(
        lab.hop("cp --route relay acc-pvt:customers.csv dell-pvt:over.csv").code,
        Some(0),
        "a relay needs no peering"
    );
}

/// Requested, accepted; the route is missing on one side, then on the other.
fn peering_and_routes(lab: &Lab) {
    lab.street(&["peering", "request"]);
    lab.street(&["peering", "accept"]);
    lab.diagnosis("routes_missing_on_both_sides", "acc-pvt dell-pvt");
    lab.street(&["route", "acc", "add"]);
    lab.diagnosis("route_missing_at_the_destination", "acc-pvt dell-pvt");
    lab.street(&["route", "acc", "del"]);
    lab.street(&["route", "dell", "add"]);
    lab.diagnosis("route_missing_at_the_source", "acc-pvt dell-pvt");
    lab.street(&["route", "acc", "add"]);
}

/// All is there: straight from one network to the other, and back, and a login lent.
fn peered(lab: &Lab) {
    let well = lab.hop("doctor -B acc-pvt dell-pvt");
    assert_eq!(well.code, Some(0), "{well}");
    for (from, to) in [("acc-pvt:customers.csv", "dell-pvt:"), ("dell-pvt:payments.csv", "acc-pvt:")] {
        let direct = lab.hop(&format!("cp --route direct {from} {to}"));
        assert_eq!(direct.code, Some(0), "{from} to {to}: {direct}");
    }
    let sums = lab.hop("ssh dell-pvt md5sum customers.csv over.csv");
    let sums: Vec<&str> = sums.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(sums.len() == 2 && sums[0] == sums[1], "{sums:?}");
    assert!(lab.hop("ls acc-pvt:").stdout.contains("payments.csv"));
    let lent = lab.hop("ssh --lend dell-pvt acc-pvt ssh -F $HOP_LENT dell-pvt hostname");
    assert_eq!((lent.code, lent.stdout.trim()), (Some(0), "dell-pvt"), "{lent}");
}

/// What can be wrong in a network besides, each put right again.
fn doors_and_disasters(lab: &Lab) {
    lab.street(&["sg", "dell-pvt", "deny", "acc", "22"]);
    lab.diagnosis("security_group_of_the_destination", "acc-pvt dell-pvt");
    lab.street(&["sg", "dell-pvt", "allow", "acc", "22"]);

    lab.on("router", "iptables -I FORWARD -p tcp -s 10.20.2.20 --sport 22 -d 10.10.0.0/16 -j DROP");
    lab.diagnosis("network_acl_without_a_rule_for_answers", "acc-pvt dell-pvt");
    lab.on("router", "iptables -D FORWARD -p tcp -s 10.20.2.20 --sport 22 -d 10.10.0.0/16 -j DROP");

    lab.on("dell-pvt", "ip link add vpc2 type veth peer name vpc3 && ip addr add 10.10.200.1/16 dev vpc2 && ip link set vpc2 up && ip link set vpc3 up");
    lab.diagnosis("overlapping_blocks", "acc-pvt dell-pvt");
    lab.on("dell-pvt", "ip link del vpc2");

    lab.on("acc-bastion", "ip route add unreachable 10.10.2.20");
    lab.diagnosis("no_route_at_the_bastion", "acc-pvt");
    lab.on("acc-bastion", "ip route del unreachable 10.10.2.20");

    lab.street(&["sg", "acc-pvt", "deny", "acc-bastion", "22"]);
    lab.diagnosis("security_group_behind_the_bastion", "acc-pvt");
    lab.street(&["sg", "acc-pvt", "allow", "acc-bastion", "22"]);

    lab.on("router", "iptables -I FORWARD -m length --length 700:65535 -j DROP");
    lab.diagnosis("large_packets_vanish_at_the_router", "acc-pvt");
}
