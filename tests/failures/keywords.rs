//! Are keywords about reaching and trusting obeyed by the real thing? Each changes what happens against real sshds.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::keys::forget;
use super::{TO_ACC, refused};
use crate::skips::need;
use crate::street::{ACC_BASTION, ACC_PVT, Outcome, Street, run, until};
use crate::wire::{Direction, Link};

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
fn a_server_that_comes_up_late_is_reached_at_another_attempt() {
    let Some(mut street) = Street::start() else { return };
    street.server_mut(ACC_BASTION).stop();
    let asked = |attempts: &str| {
        let mut command = street.hop("ssh");
        command.args(["-v", "-o", attempts, ACC_BASTION, "echo hello"]);
        command
    };
    let ran = run(&mut asked("ConnectionAttempts=1"));
    assert!(ran.code == Some(255) && ran.stderr.contains("refused"), "{ran}");
    // there are more attempts, so that a busy machine may take its time
    let mut later = asked("ConnectionAttempts=60");
    let mut hop = later.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("hop ssh");
    let said = BufReader::new(hop.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let mut dials = said.skip_while(|line| !line.ends_with(": dial"));
    assert!(dials.next().is_some(), "it never dialled");
    std::thread::sleep(Duration::from_millis(300)); // that attempt is refused at once
    street.server_mut(ACC_BASTION).start();
    assert!(dials.last().is_some(), "it went no further");
    let output = hop.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"hello\n"[..]));
}

/// The timers of a run's TCP sockets, as `ss -o` tells them, once all that was sent has been acknowledged.
fn timers(street: &Street, lines: &str) -> String {
    street.configure(lines);
    let mut command = street.hop("ssh");
    command.args([ACC_BASTION, "echo there; exec cat"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut hop = command.spawn().expect("hop ssh");
    let mut line = String::new();
    BufReader::new(hop.stdout.take().expect("piped")).read_line(&mut line).expect("its output");
    assert_eq!(line, "there\n", "{lines}");
    let mut sockets = String::new();
    until("nothing is under way", || {
        let all = run(Command::new("ss").args(["--tcp", "--numeric", "--options", "--processes", "--no-header"]));
        let own = format!("pid={},", hop.id());
        sockets = all.stdout.lines().filter(|line| line.contains(&own)).collect();
        sockets.contains(&own) && !sockets.contains("timer:(on,")
    });
    drop(hop.stdin.take());
    assert!(hop.wait().expect("it ends").success(), "{lines}");
    sockets
}

#[test]
fn a_silent_connection_is_probed_unless_that_is_off() {
    let (Some(_), Some(street)) = (need("ss"), Street::start()) else { return };
    for lines in ["", "TCPKeepAlive yes"] {
        let sockets = timers(&street, lines);
        assert!(sockets.contains("timer:(keepalive,"), "{lines}: {sockets}");
    }
    let sockets = timers(&street, "TCPKeepAlive no");
    assert!(!sockets.contains("keepalive"), "{sockets}");
}

#[test]
fn what_repeats_itself_is_compressed_where_that_is_asked_for() {
    const SIZE: usize = 2 << 20;
    let Some(street) = Street::plan().link(ACC_BASTION, Link::default()).start() else { return };
    let content: Vec<u8> = b"the same again, ".iter().copied().cycle().take(SIZE).collect();
    street.put_here("here", &content);
    street.put(ACC_BASTION, "there", &content);
    let wire = street.server(ACC_BASTION).wire.as_ref().expect("planned above");
    let ways = [(["here", "acc-bastion:up"], Direction::Up), (["acc-bastion:there", "down"], Direction::Down)];
    for (words, direction) in ways {
        for (options, most) in [(&["-o", "Compression=yes"][..], SIZE / 4), (&["-C"], SIZE / 4), (&[], usize::MAX)] {
            let before = wire.bytes(direction);
            let ran = run(street.hop("cp").args(options).args(words));
            let passed = (wire.bytes(direction) - before) as usize;
            assert_eq!(ran.code, Some(0), "{options:?} {words:?}: {ran}");
            assert!(passed < most && (passed > SIZE) == options.is_empty(), "{options:?} {words:?}: {passed} bytes");
            let (path, name) = (if words[1] == "down" { street.laptop() } else { street.home(ACC_BASTION) }, words[1]);
            let file = path.join(name.trim_start_matches("acc-bastion:"));
            assert!(fs::read(&file).expect("it arrived") == content, "{options:?} {words:?}");
            fs::remove_file(file).expect("make room");
        }
    }
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
        let by = format!("{keyword} (");
        let way_out = if keyword == "HostKeyAlgorithms" { "" } else { "leaves out what the server takes: -o " };
        refused(&street, &["f", "acc-pvt:"], 12, &[TO_ACC, "in common", only, &by, way_out]);
    }
}

#[test]
fn the_option_that_helps_is_named_and_helps() {
    let Some(street) = Street::plan().sshd(ACC_BASTION, "Ciphers aes256-cbc").start() else { return };
    street.put_here("f", b"x");
    let option = "-o Ciphers=+aes256-cbc";
    refused(
        &street,
        &["f", "acc-bastion:"],
        12,
        &["no Cipher algorithm in common: hop offers aes", "the server aes256-cbc", option],
    );
    refused(&street, &["f", "acc-pvt:"], 12, &["hint: `Ciphers +aes256-cbc` in its Host block"]);
    let ran = run(street.hop("cp").args(option.split(' ')).args(["f", "acc-bastion:"]));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
}

#[test]
fn a_list_of_which_hop_speaks_nothing_is_a_bad_configuration() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    for list in ["MACs=umac-64@openssh.com", "MACs=nonsense", "HostKeyAlgorithms=ssh-dss"] {
        refused(&street, &["-o", list, "f", "acc-bastion:"], 2, &[list]);
        let ran = run(street.hop("ssh").args(["-o", list, "acc-bastion", "true"]));
        assert_eq!(ran.code, Some(255), "{list}: {ran}");
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
