//! `ProxyCommand`: what it says and how it dies is told as the hop's failure; what works leaves no process behind.

use std::fs;

use super::refused;
use crate::skips::need;
use crate::street::{ACC_PVT, Street, run, until};

#[test]
fn a_command_that_dies_is_the_hops_failure() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    street.configure("Host proxied\n  ProxyCommand sh -c 'printf \"no \\033[31mtunnel\\n\" >&2; exit 3'\n");
    let says = ["proxied: laptop > proxied: greet", "the ProxyCommand ended (exit status: 3)", "no \\x1b[31mtunnel"];
    refused(&street, &["f", "proxied:"], 10, &says);
}

#[test]
fn a_command_that_is_not_there() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"x");
    street.configure("Host proxied\n  ProxyCommand /nowhere/nc %h %p\n");
    refused(&street, &["f", "proxied:"], 10, &["proxied: laptop > proxied: greet", "the ProxyCommand ended"]);
}

#[test]
fn ssh_as_the_command_carries_a_copy_and_is_gone_afterwards() {
    let (Some(street), Some(ssh)) = (Street::start(), need("ssh")) else { return };
    street.put_here("f", b"through the proxy");
    let server = street.server(ACC_PVT).address;
    let (ssh, config) = (ssh.display(), street.config().display().to_string());
    street.configure(&format!(
        "Host proxied\n  HostName {}\n  Port {}\n  IdentityFile {}/acc.pem\n  ProxyCommand {ssh} -F {config} -W %h:%p \
         acc-bastion\n",
        server.ip(),
        server.port(),
        street.laptop().display()
    ));
    let ran = run(street.hop("cp").args(["f", "proxied:"]));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(fs::read(street.home(ACC_PVT).join("f")).expect("it arrived"), b"through the proxy");
    until("the proxy is gone", || {
        !commands().iter().any(|command| command.contains(&config) && command.contains("-W"))
    });
}

/// The command lines of all processes, words parted by blanks.
fn commands() -> Vec<String> {
    let folders = fs::read_dir("/proc").expect("list /proc").map(|entry| entry.expect("list /proc").path());
    let lines = folders.filter_map(|folder| fs::read(folder.join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}
