//! Why is a host not believed, or why does a login fail? In words. Pure.

use std::net::IpAddr;

use crate::auth::{AuthError, KeyProblem, UnusedKey};
use crate::trust::TrustError;

use super::explanation::{Explanation, RELOAD};
use super::failed_hop::{HopDescription, with};
use crate::cli::advice;
use crate::cli::advice::shell_word;

/// Explains why a host key is not accepted.
pub fn host_key(place: &HopDescription<'_>, error: &TrustError, hints: Vec<String>) -> Explanation {
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
        TrustError::ChangedAtRekey { .. } => with(
            format!("{name} shows another key than when the connection began. Somebody may stand in between."),
            "",
            hints,
        ),
        TrustError::Revoked { .. } => with(format!("{name} shows a key that was revoked."), "", hints),
        TrustError::Certificate { problem, .. } => with(
            format!("{name} proves itself with a certificate that does not hold: {problem}."),
            "",
            hints.into_iter().chain(["or the clock here is wrong: date -u".to_owned()]).collect(),
        ),
        error => with(format!("{name}: {error}."), "", hints),
    }
}

/// Explains why a login fails.
pub fn login(place: &HopDescription<'_>, error: &AuthError, hints: Vec<String>) -> Explanation {
    let HopDescription { name, user, .. } = place;
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
            let hints = if hints.is_empty() { another_file(place, file, problem) } else { hints };
            with(format!("The key {} cannot be used: {problem}.", file.display()), "", hints)
        }
        AuthError::Refused { tried, offered, unused, doubtful, .. } => {
            refused(place, tried, offered, &[unused, doubtful])
        }
        AuthError::NeedsPerson { method, .. } => Explanation::of(format!(
            "{name} wants a {method} of {user}, which only a person can give, and nobody can be asked here."
        ))
        .or("there is no terminal, or -B forbids to ask", [format!("on a terminal: hop doctor {}", shell_word(name))])
        .or(
            "your key is not on the server, or its sshd takes no keys",
            [format!("on {name}: PubkeyAuthentication yes in sshd_config, then: {RELOAD}; your key goes into ~{user}/.ssh/authorized_keys")],
        ),
        AuthError::Disconnected { .. } => with(
            format!("{name} ended the login of {user}: {error}."),
            "too many keys were offered: servers count them",
            vec![
                format!("offer one key only: hop doctor -i FILE -o IdentitiesOnly=yes {}", shell_word(name)),
                format!("for good: IdentityFile FILE and IdentitiesOnly yes under `Host {name}` in ssh_config"),
            ],
        ),
        error => with(format!("{name} did not let {user} in: {error}."), "", hints),
    }
}

/// What to do about a key file that is not a key, does not exist, or is locked.
fn another_file(place: &HopDescription<'_>, file: &std::path::Path, problem: &str) -> Vec<String> {
    let word = shell_word(&file.to_string_lossy());
    if problem.contains("passphrase") {
        return vec![format!("give it to an agent once: ssh-add {word}; or run this on a terminal")];
    }
    let name = shell_word(&file.file_name().unwrap_or_default().to_string_lossy());
    let first = match problem.contains("no such file") {
        true => format!("where is it? find ~ -name {name}"),
        false => "hop key check shows every key that ssh_config names, and what is in it".to_owned(),
    };
    vec![
        first,
        format!(
            "try another file: hop doctor -i FILE {}; for good: IdentityFile FILE in ssh_config",
            shell_word(place.name)
        ),
    ]
}

fn refused(
    place: &HopDescription<'_>,
    tried: &[String],
    offered: &[String],
    [unused, doubtful]: &[&Vec<UnusedKey>; 2],
) -> Explanation {
    let HopDescription { name, user, .. } = place;
    let had = if tried.is_empty() { "no key to show".to_owned() } else { format!("shown {}", tried.join(", ")) };
    let explanation =
        Explanation::of(format!("{name} does not let {user} in. It was {had}, and takes {}.", offered.join(", ")));
    let explanation = doubtful.iter().fold(explanation, |explanation, key| {
        let clock = matches!(key.problem, KeyProblem::Ended(_) | KeyProblem::NotBegun(_));
        let clock = clock.then(|| "or the clock here is wrong: date -u".to_owned());
        explanation.or(key.to_string(), advice::of_key(&key.file, &key.problem).into_iter().chain(clock))
    });
    if !doubtful.is_empty() {
        return explanation.or("the server takes another key", name_it(place));
    }
    let remedies = unused.iter().filter_map(|key| advice::of_key(&key.file, &key.problem));
    let explanation = match tried.is_empty() {
        true => explanation.or("no key is named for this host, or none can be used", remedies.chain(name_it(place))),
        false => explanation.or(
            format!("another key than the one {name} was made with"),
            remedies.chain(made_with(place)).chain(name_it(place)),
        ),
    };
    let explanation = match usual_user(place.said.as_deref().unwrap_or_default()) {
        Some((system, users)) if !users.contains(&user.as_str()) => explanation.or(
            format!("another user name: on {system} it is {}", users.join(" or ")),
            [format!("hop doctor {}@{name}; for good: `User {}` in ssh_config", users[0], users[0])],
        ),
        _ => explanation,
    };
    explanation.or(
        "the key was taken off the server, or its files there may be written by others",
        [format!("on the console of {name}: sudo tail ~{user}/.ssh/authorized_keys; sudo chmod go-w ~{user} ~{user}/.ssh ~{user}/.ssh/authorized_keys")],
    )
}

fn name_it(place: &HopDescription<'_>) -> [String; 1] {
    let name = shell_word(place.name);
    [format!("hop doctor -i FILE {name}; for good: IdentityFile FILE under `Host {name}` in ssh_config")]
}

/// The command that asks AWS for the name of the key pair.
fn made_with(place: &HopDescription<'_>) -> Option<String> {
    let address: IpAddr = place.address.parse().ok()?;
    let filter = match (address, place.before) {
        (IpAddr::V6(_), _) => "network-interface.ipv6-addresses.ipv6-address",
        (IpAddr::V4(address), None) if !address.is_private() => "ip-address",
        _ => "private-ip-address",
    };
    Some(format!(
        "its name: aws ec2 describe-instances --filters Name={filter},Values={address} --query 'Reservations[].Instances[].KeyName'"
    ))
}

/// The usual users of a system's cloud images, by the text that sshd sends first.
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
