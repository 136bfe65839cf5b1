//! Why was a stage not reached? In words: what it means and what may have caused it, the likeliest first. Pure.
//!
//! Errors with a single remedy are explained by `advice`, which knows the same errors; here are those that look alike
//! from outside, so that several causes must be named.

use std::io::ErrorKind;

use crate::chain::{Cause, ChainError};
use crate::config::Host;
use crate::progress::Stage;
use crate::target;

use super::explanation::{Explanation, RELOAD};
use super::failed_hop::{HopDescription, with};
use super::login_failures::{host_key, login};
use crate::cli::advice;
use crate::cli::advice::shell_word;

/// Explains why a stage was not reached.
pub fn explain(error: &ChainError, identification: Option<&[u8]>, ways: &[Vec<Host>]) -> Explanation {
    let place = HopDescription::of(error, identification, ways);
    let hints = || advice::of_chain(error, ways);
    match &error.cause {
        Cause::Resolve { problem, .. } if problem.contains("family") => other_family(&place),
        Cause::Resolve { .. } => unknown_name(&place),
        Cause::Io { source, .. } => system_refused(&place, source.kind(), error),
        Cause::TimedOut(_) if error.stage <= Stage::Dial => no_answer(&place),
        Cause::ForwardRefused { reason, .. } => forward_refused(&place, reason, hints()),
        Cause::TimedOut(_) | Cause::Lost(_) | Cause::NoCommonAlgorithm { .. } | Cause::Protocol(_)
            if error.stage == Stage::Greet =>
        {
            greeting(&place, error)
        }
        Cause::Trust(trust) => host_key(&place, trust, hints()),
        Cause::Auth(auth) => login(&place, auth, hints()),
        Cause::Refused(_) if error.stage == Stage::StartSftp => with(
            format!("{} has no SFTP: it lets you in, and gives no files.", place.name),
            "",
            hints().into_iter().chain([format!("then: {RELOAD}")]).collect(),
        ),
        Cause::Sftp(_) if error.stage == Stage::StartSftp => with(
            format!("{} starts SFTP, and what comes is not SFTP: {}.", place.name, error.cause),
            "a forced command stands in its place",
            hints(),
        ),
        cause => with(format!("{}: {}: {cause}.", place.name, error.stage), "", hints()),
    }
}

/// Explains an address of another family than the configuration wants.
fn other_family(place: &HopDescription<'_>) -> Explanation {
    let HopDescription { name, address, family, .. } = place;
    let origin = family.as_deref().unwrap_or_default();
    Explanation::of(format!(
        "{address} has an address, and none of the kind that AddressFamily asks for ({origin}): `inet` is IPv4, `inet6` IPv6."
    ))
    .or("", [format!("to try both kinds: hop doctor -o AddressFamily=any {}; for good: take that line away", shell_word(name))])
}

fn unknown_name(place: &HopDescription<'_>) -> Explanation {
    let HopDescription { name, address, .. } = place;
    let meaning = format!("{} cannot find an address for the name {address}.", place.dialler());
    match place.before {
        None => Explanation::of(meaning)
            .or("it is misspelled, or no host of your ssh_config", ["hop hosts shows the names there are"])
            .or(
                "it has no address yet",
                [format!("hop hosts add {} --address ADDRESS --user USER --key FILE", shell_word(name))],
            )
            .or("the network or its name server is down", ["try another name: getent hosts example.com"]),
        Some(before) => Explanation::of(format!("{meaning} Names behind a bastion are looked up there, not here."))
            .or(
                "only this machine knows the name",
                [format!("under `Host {name}` in ssh_config: HostName PRIVATE-ADDRESS")],
            )
            .or(
                format!("the name server of {before} does not know it"),
                [format!("hop ssh {before} getent hosts {}", shell_word(address))],
            ),
    }
}

fn system_refused(place: &HopDescription<'_>, kind: ErrorKind, error: &ChainError) -> Explanation {
    let HopDescription { name, address, port, .. } = place;
    match kind {
        ErrorKind::ConnectionRefused => nothing_listens(place),
        // to reach an IPv6 address, this machine needs one of its own
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable => {
            let six = if address.contains(':') { "-6 " } else { "" };
            Explanation::of(format!("This machine, or a router close to it, knows no way to {address}."))
                .or("the VPN or the network is down", [format!("ip {six}route get {}", shell_word(address))])
                .or(
                    "a private address: it can be reached through a bastion only",
                    [format!("under `Host {name}` in ssh_config: ProxyJump BASTION")],
                )
        }
        ErrorKind::TimedOut => no_answer(place),
        ErrorKind::NotFound | ErrorKind::PermissionDenied => Explanation::of(format!("{}.", error.cause))
            .or("the ProxyCommand cannot be run", ["is the program installed, and the line in ssh_config right?"]),
        _ => Explanation::of(format!("{address} port {port}: {}.", error.cause)),
    }
}

