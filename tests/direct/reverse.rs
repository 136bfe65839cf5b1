//! The destination logs in at the source and fetches: where only that direction is open, or where it is told to.

use std::fs;

use super::files::{a_tree_with_modes_and_times, odd_names_arrive};
use super::refusals::{WITHOUT_SSH, prints_for_nobody, refused, refused_with, secret_fails_alone, with_tools};
use super::{begins, cp, fetching, goes_straight};
use crate::end_to_end::{noise, tree};
use crate::lent::ephemeral::old_and_bare;
use crate::lent::old::OldClient;
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Plan, Street, run};
use crate::wire::{Direction, Link};

/// A street on which `source` does not reach `destination`, as its own sshd says.
fn one_way(plan: Plan, source: &'static str, destination: &'static str) -> Option<Street> {
    let street = plan.sshd(source, "AllowTcpForwarding yes").start()?;
    if !street.own_homes() {
        return None;
    }
    street.hide(destination, source);
    Some(street)
}

#[test]
fn where_only_the_destination_reaches_the_other_it_fetches() {
    for (source, destination) in [(ACC_PVT, DELL_PVT), (DELL_PVT, ACC_PVT)] {
        let Some(street) = one_way(Street::plan(), source, destination) else { return };
        let content = noise(11, 34_567_890);
        street.put(source, "large", &content);
        let words = [format!("{source}:large"), format!("{destination}:")];
        let at = street.server(source).address;
        let says = format!("{destination} fetches straight from {at}");

        let dry = run(cp(&street, ["--dry-run"]).args(&words));
        assert!(dry.code == Some(0) && dry.stderr.starts_with(&format!("direct: {says}; the login")), "{dry}");
        let ran = goes_straight(cp(&street, &words));
        assert!(begins(&ran, &format!("direct: {says}, tier A, host key SHA256:")), "{ran}");
        assert!(ran.stderr.contains(&format!(" ({source} cannot open {destination}.internal:")), "the reason: {ran}");
        let user = street.user();
        assert!(ran.stderr.contains(&format!("\nagent: 1 signature for {user}@{source} (SHA256:")), "{ran}");
        assert!(fs::read(street.home(destination).join("large")).expect("it is there") == content);
        for host in [source, destination] {
            assert_eq!(tree(street.home(host)).len(), 1, "nothing else is left on {host}");
        }
        fs::remove_file(street.home(destination).join("large")).expect("remove it");
        goes_straight(cp(&street, ["-R".to_owned()].iter().chain(&words)));
    }
}

#[test]
fn where_only_the_login_shows_that_there_is_no_way_the_destination_fetches_too() {
    // this source's sshd forbids forwarding, and does not say what it reaches
    let Some(street) = Street::start() else { return };
    if !street.own_homes() {
        return;
    }
    street.hide(DELL_PVT, ACC_PVT);
    street.put(ACC_PVT, "f", b"content");
    let ran = goes_straight(cp(&street, ["acc-pvt:f", "dell-pvt:"]));
    assert!(begins(&ran, "direct: dell-pvt fetches straight from "), "{ran}");
    assert!(ran.stderr.contains("Connection refused"), "the reason: {ran}");
    let doctor = run(street.hop("doctor").args(["-B", "-o", "ConnectTimeout=2", ACC_PVT, DELL_PVT]));
    assert!(doctor.stdout.contains("dell-pvt fetches straight from acc-pvt, its login lent with tier A"), "{doctor}");
    assert!(doctor.stdout.contains("Until then `hop cp` has dell-pvt fetch the files"), "{doctor}");
}

#[test]
fn where_the_source_forwards_no_agent_the_destination_fetches() {
    let Some(street) = Street::plan().sshd(ACC_PVT, "AllowAgentForwarding no").start() else { return };
    street.put(ACC_PVT, "f", b"content");
    for options in [&["-R"][..], &[]] {
        let ran = goes_straight(cp(&street, options.iter().chain(&["acc-pvt:f", "dell-pvt:"])));
        assert!(begins(&ran, "direct: dell-pvt fetches straight from "), "{ran}");
        assert!(ran.stderr.contains(" (acc-pvt forwards no agent (AllowAgentForwarding no"), "the reason: {ran}");
        assert_eq!(fs::read(street.home(DELL_PVT).join("f")).expect("it is there"), b"content");
        fs::remove_file(street.home(DELL_PVT).join("f")).expect("remove it");
    }
    let doctor = run(street.hop("doctor").args(["-B", ACC_PVT, DELL_PVT]));
    assert!(doctor.stdout.contains("dell-pvt fetches straight from acc-pvt, its login lent with tier A"), "{doctor}");
    assert!(!doctor.stdout.contains("acc-pvt sends"), "{doctor}");
}

