//! One host and its hops: names, ports, greetings, and what sshd and its host hold back.

use std::fs;
use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;

use crate::street::{ACC_BASTION, ACC_PVT, Street, run, until};
use crate::wire::{Cut, Direction, How, Link};

use super::ground::{Deaf, count, diagnosed, page, page_without_network, points_to, reconfigured, says, scrubbed};

#[test]
fn a_host_that_is_well() {
    let Some(street) = Street::start() else { return };
    insta::assert_snapshot!(page(&street, &["acc-pvt"]));
    let json = run(street.hop("doctor").args(["-B", "--json", "acc-pvt"]));
    let objects: Vec<serde_json::Value> =
        json.stdout.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let (last, checks) = objects.split_last().expect("objects");
    assert_eq!(
        (&last["event"], &last["exit_code"], &last["check"]),
        (&"diagnosis".into(), &0.into(), &serde_json::Value::Null)
    );
    assert!(checks.len() > 12 && checks.iter().all(|check| check["outcome"] == "good"), "{json}");
    insta::assert_snapshot!("two_hosts_that_are_well", page(&street, &["acc-pvt:customers.csv", "dell-pvt:~"]));
}

#[test]
fn names_that_nobody_knows() {
    let Some(street) = Street::plan().sshd(ACC_BASTION, "PermitOpen any").start() else { return };
    street.configure("Host lost\n  HostName no-such-host.invalid\n  ProxyJump acc-bastion\nHost nowhere\n  HostName no-such-host.invalid");
    diagnosed!("name_unknown_here", page(&street, &["nowhere"]));
    diagnosed!("name_unknown_at_the_bastion", page(&street, &["lost"]));
}

#[test]
fn hosts_where_nothing_listens() {
    let Some(mut street) = Street::start() else { return };
    street.server_mut(ACC_PVT).stop();
    diagnosed!("refused_behind_the_bastion", page(&street, &["acc-pvt"]));
    street.server_mut(ACC_BASTION).stop();
    diagnosed!("refused_here", page(&street, &["acc-pvt"]));
}

#[test]
fn no_way_from_here() {
    let Some(street) = Street::start() else { return };
    if !street.own_homes() {
        return;
    }
    street.configure("Host far\n  HostName 10.99.0.1\nHost far6\n  HostName 2001:db8::99");
    diagnosed!("no_network_here", page_without_network(&street, &["far"]));
    diagnosed!("no_ipv6_network_here", page_without_network(&street, &["far6"]));
}

#[test]
fn proxy_commands_that_lead_nowhere() {
    let Some(street) = Street::start() else { return };
    street.configure(
        "Host gone\n  ProxyCommand no-such-program %h\nHost ends\n  ProxyCommand echo 'no such instance' >&2; exit 3",
    );
    diagnosed!("proxy_command_missing", page(&street, &["gone"]));
    diagnosed!("proxy_command_ends", page(&street, &["ends"]));
}

#[test]
fn hosts_that_give_no_answer() {
    let Some(street) = Street::plan().sshd(ACC_BASTION, "PermitOpen any").start() else { return };
    let deaf = Deaf::new();
    points_to(&street, "deaf", deaf.address);
    points_to(&street, "deaf-pvt", deaf.address);
    street.configure("Host deaf-pvt\n  ProxyJump acc-bastion\n  IdentityFile ~/acc.pem");
    let hide = |page: String| page.replace("127.0.0.1", "IP").replace(&deaf.address.port().to_string(), "PORT");
    diagnosed!("timed_out_here", hide(page(&street, &["deaf"])));
    diagnosed!("timed_out_behind_the_bastion", hide(page(&street, &["deaf-pvt"])));
}

