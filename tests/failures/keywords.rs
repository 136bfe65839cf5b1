//! Are keywords about reaching and trusting obeyed by the real thing? Each changes what happens against real sshds.

use std::fs;

use super::keys::forget;
use super::{TO_ACC, refused};
use crate::street::{ACC_BASTION, ACC_PVT, Outcome, Street, run};

/// What `hop ssh` prints for a command at the private server, with lines before the street's own configuration.
fn asked(lines: &str, host: &str, command: &str) -> Option<(Street, Outcome)> {
    let street = Street::start()?;
    street.configure(lines);
    let ran = run(street.hop("ssh").args([host, command]));
    Some((street, ran))
}

#[test]
fn a_connection_leaves_from_the_address_or_the_interface_that_is_named() {
    for (lines, from) in [("BindAddress 127.0.0.9", "127.0.0.9"), ("BindInterface lo", "127.0.0.1")] {
        let Some((street, ran)) = asked(lines, ACC_PVT, "echo hello") else { return };
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "hello\n"), "{lines}: {ran}");
        let log = street.server(ACC_BASTION).log();
        assert!(log.contains(&format!(" from {from} port ")), "{lines}: {log}");
    }
    let Some((_street, ran)) = asked("BindInterface no-such-interface", ACC_PVT, "true") else { return };
    assert_eq!(ran.code, Some(255), "{ran}");
    assert!(ran.stderr.contains("BindInterface no-such-interface has no address of this family"), "{ran}");
}

#[test]
fn only_addresses_of_the_wanted_family_are_dialled() {
    let Some((_street, ran)) = asked("AddressFamily inet", ACC_PVT, "true") else { return };
    assert_eq!(ran.code, Some(0), "{ran}");
    let Some((_street, ran)) = asked("AddressFamily inet6", ACC_PVT, "true") else { return };
    assert_eq!(ran.code, Some(255), "{ran}");
    assert!(ran.stderr.contains("laptop > acc-bastion: resolve"), "{ran}");
}

#[test]
fn how_much_is_said_is_the_targets_log_level_unless_a_flag_says_otherwise() {
    let said = |lines: &str, flags: &[&str]| {
        let street = Street::start()?;
        street.configure(lines);
        let ran = run(street.hop("ssh").args(flags).args([ACC_PVT, "true"]));
        assert_eq!(ran.code, Some(0), "{lines}: {ran}");
        Some(ran.stderr.to_lowercase())
    };
    let Some(steps) = said("LogLevel DEBUG", &[]) else { return };
    let Some(verbose) = said("", &["-v"]) else { return };
    assert!(steps.len() > 200 && verbose.len() > 200, "{steps}{verbose}");
    let Some(library) = said("LogLevel DEBUG3", &[]) else { return };
    assert!(library.contains("russh"), "{library}");
    for (lines, flags) in [("LogLevel DEBUG", &["-q"][..]), ("LogLevel QUIET", &[]), ("", &[])] {
        assert_eq!(said(lines, flags).as_deref(), Some(""), "{lines}");
    }
}

#[test]
fn algorithms_that_nobody_has_in_common_are_named() {
    for keyword in ["Ciphers", "MACs", "KexAlgorithms", "HostKeyAlgorithms"] {
        let (only, theirs) = match keyword {
            "Ciphers" => ("aes256-ctr", "Ciphers aes128-ctr"),
            "MACs" => ("hmac-sha2-512", "MACs hmac-sha2-256"),
            "KexAlgorithms" => ("curve25519-sha256", "KexAlgorithms ecdh-sha2-nistp256"),
            _ => ("ecdsa-sha2-nistp521", "LogLevel VERBOSE"),
        };
        let Some(street) = Street::plan().sshd(ACC_PVT, theirs).start() else { return };
        let ciphers = if keyword == "MACs" { "  Ciphers aes256-ctr\n" } else { "" };
        street.configure(&format!("Host acc-pvt\n  {keyword} {only}\n{ciphers}Host *\n"));
        street.put_here("f", b"x");
        refused(&street, &["f", "acc-pvt:"], 12, &[TO_ACC, "in common", only]);
    }
}

/// `127.0.0.1` behind a jump is another machine, whose key must be known; ssh thinks so too.
#[test]
fn any_key_of_this_machine_will_do_only_where_it_is_this_machine() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    forget(&street, ACC_PVT);
    forget(&street, ACC_BASTION);
    street.configure("NoHostAuthenticationForLocalhost yes\nStrictHostKeyChecking yes\n");
    refused(&street, &["f", "acc-pvt:"], 13, &[TO_ACC, "verify host key", "unknown"]);
    let log = street.server(ACC_BASTION).log();
    assert!(log.contains("Accepted publickey"), "the bastion is this machine: {log}");
    street.configure("NoHostAuthenticationForLocalhost no\n");
    refused(&street, &["f", "acc-pvt:"], 13, &["acc-bastion: laptop > acc-bastion: verify host key", "unknown"]);
}

#[test]
fn names_are_recorded_hashed_where_that_is_asked_for() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    forget(&street, ACC_PVT);
    let ran = run(street.hop("cp").args([
        "-o",
        "HashKnownHosts=yes",
        "-o",
        "StrictHostKeyChecking=accept-new",
        "f",
        "acc-pvt:",
    ]));
    assert_eq!(ran.code, Some(0), "{ran}");
    let known = fs::read_to_string(street.known_hosts()).expect("known_hosts");
    let place = street.server(ACC_PVT).address.to_string();
    assert!(known.contains("|1|") && !known.contains(&place), "{known}");
}
