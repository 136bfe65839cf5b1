//! What to do if two hosts do not reach each other directly, or a login is not lent? Main functions: [`of_direct`],
//! [`of_lend`].

use super::chain::of_chain;
use crate::config::Host;
use crate::copy::Obstacle;
use crate::lend::{Auth, LendError};

/// Hints for getting around an obstacle to a direct copy.
pub fn of_direct(obstacle: &Obstacle, ways: &[Vec<Host>]) -> Vec<String> {
    const RELAY: &str = "or let the data pass through here: hop cp -3";
    let hint = match obstacle {
        Obstacle::Lend(LendError::NoForwarding { source_host }) => {
            format!(
                "{}, {RELAY}; or have the other host log in: --fetch-from where {source_host} is the source, --peer-address \
                 where it fetches",
                needs_forwarding(source_host)
            )
        }
        Obstacle::Lend(error) => return of_lend(error, ways),
        Obstacle::Lost(error) => return of_chain(error, ways),
        Obstacle::NeitherWay { push, pull } => return of_neither(push, pull, ways),
        Obstacle::SameHost | Obstacle::NoHosts => "let the data pass through here: hop cp -3".to_owned(),
        Obstacle::SeveralSources => format!("copy from one host at a time, {RELAY}"),
        Obstacle::Unreachable { by, to, reason } if reason.contains("resolve") || reason.contains("not known") => {
            format!("{by} does not know the name in {to}: give an address it reaches with --peer-address, {RELAY}")
        }
        Obstacle::Unreachable { by, to, reason } if reason.contains("refused") => {
            format!("{by} reaches the host, but nothing listens on {to}: is the port right (--peer-address)? {RELAY}")
        }
        Obstacle::Unreachable { by, to, reason } if reason.contains("reset") || reason.contains("closed") => format!(
            "{by} reaches {to}, and is shut at once: does its sshd keep {by} out (MaxStartups, fail2ban), or is something \
             else there? {RELAY}"
        ),
        Obstacle::Unreachable { by, to, .. } => format!(
            "no route or a security group between {by} and {to}? If it has another address there: --peer-address; {RELAY}"
        ),
        Obstacle::NoShell { host, .. } => {
            format!("{host} needs a shell for this account (no ForceCommand internal-sftp, no nologin), {RELAY}")
        }
        Obstacle::NoClient { host } => format!("install OpenSSH's client on {host}, {RELAY}"),
        Obstacle::OtherHost { address, .. } => format!(
            "two networks may use the address {address} for two hosts: give the right one with --peer-address, {RELAY}"
        ),
        Obstacle::Refused { destination, by, auth: Auth::Ephemeral, .. } => format!(
            "does its sshd read ~/.ssh/authorized_keys (AuthorizedKeysFile, StrictModes), and see {by} as itself (no NAT \
             between)? With a key that {destination} takes anyhow: --direct-auth agent, {RELAY}"
        ),
        Obstacle::Refused { destination, by, .. } => {
            format!(
                "does {destination} take this key from {by} (`from=` in authorized_keys, AllowUsers, Match)? {RELAY}"
            )
        }
        Obstacle::Besieged { by, .. } => {
            format!("look who is on {by}: something there asks for more than the one login, and got nothing; {RELAY}")
        }
        Obstacle::Late => {
            format!("hop doctor shows which host does not answer; a longer --timeout leaves it time, {RELAY}")
        }
        Obstacle::AsksAgain { .. } => "to be asked again: --route direct".to_owned(),
        Obstacle::Failed { by, .. } => format!("look at ssh on {by}, {RELAY}"),
    };
    vec![hint]
}

/// Hints for whichever of two obstacles is easier to remove.
fn of_neither(push: &Obstacle, pull: &Obstacle, ways: &[Vec<Host>]) -> Vec<String> {
    let no_agent = |obstacle: &Obstacle| matches!(obstacle, Obstacle::Lend(LendError::NoForwarding { .. }));
    match pull {
        Obstacle::Unreachable { .. } => of_direct(push, ways),
        pull if no_agent(pull) && no_agent(push) => of_direct(push, ways),
        pull => of_direct(pull, ways),
    }
}

fn needs_forwarding(host: &str) -> String {
    format!(
        "the sshd_config of {host} needs AllowAgentForwarding yes, for an ephemeral key too: it does not leave this machine \
         either"
    )
}

/// Hints for a login that is not lent.
pub fn of_lend(error: &LendError, ways: &[Vec<Host>]) -> Vec<String> {
    let hint = match error {
        LendError::Chain(error) => return of_chain(error, ways),
        LendError::NotByKey { destination, .. } => {
            format!(
                "log in to {destination} with a key (-i FILE, IdentityFile), or have one made for the copy: hop cp \
                 --direct-auth ephemeral; or let the data pass through here: hop cp -3"
            )
        }
        LendError::SameKey { .. } => "give each its own host keys (ssh-keygen -A after removing the old ones): cloned \
             machines can stand in for one another"
            .to_owned(),
        LendError::NoProof { source_host, .. } => format!(
            "update OpenSSH on {source_host} to 8.9 or later, or install nc there; a key made for the copy needs no proof: hop \
             cp --direct-auth ephemeral; or let the data pass through here: hop cp -3"
        ),
        LendError::NotHostbound { .. } => "both need OpenSSH 8.9 or later; or leave --require-hostbound out".to_owned(),
        LendError::NoForwarding { source_host } => {
            format!("{}; or let the data pass through here: hop cp -3", needs_forwarding(source_host))
        }
        LendError::Constrained { .. } => {
            "have a key made for the copy: hop cp --direct-auth ephemeral; or give the key \
             itself (-i FILE, IdentityFile, IdentityAgent none); or let the data pass through here: hop cp -3"
                .to_owned()
        }
        LendError::NotAdmitted { .. } | LendError::NoRestriction { .. } => {
            "with a key that is let in there already: --direct-auth agent; or let the data pass through here: hop cp -3"
                .to_owned()
        }
        LendError::Misused { source_host, destination, .. } => format!(
            "look who is on {source_host}, and at the logins of {destination}: that login is all that was taken; for a \
             command of your own that logs in more than once: --signatures N"
        ),
        _ => return Vec::new(),
    };
    vec![hint]
}