#[test]
fn what_answers_is_no_sshd() {
    let Some(street) = Street::start() else { return };
    let told = |alias: &str, words: &'static [u8]| {
        let address = says(words);
        points_to(&street, alias, address);
        page(&street, &[alias]).replace("127.0.0.1", "IP").replace(&address.port().to_string(), "PORT")
    };
    diagnosed!("banner_never_comes", told("silent", b""));
    diagnosed!("another_protocol", told("web", b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    diagnosed!("version_too_old", told("old", b"SSH-1.5-1.2.27\r\n"));
    diagnosed!("penalty", told("strict", b"Not allowed at this time\r\n"));
    diagnosed!("closed_at_once", told("closed", b"\n"));
}

/// One who does not log in: a connection that sshd has greeted, and so counts.
fn greeted(sshd: SocketAddr) -> TcpStream {
    let mut word = [0; 4];
    let mut connect = || {
        let mut stream = TcpStream::connect(sshd).expect("a connection");
        (stream.read_exact(&mut word).is_ok() && &word == b"SSH-").then_some(stream)
    };
    let mut held = None;
    // whoever asked whether it listens may still be counted, and we are turned away
    until("sshd greets", || {
        held = connect();
        held.is_some()
    });
    held.expect("greeted")
}

#[test]
fn a_full_sshd_turns_us_away() {
    let Some(mut street) = Street::start() else { return };
    // of this option sshd takes the last value
    reconfigured(&mut street, ACC_BASTION, "MaxStartups 1:100:1");
    let held = greeted(street.server(ACC_BASTION).listens);
    let page = page(&street, &["acc-bastion"]);
    drop(held);
    // sshd says why and hangs up at once: its words do not always outrun the reset
    let parts = ["FAIL greet", "closes it at once, before a login.", "too many logins at once (MaxStartups", "exit 10"];
    parts.iter().for_each(|part| assert!(page.contains(part), "no `{part}` in:\n{page}"));
    count("max_startups");
}

#[test]
fn large_packets_vanish() {
    let cut = Cut { direction: Direction::Down, at: 45, how: How::Silence };
    let link = Link { cut: Some(cut), ..Link::default() };
    let Some(street) = Street::plan().link(ACC_BASTION, link).start() else { return };
    diagnosed!("mtu_black_hole", page(&street, &["acc-bastion"]));
}

#[test]
fn nothing_in_common() {
    let Some(street) = Street::plan().sshd(ACC_BASTION, "Ciphers 3des-cbc").start() else { return };
    let page = page(&street, &["acc-bastion"]);
    // what hop offers grows with its library
    let (front, rest) = page.split_once("hop offers ").expect("what is offered");
    let (_, end) = rest.split_once(", the server ").expect("what the server takes");
    diagnosed!("no_common_algorithm", format!("{front}hop offers OURS, the server {end}"));
}

#[test]
fn a_bastion_that_forwards_nothing() {
    let Some(street) = Street::plan().sshd(ACC_BASTION, "AllowTcpForwarding no").start() else { return };
    diagnosed!("forwarding_forbidden", page(&street, &["acc-pvt"]));
}

#[test]
fn agents_that_are_not_taken() {
    let Some(street) = Street::plan().sshd(ACC_PVT, "AllowAgentForwarding no").start() else { return };
    diagnosed!("agent_forwarding_forbidden", page(&street, &["acc-pvt"]));
}

#[test]
fn a_host_without_files() {
    let Some(street) = Street::plan().without_sftp(ACC_PVT).start() else { return };
    diagnosed!("no_sftp", page(&street, &["acc-pvt"]));
}

#[test]
fn commands_that_are_not_ours() {
    let banner = "ForceCommand echo 'Please login as the user \"ec2-user\" rather than the user \"root\".'";
    let plan = Street::plan().sshd(ACC_PVT, "ForceCommand echo nothing for you").sshd(ACC_BASTION, banner);
    let Some(street) = plan.start() else { return };
    diagnosed!("forced_command", page(&street, &["acc-pvt"]));
    diagnosed!("another_user_is_named", page(&street, &["acc-bastion"]));
}

#[test]
fn a_shell_that_talks() {
    let Some(street) = Street::start() else { return };
    if !street.own_homes() {
        return;
    }
    street.put(ACC_PVT, ".bashrc", b"echo Welcome to the machine\n");
    diagnosed!("noisy_shell", page(&street, &["acc-pvt"]));
}

#[test]
fn disks_without_room() {
    let Some(street) = Street::plan().disk(ACC_PVT, 1).start() else { return };
    let fill = run(street.openssh("ssh").args(["acc-pvt", "head -c 1000000 /dev/zero > disk/full"]));
    assert_eq!(fill.code, Some(0), "{fill}");
    diagnosed!("disk_full", page(&street, &["acc-pvt:disk"]));
    fs::set_permissions(street.home(ACC_PVT), fs::Permissions::from_mode(0o555)).expect("chmod");
    diagnosed!("home_read_only", page(&street, &["acc-pvt"]));
}

#[test]
fn a_clock_that_is_wrong() {
    let Some(street) = Street::start() else { return };
    if !street.own_homes() {
        return;
    }
    // the server's own words about its clock: three days back
    street.put(ACC_PVT, "bin/date", b"#!/bin/sh\necho $(($(/bin/date +%s) - 259200))\n");
    let date = street.home(ACC_PVT).join("bin/date");
    fs::set_permissions(&date, fs::Permissions::from_mode(0o755)).expect("chmod");
    street.put(ACC_PVT, ".bashrc", b"PATH=$HOME/bin:$PATH\n");
    diagnosed!("clock_skew", page(&street, &["acc-pvt"]));
}

#[test]
fn nothing_is_changed_on_a_server() {
    let Some(street) = Street::start() else { return };
    let names = || {
        let entries = fs::read_dir(street.home(ACC_PVT)).expect("the home folder");
        entries.map(|entry| entry.expect("an entry").file_name()).collect::<Vec<_>>()
    };
    let before = names();
    let outcome = run(street.hop("doctor").args(["-B", "acc-pvt", "dell-pvt"]));
    assert_eq!(outcome.code, Some(0), "{}", scrubbed(&street, &outcome));
    assert_eq!(names(), before);
    let logins = street.server(ACC_BASTION).log().matches("Accepted publickey").count();
    assert_eq!(logins, 1, "one connection is made to each hop");
}
