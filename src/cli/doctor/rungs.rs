//! A rung that was not climbed, in words: what it means and what may have caused it, the likeliest first. Pure.
//!
//! What has one remedy only is said by `advice.rs`, which knows the same errors; here is what looks alike from outside
//! and has to be hedged.

use std::io::ErrorKind;

use crate::auth::AuthError;
use crate::chain::{Cause, ChainError};
use crate::config::Host;
use crate::progress::Stage;
use crate::trust::TrustError;

use super::words::Explanation;
use crate::cli::advice::{self, shell_word};

/// The hop that failed.
struct Place<'a> {
    /// Its alias.
    name: &'a str,
    /// The hop it is reached through, if any.
    before: Option<&'a str>,
    /// As it was resolved.
    address: String,
    port: u16,
    user: String,
    /// The first words of what answers there.
    said: Option<String>,
}

/// Explains why a rung was not climbed.
pub fn explain(error: &ChainError, identification: Option<&[u8]>, ways: &[Vec<Host>]) -> Explanation {
    let place = Place::of(error, identification, ways);
    let hints = || advice::of_chain(error, ways);
    match &error.cause {
        Cause::Resolve { .. } => unknown_name(&place),
        Cause::Io { source, .. } => system_refused(&place, source.kind(), error),
        Cause::TimedOut(_) if error.stage <= Stage::Dial => no_answer(&place),
        Cause::ForwardRefused { reason, .. } => forward_refused(&place, reason, hints()),
        Cause::TimedOut(_) | Cause::Lost(_) | Cause::Protocol(_) if error.stage == Stage::Greet => {
            greeting(&place, error)
        }
        Cause::Trust(trust) => host_key(&place, trust, hints()),
        Cause::Auth(auth) => login(&place, auth, hints()),
        Cause::Refused(_) if error.stage == Stage::StartSftp => {
            let reload = "then: sudo systemctl reload sshd (on Debian and Ubuntu: ssh)".to_owned();
            with(
                format!("{} has no SFTP: it lets you in, and gives no files.", place.name),
                "",
                hints().into_iter().chain([reload]).collect(),
            )
        }
        Cause::Sftp(_) if error.stage == Stage::StartSftp => with(
            format!("{} starts SFTP, and what comes is not SFTP: {}.", place.name, error.cause),
            "a forced command stands in its place",
            hints(),
        ),
        cause => with(format!("{}: {}: {cause}.", place.name, error.stage), "", hints()),
    }
}