fn nothing_listens(place: &HopDescription<'_>) -> Explanation {
    let HopDescription { name, address, port, .. } = place;
    Explanation::of(format!(
        "{} reaches {address}, and nothing listens there on port {port}. The network is fine.",
        place.dialler()
    ))
    .or(
        format!("sshd is not running on {name}"),
        ["on its console: sudo systemctl start sshd (on Debian and Ubuntu: ssh)"],
    )
    .or("it listens on another port", [format!("under `Host {name}` in ssh_config: Port NUMBER")])
    .or("the host has just started", ["wait a minute and try again"])
}

/// Explains packets that get lost between the host and the hop before it, or this machine.
fn no_answer(place: &HopDescription<'_>) -> Explanation {
    let HopDescription { name, address, port, .. } = place;
    let ingress = "aws ec2 authorize-security-group-ingress --group-id sg-…";
    let mine = match address.contains(':') {
        true => format!(
            "--ip-permissions 'IpProtocol=tcp,FromPort={port},ToPort={port},Ipv6Ranges=[{{CidrIpv6=YOUR-ADDRESS/128}}]'"
        ),
        false => format!("--protocol tcp --port {port} --cidr \"$(curl -s https://checkip.amazonaws.com)/32\""),
    };
    match place.before {
        None => Explanation::of(format!("{address} gives no answer at all: what this machine sends is dropped on the way, or nobody is there."))
            .or(
                "the security group does not let your address in",
                [format!("{ingress} {mine}")],
            )
            .or(
                "the host is stopped, or was started again and has another address",
                [format!("aws ec2 describe-instances --filters Name=ip-address,Values={} --query 'Reservations[].Instances[].State.Name'", shell_word(address))],
            )
            .or("a private address: it can be reached through a bastion only", [format!("under `Host {name}` in ssh_config: ProxyJump BASTION")]),
        Some(before) => Explanation::of(format!("{before} gets no answer from {address}: what it sends is dropped on the way, or nobody is there."))
            .or(
                format!("the security group of {name} does not let {before} in"),
                [format!("{ingress} --protocol tcp --port {port} --source-group sg-… (the group of {before})")],
            )
            .or(format!("{name} is stopped, or has another address"), [format!("is HostName {address} right? aws ec2 describe-instances --filters Name=private-ip-address,Values={}", shell_word(address))])
            .or("a route or a network ACL between their subnets", [format!("hop ssh {before} ip route get {}", shell_word(address))]),
    }
}

/// Explains a refused forwarding. Its text is sshd's or that of the C library.
fn forward_refused(place: &HopDescription<'_>, reason: &str, hints: Vec<String>) -> Explanation {
    let before = place.dialler();
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if says(&["prohibited"]) {
        let to = target::place(&place.address, place.port);
        return Explanation::of(format!(
            "{before} lets you in, and does not let you go on to {}: its sshd forbids it.",
            place.address
        ))
        .or(
            "AllowTcpForwarding, DisableForwarding or PermitOpen in its sshd_config",
            [
                format!("on {before}: sudo sshd -T | grep -iE 'forwarding|permitopen'"),
                format!(
                    "there must be: AllowTcpForwarding yes (or local), DisableForwarding no, PermitOpen any (or {to})"
                ),
                format!("then: {RELOAD}"),
            ],
        )
        .or(
            "your key there is restricted",
            [format!("hop ssh {before} grep -nE 'restrict|no-port|permitopen' .ssh/authorized_keys")],
        );
    }
    if says(&["Connection refused"]) {
        return nothing_listens(place);
    }
    // sshd gives no reason if its own system refuses at once
    if says(&["No route", "unreachable", "open failed"]) {
        return Explanation::of(format!("{before} knows no way to {}: its system says \"{reason}\".", place.address))
            .or(
                "a wrong address, or the host is stopped",
                [format!("is HostName {} the private address of {}?", place.address, place.name)],
            )
            .or(
                format!("a route is missing on {before}"),
                [format!("hop ssh {before} ip route get {}", shell_word(&place.address))],
            );
    }
    match says(&["timed out"]) {
        true => no_answer(place),
        false => with(format!("{before} could not connect to {}: {reason}.", place.address), "", hints),
    }
}