#[test]
fn where_the_source_has_no_ssh_the_destination_fetches() {
    let Some(street) = Street::start() else { return };
    if !with_tools(&street, &WITHOUT_SSH) {
        return;
    }
    street.put(ACC_PVT, "f", b"content");
    let ran = goes_straight(cp(&street, ["-R", "acc-pvt:f", "dell-pvt:"]));
    assert!(begins(&ran, "direct: dell-pvt fetches straight from "), "{ran}");
    assert!(ran.stderr.contains(" (acc-pvt has no OpenSSH client to send with)"), "the reason: {ran}");
    assert_eq!(fs::read(street.home(DELL_PVT).join("f")).expect("it is there"), b"content");
}

#[test]
fn where_the_sources_client_proves_too_little_the_destination_fetches() {
    let client = OldClient::old();
    let Some(street) = client.plan_at(ACC_PVT).start() else { return };
    street.put(ACC_PVT, "f", b"content");
    let ran = goes_straight(cp(&street, ["--require-hostbound", "-R", "acc-pvt:f", "dell-pvt:"]));
    assert!(begins(&ran, "direct: dell-pvt fetches straight from "), "{ran}");
    assert!(
        ran.stderr.contains(", tier A, ")
            && ran.stderr.contains("(tier C, where host-bound logins are required (client of acc-pvt"),
        "the reason: {ran}"
    );
    assert_eq!(fs::read(street.home(DELL_PVT).join("f")).expect("it is there"), b"content");
}

#[test]
fn where_nothing_can_be_proven_of_the_source_the_destination_fetches() {
    let (old, bare) = old_and_bare();
    let dropbear = OldClient::new("Dropbear v2022.83");
    let plan = dropbear.plan();
    for (_client, plan, reason) in [
        (old, bare, "(acc-pvt: its client cannot prove where it logs in (OpenSSH 8.7; "),
        (dropbear, plan, "(acc-pvt has no OpenSSH client to send with)"),
    ] {
        let Some(street) = plan.start() else { return };
        street.put(ACC_PVT, "f", b"content");
        let ran = goes_straight(cp(&street, ["-R", "acc-pvt:f", "dell-pvt:"]));
        assert!(begins(&ran, "direct: dell-pvt fetches straight from "), "{ran}");
        assert!(ran.stderr.contains(", tier A, ") && ran.stderr.contains(reason), "the reason: {ran}");
        assert_eq!(fs::read(street.home(DELL_PVT).join("f")).expect("it is there"), b"content");
    }
}

#[test]
fn an_old_client_fetches_in_tier_c() {
    let client = OldClient::old();
    let Some(street) = client.plan_at(DELL_PVT).start() else { return };
    let content = noise(14, 5_000_000);
    street.put(ACC_PVT, "tree/large", &content);
    street.put(ACC_PVT, "tree/small", b"content");
    let fetching = fetching(&street, ACC_PVT);
    let ran =
        goes_straight(cp(&street, fetching.iter().map(String::as_str).chain(["-r", "acc-pvt:tree", "dell-pvt:"])));
    assert!(ran.stderr.contains(", tier C, host key "), "{ran}");
    assert!(fs::read(street.home(DELL_PVT).join("tree/large")).expect("it is there") == content);
    let ran = run(cp(&street, &fetching).args(["--require-hostbound", "-R", "acc-pvt:tree/small", "dell-pvt:"]));
    assert_ne!(ran.code, Some(0), "{ran}");
    assert!(ran.stderr.contains("tier C, where host-bound logins are required"), "{ran}");
    assert!(!street.home(DELL_PVT).join("small").exists(), "{ran}");
}

#[test]
fn a_source_with_the_host_key_of_another_is_not_logged_in_at() {
    let Some(mut street) = Street::start() else { return };
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let [cloned, own] =
            [DELL_BASTION, ACC_PVT].map(|host| street.home(host).with_file_name(format!("host_{kind}")));
        fs::copy(cloned, own).expect("clone a key");
    }
    street.server_mut(ACC_PVT).stop();
    street.server_mut(ACC_PVT).start();
    street.configure(&format!(
        "Host acc-pvt\n  HostKeyAlias [{}]:{}",
        street.server(DELL_BASTION).address.ip(),
        street.server(DELL_BASTION).address.port()
    ));
    street.put(ACC_PVT, "f", b"content");
    let ran = run(cp(&street, fetching(&street, ACC_PVT)).args(["-R", "acc-pvt:f", "dell-pvt:"]));
    assert!(ran.code != Some(0) && ran.stderr.contains("acc-pvt and dell-bastion have the same host key"), "{ran}");
    assert!(!street.home(DELL_PVT).join("f").exists(), "{ran}");
}

