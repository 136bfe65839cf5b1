//! What the street refuses: other keys, other users, other ways, and work on a bastion.

use std::process::Output;

use hop::demo::Vpc;

use super::guest::Guest;

/// Refused by the client's own account, in these words.
#[track_caller]
fn refused(output: &Output, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(words), "{}: {said}", output.status);
}

/// `ssh` to a bastion with a key and user of one's choice.
fn knock(guest: &Guest, key: &str, user: &str) -> Output {
    let known_hosts = guest.street.folder().join("known_hosts");
    guest
        .bare("ssh")
        .args(["-F", "none", "-o", "IdentitiesOnly=yes", "-o", "GlobalKnownHostsFile=/dev/null", "-l", user, "-i"])
        .arg(guest.street.folder().join(key))
        .arg("-o")
        .arg(format!("UserKnownHostsFile={}", known_hosts.display()))
        .args(["-p", &guest.port("acc-bastion"), "127.0.0.1", "true"])
        .output()
        .unwrap()
}

#[test]
fn another_vpcs_key_is_refused() {
    let Some(guest) = Guest::new() else { return };
    refused(&knock(&guest, "dell.pem", "ec2-user"), "Permission denied (publickey)");
    refused(&knock(&guest, "acc.pem", "ec2-user"), "this host only forwards");
}

#[test]
fn another_user_is_refused() {
    let Some(guest) = Guest::new() else { return };
    refused(&knock(&guest, "acc.pem", "root"), "Permission denied (publickey)");
}

#[test]
fn a_private_server_lets_in_its_own_key_only() {
    let Some(guest) = Guest::new() else { return };
    let mut ssh = guest.bare("ssh");
    let proxy = format!("ProxyCommand=ssh -F '{}' -W %h:%p acc-bastion", guest.street.config().display());
    ssh.args(["-F", "none", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", &proxy, "-i"])
        .arg(guest.street.folder().join("dell.pem"));
    refused(&ssh.args(["ec2-user@10.10.2.20", "true"]).output().unwrap(), "Permission denied (publickey)");
}

#[test]
fn a_bastion_forwards_to_its_own_private_server_only() {
    let Some(guest) = Guest::new() else { return };
    let port = guest.port("dell-bastion");
    let elsewhere = [Vpc::Dell.address(), "127.0.0.1", "localhost", "acc-pvt"].map(|host| format!("{host}:22"));
    for way in elsewhere.into_iter().chain([format!("127.0.0.1:{port}"), "10.10.2.20:80".to_owned()]) {
        let output = guest.tool("ssh").args(["-W", &way, "acc-bastion"]).output().unwrap();
        refused(&output, "administratively prohibited");
    }
}

#[test]
fn a_bastion_runs_nothing_and_says_where_to_go() {
    let Some(guest) = Guest::new() else { return };
    let output = guest.ssh("acc-bastion", "id");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    refused(&output, "acc-bastion: no commands here, this host only forwards to acc-pvt (ssh -J acc-bastion acc-pvt)");
    refused(&guest.sftp("acc-bastion", "ls\n"), "subsystem request failed");
}