/// Explains a connection over which SSH does not begin.
fn greeting(place: &HopDescription<'_>, error: &ChainError) -> Explanation {
    let HopDescription { name, port, .. } = place;
    let said = place.said.as_deref().unwrap_or_default();
    let is_ssh = said.starts_with("SSH-");
    match &error.cause {
        Cause::Lost(how) if said.is_empty() && place.command.is_some() => command_failed(place, how),
        Cause::TimedOut(_) if is_ssh => Explanation::of(format!(
            "{name} says what it is ({said}) and then nothing more arrives: small packets come through, large ones do not."
        ))
        .or("packets are too large for a tunnel or VPN on the way (an MTU black hole)", [
            format!("smaller packets on {}: {}", place.dialler(), smaller(&place.address)),
            "for good: let ICMP type 3 code 4 through every security group and network ACL on the way".to_owned(),
        ])
        .or("the host is overloaded", [format!("on the console of {name}: uptime; free -m")]),
        Cause::TimedOut(_) => Explanation::of(format!("Something takes the connection at port {port} of {name} and says nothing: no SSH server greets us."))
            .or("the host is overloaded or out of memory, so that sshd does not get to answer", [format!("on the console of {name}: uptime; free -m; sudo systemctl restart sshd")])
            .or("another program, or a load balancer without a server behind it, has the port", [format!("is port {port} right? on {name}: sudo ss -tlnp")]),
        words @ Cause::NoCommonAlgorithm { .. } => {
            Explanation::of(format!("{name} and hop have no language in common: {words}."))
                .or("the server is old", [upgrade(name)])
                .or("its sshd_config allows few algorithms", [
                    format!("on {name}: sudo sshd -T | grep -iE '^(kexalgorithms|ciphers|macs|hostkeyalgorithms)'"),
                    format!("and what is offered from here: hop ssh -G {} | grep -iE '^(kexalgorithms|ciphers|macs|hostkeyalgorithms)'", shell_word(name)),
                ])
        }
        _ if said.starts_with("SSH-1") && !said.starts_with("SSH-1.99") => Explanation::of(format!(
            "{name} says what it is ({said}): it speaks SSH 1 only, which was broken long ago and which hop does not speak."
        ))
        .or("the server is too old", [upgrade(name)]),
        _ if is_ssh => {
            Explanation::of(format!("{name} says what it is ({said}), and the key exchange fails: {}.", error.cause))
                .or("the server is too old", [upgrade(name)])
        }
        _ if said.contains("MaxStartups") || said.contains("Not allowed") => turned_away(place, said),
        _ if !said.is_empty() => Explanation::of(format!("What answers at port {port} of {name} is no SSH server. It says: \"{said}\""))
            .or("the port is another program's", [format!("under `Host {name}` in ssh_config: Port NUMBER")]),
        _ => turned_away(place, ""),
    }
}

fn upgrade(name: &str) -> String {
    format!("on {name}: sudo apt-get install --only-upgrade openssh-server, or: sudo dnf upgrade openssh-server")
}

/// A command that lowers the MTU of the interface towards the address, so that packets pass through most tunnels.
fn smaller(address: &str) -> String {
    let interface = match address.parse::<std::net::IpAddr>() {
        Ok(address) => format!("\"$(ip route get {address} | grep -oP 'dev \\K\\S+')\""),
        Err(_) => "INTERFACE".to_owned(),
    };
    format!("sudo ip link set dev {interface} mtu 1400")
}

/// Explains a ProxyCommand that failed; its own output was already shown as a warning.
fn command_failed(place: &HopDescription<'_>, how: &str) -> Explanation {
    let line = place.command.as_deref().unwrap_or_default();
    let words = line.split_whitespace().next().unwrap_or_default();
    let explanation =
        Explanation::of(format!("{} is dialled by a ProxyCommand, and that gives no connection: {how}.", place.name));
    // the shell's exit status for a program it does not find
    let explanation = match how.contains("127") {
        true => explanation.or("the program is not installed", [format!("command -v {}", shell_word(words))]),
        false => explanation,
    };
    explanation.or("run it by hand; it should print a line that begins with SSH-2.0", [line])
}

/// Explains a connection that was closed before SSH began; since OpenSSH 8.5 sshd says why.
fn turned_away(place: &HopDescription<'_>, said: &str) -> Explanation {
    let name = place.name;
    let words = if said.is_empty() { String::new() } else { format!(" It says: \"{said}\"") };
    let busy = |explanation: Explanation| {
        explanation.or(
            "too many logins at once (MaxStartups 10:30:100), perhaps by others behind the same bastion",
            ["wait a minute and try again; on the server: MaxStartups 60:30:200 in sshd_config"],
        )
    };
    let punished = |explanation: Explanation| {
        explanation.or(
            "your address is being punished for failed logins (OpenSSH 9.8 and later, or fail2ban)",
            ["wait some minutes; on the server: PerSourcePenaltyExemptList ADDRESS; sudo fail2ban-client status sshd"],
        )
    };
    let explanation =
        Explanation::of(format!("{name} takes the connection and closes it at once, before a login.{words}"));
    if said.contains("MaxStartups") {
        return busy(explanation);
    }
    if said.contains("Not allowed") {
        return punished(explanation);
    }
    punished(busy(explanation)).or(
        "sshd fails as it starts",
        [format!("on the console of {name}: sudo journalctl -u ssh -u sshd -n 20; sudo sshd -t")],
    )
}
