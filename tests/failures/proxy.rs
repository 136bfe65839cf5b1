//! `ProxyCommand`: what it says and how it dies is told as the hop's failure; what works leaves no process behind.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

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

/// AWS's Session Manager, as its documentation writes it: the instance's id is the host's name. The `aws` here checks how
/// it was called, and reaches the host through the bastion.
#[test]
fn a_session_managers_tunnel_is_run_as_documented() {
    let (Some(street), Some(ssh)) = (Street::start(), need("ssh")) else { return };
    street.put_here("f", b"through the cloud");
    let server = street.server(ACC_PVT).address;
    let (instance, config) = ("i-0123456789abcdef0", street.config().display().to_string());
    let tools = street.laptop().join("tools");
    fs::create_dir(&tools).expect("a folder");
    let wanted = format!(
        "ssm|start-session|--target|{instance}|--document-name|AWS-StartSSHSession|--parameters|portNumber={}|",
        server.port()
    );
    let aws = format!(
        "#!/bin/sh\nsaid=$(printf '%s|' \"$@\")\n[ \"$said\" = '{wanted}' ] || {{ echo \"aws: $said\" >&2; exit 252; }}\n\
         [ ! -e \"$HOME/refused\" ] || {{ echo 'An error occurred (TargetNotConnected) when calling StartSession' >&2; exit 254; }}\n\
         exec {} -F {config} -W {server} acc-bastion\n",
        ssh.display()
    );
    fs::write(tools.join("aws"), aws).expect("a tool");
    fs::set_permissions(tools.join("aws"), fs::Permissions::from_mode(0o755)).expect("its mode");
    let known = fs::read_to_string(street.known_hosts()).expect("known_hosts");
    let named =
        known.replace(&format!("[{}]:{} ", server.ip(), server.port()), &format!("[{instance}]:{} ", server.port()));
    fs::write(street.known_hosts(), known + &named).expect("known_hosts");
    street.configure(&format!(
        "Host i-* mi-*\n  Port {}\n  IdentityFile {}/acc.pem\n  ProxyCommand sh -c \"aws ssm start-session --target %h \
         --document-name AWS-StartSSHSession --parameters 'portNumber=%p'\"\n",
        server.port(),
        street.laptop().display()
    ));
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default());
    let copy = |name: &str| run(street.hop("cp").env("PATH", &path).args([name, &format!("{instance}:")]));
    let ran = copy("f");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(fs::read(street.home(ACC_PVT).join("f")).expect("it arrived"), b"through the cloud");
    until("the tunnel is gone", || {
        !commands().iter().any(|command| command.contains(&config) && command.contains("-W"))
    });

    street.put_here("refused", b"");
    let ran = copy("f");
    assert_eq!(ran.code, Some(10), "{ran}");
    for said in
        ["(TargetNotConnected)", "laptop > i-0123456789abcdef0: greet", "the ProxyCommand ended (exit status: 254)"]
    {
        assert!(ran.stderr.contains(said), "{said}: {ran}");
    }
}

/// The command lines of all processes, words parted by blanks.
fn commands() -> Vec<String> {
    let folders = fs::read_dir("/proc").expect("list /proc").map(|entry| entry.expect("list /proc").path());
    let lines = folders.filter_map(|folder| fs::read(folder.join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}