impl<'a> Place<'a> {
    fn of(error: &'a ChainError, identification: Option<&[u8]>, ways: &[Vec<Host>]) -> Place<'a> {
        let trail = &error.trail.0;
        let passes = |way: &&Vec<Host>| way.iter().map(|host| &host.alias).zip(trail).all(|(one, other)| one == other);
        let way = ways.iter().filter(|way| way.len() >= trail.len()).find(passes);
        let host = way.and_then(|way| way.get(trail.len().checked_sub(1)?));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(80).collect();
        Place {
            name: error.trail.end(),
            before: trail.len().checked_sub(2).map(|at| trail[at].as_str()),
            address: host.map_or(error.trail.end().to_owned(), |host| host.hostname.value.clone()),
            port: host.map_or(22, |host| host.port.value),
            user: host.map(|host| host.user.value.clone()).unwrap_or_default(),
            said: identification.map(text),
        }
    }

    /// Whoever dials it.
    fn dialler(&self) -> &str {
        self.before.unwrap_or("this machine")
    }
}

/// One cause, with what is advised everywhere.
fn with(meaning: String, what: &str, hints: Vec<String>) -> Explanation {
    Explanation::of(meaning).or(what, hints)
}

fn unknown_name(place: &Place<'_>) -> Explanation {
    let Place { name, address, .. } = place;
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

fn system_refused(place: &Place<'_>, kind: ErrorKind, error: &ChainError) -> Explanation {
    let Place { name, address, port, .. } = place;
    match kind {
        ErrorKind::ConnectionRefused => nothing_listens(place),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            Explanation::of(format!("This machine, or a router close to it, knows no way to {address}."))
                .or("the VPN or the network is down", [format!("ip route get {}", shell_word(address))])
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

fn nothing_listens(place: &Place<'_>) -> Explanation {
    let Place { name, address, port, .. } = place;
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

/// Packets vanish between the hop before, or this machine, and the host.
fn no_answer(place: &Place<'_>) -> Explanation {
    let Place { name, address, port, .. } = place;
    let ingress = "aws ec2 authorize-security-group-ingress --group-id sg-… --protocol tcp";
    match place.before {
        None => Explanation::of(format!("{address} gives no answer at all: what this machine sends is dropped on the way, or nobody is there."))
            .or(
                "the security group does not let your address in",
                [format!("{ingress} --port {port} --cidr \"$(curl -s https://checkip.amazonaws.com)/32\"")],
            )
            .or(
                "the host is stopped, or was started again and has another address",
                [format!("aws ec2 describe-instances --filters Name=ip-address,Values={} --query 'Reservations[].Instances[].State.Name'", shell_word(address))],
            )
            .or("a private address: it can be reached through a bastion only", [format!("under `Host {name}` in ssh_config: ProxyJump BASTION")]),
        Some(before) => Explanation::of(format!("{before} gets no answer from {address}: what it sends is dropped on the way, or nobody is there."))
            .or(
                format!("the security group of {name} does not let {before} in"),
                [format!("{ingress} --port {port} --source-group sg-… (the group of {before})")],
            )
            .or(format!("{name} is stopped, or has another address"), [format!("is HostName {address} right? aws ec2 describe-instances --filters Name=private-ip-address,Values={}", shell_word(address))])
            .or("a route or a network ACL between their subnets", [format!("hop ssh {before} ip route get {}", shell_word(address))]),
    }
}

/// The words are sshd's and those of the C library behind it.
fn forward_refused(place: &Place<'_>, reason: &str, hints: Vec<String>) -> Explanation {
    let before = place.dialler();
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if says(&["prohibited"]) {
        return with(
            format!("{before} lets you in, and does not let you go on to {}: its sshd forbids it.", place.address),
            "its sshd_config",
            hints,
        )
        .or(
            "your key there is restricted",
            [format!("look for no-port-forwarding, restrict or permitopen= in ~/.ssh/authorized_keys of {before}")],
        );
    }
    if says(&["Connection refused"]) {
        return nothing_listens(place);
    }
    // sshd has no words where its own system refuses at once
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

/// The connection stands, and SSH does not begin.
fn greeting(place: &Place<'_>, error: &ChainError) -> Explanation {
    let Place { name, port, .. } = place;
    let said = place.said.as_deref().unwrap_or_default();
    let is_ssh = said.starts_with("SSH-");
    match &error.cause {
        Cause::TimedOut(_) if is_ssh => Explanation::of(format!(
            "{name} says what it is ({said}) and then nothing more arrives: small packets come through, large ones do not."
        ))
        .or("packets are too large for a tunnel or VPN on the way (an MTU black hole)", [
            "smaller packets on your side: sudo ip link set dev INTERFACE mtu 1400".to_owned(),
            "and let ICMP type 3 code 4 through every security group and ACL on the way".to_owned(),
        ])
        .or("the host is overloaded", [format!("on the console of {name}: uptime; free -m")]),
        Cause::TimedOut(_) => Explanation::of(format!("Something takes the connection at port {port} of {name} and says nothing: no SSH server greets us."))
            .or("the host is overloaded or out of memory, so that sshd does not get to answer", [format!("on the console of {name}: uptime; free -m; sudo systemctl restart sshd")])
            .or("another program, or a load balancer without a server behind it, has the port", [format!("is port {port} right? on {name}: sudo ss -tlnp")]),
        Cause::Protocol(words) if words.contains("algorithm in common") => Explanation::of(format!("{name} and hop have no algorithm in common: {words}."))
            .or("the server is old, or allows few algorithms", [
                format!("hop ssh -G {name} shows what is offered (KexAlgorithms, Ciphers, MACs, HostKeyAlgorithms)"),
                "better: bring OpenSSH there up to date".to_owned(),
            ]),
        _ if is_ssh => {
            let old = if said.starts_with("SSH-1") && !said.starts_with("SSH-1.99") { " It speaks SSH 1 only, which was broken long ago." } else { "" };
            Explanation::of(format!("{name} says what it is ({said}), and the key exchange fails: {}.{old}", error.cause))
                .or("the server is too old", ["bring OpenSSH there up to date"])
        }
        _ if said.contains("MaxStartups") || said.contains("Not allowed") => turned_away(place, said),
        _ if !said.is_empty() => Explanation::of(format!("What answers at port {port} of {name} is no SSH server. It says: \"{said}\""))
            .or("the port is another program's", [format!("under `Host {name}` in ssh_config: Port NUMBER")]),
        _ => turned_away(place, ""),
    }
}

/// Closed before the first word; since OpenSSH 8.5 sshd says why.
fn turned_away(place: &Place<'_>, said: &str) -> Explanation {
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

fn host_key(place: &Place<'_>, error: &TrustError, hints: Vec<String>) -> Explanation {
    let name = place.name;
    match error {
        TrustError::Unknown { algorithm, fingerprint, .. } => with(
            format!("{name} shows a key that this machine has never seen ({algorithm} {fingerprint})."),
            "the first visit: compare the fingerprint with the console of the host, then accept it",
            hints,
        ),
        TrustError::Changed { .. } => with(
            format!("{name} shows another key than last time. Somebody may stand in between, or the host was rebuilt."),
            "",
            hints,
        ),
        TrustError::Revoked { .. } => with(format!("{name} shows a key that was revoked."), "", hints),
        error => with(format!("{name}: {error}."), "", hints),
    }
}

fn login(place: &Place<'_>, error: &AuthError, hints: Vec<String>) -> Explanation {
    let Place { name, user, .. } = place;
    match error {
        AuthError::Permissions { file, mode } => with(
            format!(
                "{} can be read by others on this machine (mode {mode:04o}), so no SSH program uses it.",
                file.display()
            ),
            "",
            hints.into_iter().chain(["or: hop key fix; or this command with --fix".to_owned()]).collect(),
        ),
        AuthError::KeyFile { file, problem, .. } => {
            let word = shell_word(&file.to_string_lossy());
            let otherwise = match problem.contains("passphrase") {
                true => format!("give it to an agent once: ssh-add {word}; or run this on a terminal"),
                false => "hop key check shows every key that ssh_config names; -i FILE names another".to_owned(),
            };
            let hints = if hints.is_empty() { vec![otherwise] } else { hints };
            with(format!("The key {} cannot be used: {problem}.", file.display()), "", hints)
        }
        AuthError::Refused { tried, offered, .. } => refused(place, tried, offered, hints),
        AuthError::Disconnected { .. } => with(
            format!("{name} ended the login of {user}: {error}."),
            "too many keys were offered: servers count them",
            ["offer one key only: -i FILE -o IdentitiesOnly=yes".to_owned()].into_iter().chain(hints).take(1).collect(),
        ),
        error => with(format!("{name} did not let {user} in: {error}."), "", hints),
    }
}

fn refused(place: &Place<'_>, tried: &[String], offered: &[String], hints: Vec<String>) -> Explanation {
    let Place { name, user, .. } = place;
    let (key, other): (Vec<String>, Vec<String>) = hints.into_iter().partition(|hint| !hint.contains("cloud images"));
    let had = if tried.is_empty() { "no key to show".to_owned() } else { format!("shown {}", tried.join(", ")) };
    let explanation =
        Explanation::of(format!("{name} does not let {user} in. It was {had}, and takes {}.", offered.join(", ")));
    let explanation = match tried.is_empty() {
        true => explanation.or("no key is named for this host, or none can be used", key),
        false => explanation.or(format!("another key than the one {name} was made with"), key),
    };
    match usual_user(place.said.as_deref().unwrap_or_default()) {
        Some((system, users)) if !users.contains(&user.as_str()) => explanation.or(
            format!("another user name: on {system} it is {}", users.join(" or ")),
            [format!("hop doctor {}@{name}; for good: `User {}` in ssh_config", users[0], users[0])],
        ),
        _ if !other.is_empty() => explanation.or("another user name", other),
        _ => explanation.or(
            "the key was taken off the server, or its files may be written by others",
            [format!("on the console of {name}: chmod go-w ~{user} ~{user}/.ssh ~{user}/.ssh/authorized_keys; sudo tail /var/log/auth.log")],
        ),
    }
}

/// Whom cloud images of a system let in, by the words sshd says first.
fn usual_user(said: &str) -> Option<(&'static str, &'static [&'static str])> {
    const BY_VERSION: [(&str, &str, &[&str]); 4] = [
        ("Ubuntu", "Ubuntu", &["ubuntu"]),
        ("Debian", "Debian", &["admin", "debian"]),
        ("FreeBSD", "FreeBSD", &["ec2-user", "freebsd"]),
        ("SSH-2.0-OpenSSH", "Amazon Linux and its like", &["ec2-user", "centos", "rocky", "fedora"]),
    ];
    let found = BY_VERSION.into_iter().find(|(mark, _, _)| said.contains(mark));
    found.map(|(_, system, users)| (system, users))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_line_tells_whom_an_image_lets_in() {
        assert_eq!(usual_user("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3").unwrap().1[0], "admin");
        assert_eq!(usual_user("SSH-2.0-OpenSSH_8.9p1 Ubuntu-3ubuntu0.10").unwrap().1[0], "ubuntu");
        assert_eq!(usual_user("SSH-2.0-OpenSSH_8.7").unwrap().1[0], "ec2-user");
        assert_eq!(usual_user("SSH-2.0-dropbear_2022.83"), None);
    }
}