#[test]
fn json_tells_who_fetches_and_whose_login_was_lent() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "f", b"content");
    let ran = run(cp(&street, fetching(&street, ACC_PVT)).args(["--json", "acc-pvt:f", "dell-pvt:"]));
    let objects: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let find = |event: &str| objects.iter().find(|object| object["event"] == event).expect("it is told");
    assert_eq!(find("route")["route"], "direct", "{ran}");
    assert!(find("route")["reason"].as_str().expect("a text").starts_with("dell-pvt fetches straight from "), "{ran}");
    assert_eq!((&find("agent")["host"], &find("agent")["signatures"]), (&"acc-pvt".into(), &1.into()), "{ran}");
    assert_eq!(find("summary")["route"], "direct", "{ran}");
}

#[test]
fn a_tree_is_fetched_with_modes_and_times() {
    let Some(street) = Street::start() else { return };
    let [option, address] = fetching(&street, DELL_PVT);
    a_tree_with_modes_and_times(&street, &[&option, &address]);
}

#[test]
fn odd_names_are_fetched_as_they_are() {
    let Some(street) = Street::start() else { return };
    let [option, address] = fetching(&street, ACC_PVT);
    odd_names_arrive(&street, &[&option, &address]);
}

#[test]
fn what_is_fetched_does_not_pass_this_machine() {
    let plan = Street::plan().link(ACC_BASTION, Link::default()).link(DELL_BASTION, Link::default());
    let Some(street) = plan.start() else { return };
    let content = noise(5, 64 << 20);
    street.put(ACC_PVT, "large", &content);
    goes_straight(cp(
        &street,
        fetching(&street, ACC_PVT).iter().map(String::as_str).chain(["acc-pvt:large", "dell-pvt:"]),
    ));
    assert!(fs::read(street.home(DELL_PVT).join("large")).expect("it is there") == content);
    let passed = |host: &str| {
        let wire = street.server(host).wire.as_ref().expect("planned above");
        wire.bytes(Direction::Up) + wire.bytes(Direction::Down)
    };
    let all = passed(ACC_BASTION) + passed(DELL_BASTION);
    assert!(all < 1 << 20, "{all} bytes");
}

#[test]
fn a_full_disk_is_told_by_the_host_that_fetches() {
    let Some(street) = Street::plan().disk(DELL_PVT, 8).start() else { return };
    street.put(ACC_PVT, "large", &noise(13, 24 << 20));
    let ran = run(cp(&street, fetching(&street, ACC_PVT)).args(["-R", "acc-pvt:large", "dell-pvt:disk/"]));
    assert_eq!(ran.code, Some(28), "{ran}");
    assert!(ran.stderr.contains("no space left"), "{ran}");
}

#[test]
fn another_host_where_the_source_should_be() {
    let Some(street) = Street::start() else { return };
    let bastion = street.server(ACC_BASTION).address.to_string();
    let says = ["dell-pvt does not meet acc-pvt", "two networks may use"];
    refused_with(&street, (&["--fetch-from", &bastion], "warning: at "), 13, &says);
}

#[test]
fn where_neither_reaches_the_other_both_are_told() {
    let Some(street) = one_way(Street::plan().sshd(DELL_PVT, "AllowTcpForwarding yes"), ACC_PVT, DELL_PVT) else {
        return;
    };
    street.hide(ACC_PVT, DELL_PVT);
    let says = ["acc-pvt cannot open dell-pvt.internal:", "; dell-pvt cannot open acc-pvt.internal:"];
    refused(&street, &[], 10, &says);
    let ran = run(&mut cp(&street, ["acc-pvt:f", "dell-pvt:"]));
    assert!(ran.code == Some(0) && says.iter().all(|said| ran.stderr.contains(said)), "{ran}");
}

#[test]
fn a_login_shell_that_prints_does_not_get_into_what_is_fetched() {
    prints_for_nobody(|street| fetching(street, ACC_PVT).to_vec());
}

#[test]
fn files_that_cannot_be_read_fail_alone_when_they_are_fetched() {
    let Some(street) = Street::start() else { return };
    secret_fails_alone(&street, &fetching(&street, ACC_PVT));
}
