//! What does a finding mean, what may have caused it, and what can be typed? For people who have never heard of a route
//! table. Pure.
//!
//! Main function: [`explain`]. The words for hops are in `hop_failures.rs`, those for two hosts that do not reach each
//! other in `pair_unreachable.rs`.

use std::time::Duration;

use crate::config::Host;
use crate::doctor::Finding;
use crate::error::{self, ExitKind};
use crate::words::span;

use super::explanation::{Explanation, RELOAD};
use super::{hop_failures, pair_unreachable};

/// Explains a finding at `host`; `ways` are those that were resolved.
pub fn explain(finding: &Finding, host: &str, ways: &[Vec<Host>]) -> Explanation {
    match finding {
        Finding::Stage { error, identification } => hop_failures::explain(error, identification.as_deref(), ways),
        Finding::PairUnreachable(pair) => pair_unreachable::explain(pair),
        Finding::Noisy { said } => noisy(host, said),
        Finding::NoShell { said } => no_shell(host, said, user_at(host, ways)),
        Finding::DiskFull { place, free } => {
            let folder = if place.contains(' ') { "~" } else { place };
            Explanation::of(format!("The disk of {host} is full: {} KiB are left for {place}.", free >> 10))
                .or("old files take the room", [format!("hop ssh {host} 'df -h {folder}; du -xh {folder} | sort -h | tail'")])
                .or(
                    "the disk is too small",
                    [format!("make the volume larger, then on {host}: sudo growpart /dev/xvda 1; sudo resize2fs /dev/xvda1")],
                )
        }
        Finding::ReadOnly { place } => Explanation::of(format!("Nothing can be written to {place} on {host}."))
            .or(
                "it belongs to somebody else, or its mode is wrong",
                [format!("hop ssh {host} 'ls -ld ~'; then there: sudo chown \"$USER\" ~; chmod u+rwx ~")],
            )
            .or(
                "the disk had errors and is mounted read-only",
                [format!("hop ssh {host} 'grep \" ro,\" /proc/mounts; dmesg | tail'")],
            ),
        Finding::NoHome => Explanation::of(format!("Your home folder on {host} does not exist."))
            .or("it was never made", [format!("on {host}: sudo mkhomedir_helper {}", user_at(host, ways))])
            .or("it is on a disk that is not mounted", [format!("hop ssh {host} 'grep \"^$USER:\" /etc/passwd; cat /proc/mounts'")]),
        Finding::ClockSkew { ahead } => skew(host, *ahead),
        Finding::NoAgent => Explanation::of(format!(
            "{host} takes no forwarded agent. Copies through this machine need none; only one for which {host} logs in at \
             another host would."
        ))
        .or("its sshd forbids it", [format!("in sshd_config of {host}: AllowAgentForwarding yes; then: {RELOAD}")]),
        Finding::Missing(tools) => {
            Explanation::of(format!("{host} lacks {}, which a copy straight from it to another host needs.", tools.join(" and ")))
                .or("OpenSSH's client is not installed", ["sudo apt-get install openssh-client, or: sudo dnf install openssh-clients"])
        }
    }
}

/// The exit code for a finding.
pub fn kind(finding: &Finding) -> ExitKind {
    match finding {
        Finding::Stage { error, .. } => error::of_chain(error),
        Finding::Noisy { .. } | Finding::NoShell { .. } => ExitKind::Protocol,
        Finding::DiskFull { .. } => ExitKind::NoSpace,
        Finding::ReadOnly { .. } | Finding::NoHome => ExitKind::SomeFailed,
        Finding::PairUnreachable(_) => ExitKind::Connect,
        Finding::ClockSkew { .. } | Finding::NoAgent | Finding::Missing(_) => ExitKind::Done,
    }
}

fn noisy(host: &str, said: &[u8]) -> Explanation {
    let said = String::from_utf8_lossy(said);
    let line: String = said.lines().next().unwrap_or_default().chars().take(60).collect();
    Explanation::of(format!(
        "The login shell of {host} prints \"{line}\" before it does what it is told. Programs that talk to it take that for \
         an answer, and copies break."
    ))
    .or(
        "an `echo` or the like in a start-up file",
        [
            format!("hop ssh {host} 'grep -nE \"echo|printf|cat |neofetch|fastfetch\" ~/.bashrc ~/.profile ~/.zshenv ~/.cshrc'"),
            "put it below this line of ~/.bashrc: case $- in *i*) ;; *) return ;; esac".to_owned(),
        ],
    )
}

/// The user with whom hop logs in to a host.
fn user_at<'a>(host: &str, ways: &'a [Vec<Host>]) -> &'a str {
    ways.iter().flatten().find(|hop| hop.alias == host).map_or("USER", |hop| &hop.user.value)
}

fn no_shell(host: &str, said: &[u8], user: &str) -> Explanation {
    let text = String::from_utf8_lossy(said);
    if let Some(user) = text.split_once("login as the user \"").and_then(|(_, rest)| rest.split('"').next()) {
        return Explanation::of(format!("{host} lets nobody work as this user, and names the one to take: {user}."))
            .or("the wrong user name", [format!("hop doctor {user}@{host}; for good: `User {user}` in ssh_config")]);
    }
    let said = match text.trim().is_empty() {
        true => "nothing".to_owned(),
        false => format!("\"{}\"", text.lines().next().unwrap_or_default().chars().take(60).collect::<String>()),
    };
    let explanation = Explanation::of(format!(
        "{host} lets {user} in and runs no command: it said {said}. Only what it allows can be done there."
    ));
    let shell = "the account has no login shell: it is a service's, or was closed";
    let chsh = [
        format!("to log in as somebody else: hop doctor USER@{host}"),
        format!("if {user} is to work there, on {host}: sudo chsh -s /bin/bash {user}"),
    ];
    let forced = "a forced command, for this key or for all";
    let look = [format!(
        "on {host}: sudo grep -n command= ~{user}/.ssh/authorized_keys; sudo sshd -T -C user={user} | grep -i forcecommand"
    )];
    // the message of nologin(8)
    match text.contains("account is currently not available") {
        true => explanation.or(shell, chsh),
        false => explanation.or(forced, look).or(shell, chsh),
    }
}

fn skew(host: &str, ahead: i64) -> Explanation {
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    let off = span(Duration::from_secs(ahead.unsigned_abs()));
    Explanation::of(format!(
        "The clock of {host} is {off} {way} this machine's. Certificates seem expired or not yet valid, and file times \
         mislead."
    ))
    .or(
        "nothing sets its clock",
        [format!(
            "on {host}: sudo timedatectl set-ntp true; or: sudo systemctl enable --now chronyd; and look here: date -u"
        )],
    )
}
