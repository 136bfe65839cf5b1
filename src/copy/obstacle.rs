//! What keeps hosts from copying directly: [`Obstacle`], facts only; and [`understood`], pure, which derives them from
//! what a host's ssh printed when it could not log in at the other. `by` is the host that would log in: the source, or
//! the destination where it fetches.

use thiserror::Error;

use super::route::Hindrance;
use crate::chain::ChainError;
use crate::lend::{Auth, LendError};

/// Why a copy cannot be direct. Hosts are named as the user names them.
#[derive(Debug, Error)]
pub enum Obstacle {
    /// Both ends are one host, reached in the same way.
    #[error("source and destination are the same host")]
    SameHost,
    /// One login serves one source.
    #[error("the sources are on several hosts")]
    SeveralSources,
    /// An end is not a host that hop reached by hops of its own.
    #[error("an end is no host that could be reached from another")]
    NoHosts,
    /// Neither the source nor the destination can log in at the other.
    #[error("{push}; {pull}")]
    NeitherWay {
        /// What keeps the source from sending.
        push: Box<Obstacle>,
        /// What keeps the destination from fetching.
        pull: Box<Obstacle>,
    },
    /// One host cannot connect to the other.
    #[error("{by} cannot open {to}: {reason}")]
    Unreachable {
        /// The host that cannot connect.
        by: String,
        /// `host:port` as it was asked for.
        to: String,
        /// What the host said.
        reason: String,
    },
    /// A further login would ask a person again.
    #[error("{host} asked for more than a key, and a login of its own for a direct copy would ask again")]
    AsksAgain {
        /// The host that would log in at the other.
        host: String,
    },
    /// The account runs no commands.
    #[error("{host} runs no commands for this account{}", said(.words))]
    NoShell {
        /// The source or the destination.
        host: String,
        /// What it printed instead.
        words: String,
    },
    /// The host has no OpenSSH client.
    #[error("{host} has no OpenSSH client to send with")]
    NoClient {
        /// The host that would log in.
        host: String,
    },
    /// What answers at that address has not the key that hop has verified.
    #[error(
        "at {address} {by} does not meet {destination}: the host key there is not the one that was verified ({pinned})"
    )]
    OtherHost {
        /// The host that would log in.
        by: String,
        /// `host:port`.
        address: String,
        /// The host it would log in at.
        destination: String,
        /// `SHA256:…`
        pinned: String,
    },
    /// The other host did not take the lent login.
    #[error("{destination} refused the login from {by}{}", said(.words))]
    Refused {
        /// The host that would log in.
        by: String,
        /// The host it would log in at.
        destination: String,
        /// How the login was authenticated.
        auth: Auth,
        /// What its ssh printed.
        words: String,
    },
    /// The login failed, and the lent agent had refused requests: another process there is asking it.
    #[error("{destination} refused the login from {by}, where the lent agent refused {refused} requests ({why})")]
    Besieged {
        /// The host that would log in.
        by: String,
        /// The host it would log in at.
        destination: String,
        /// Requests that were refused.
        refused: u32,
        /// Why they were refused.
        why: String,
    },
    /// The host that was to log in could not do its part.
    #[error("{by} could not log in to {destination}{}", said(.words))]
    Failed {
        /// The host that would log in.
        by: String,
        /// The host it would log in at.
        destination: String,
        /// What the host said.
        words: String,
    },
    /// A host has not answered, and no time is left.
    #[error("no time was left to begin a direct copy")]
    Late,
    /// Nothing was lent, or the loan was misused.
    #[error(transparent)]
    Lend(LendError),
    /// A connection was lost or given up as silent before anything was signed, so another attempt is allowed.
    #[error(transparent)]
    Lost(ChainError),
}

impl From<LendError> for Obstacle {
    fn from(error: LendError) -> Obstacle {
        match error {
            LendError::NoProof { source_host, client: None } => Obstacle::NoClient { host: source_host },
            LendError::Source { source_host, problem } if problem.contains("no POSIX shell") => {
                Obstacle::NoShell { host: source_host, words: String::new() }
            }
            error => Obstacle::Lend(error),
        }
    }
}

impl Obstacle {
    /// Whether the obstacle may be gone a moment later: what breaks connections keeps new ones from being made, too.
    pub fn may_pass(&self) -> bool {
        match self {
            Obstacle::Unreachable { .. } | Obstacle::Failed { .. } => true,
            Obstacle::Lend(LendError::Source { .. } | LendError::NotAdmitted { .. }) => true,
            Obstacle::Lend(LendError::Chain(error)) => error.may_pass(),
            Obstacle::Lost(_) => true,
            _ => false,
        }
    }

    /// Whether the other host may log in instead: this one does not reach it, or is lent nothing.
    pub fn may_be_turned(&self) -> bool {
        match self {
            Obstacle::Unreachable { .. } | Obstacle::NoClient { .. } => true,
            Obstacle::Lend(error) => matches!(
                error,
                LendError::NoForwarding { .. } | LendError::NoProof { .. } | LendError::NotHostbound { .. }
            ),
            _ => false,
        }
    }

    /// Whether a connection was lost and nothing else is wrong.
    pub fn is_lost(&self) -> bool {
        match self {
            Obstacle::Lost(_) => true,
            Obstacle::Lend(LendError::Chain(error)) => error.is_broken(),
            _ => false,
        }
    }

    /// The obstacle, or the one of two, that another host answers at the address.
    pub fn another_host(&self) -> Option<&Obstacle> {
        match self {
            Obstacle::OtherHost { .. } => Some(self),
            Obstacle::NeitherWay { push, pull } => push.another_host().or_else(|| pull.another_host()),
            _ => None,
        }
    }
}

impl Hindrance for Obstacle {
    fn may_relay(&self) -> bool {
        match self {
            Obstacle::Lend(LendError::Misused { .. } | LendError::Chain(_)) | Obstacle::Lost(_) => false,
            Obstacle::NeitherWay { push, pull } => push.may_relay() && pull.may_relay(),
            _ => true,
        }
    }
}

/// The names used to describe an obstacle.
pub struct Names<'a> {
    /// The host that was to log in.
    pub by: &'a str,
    /// The host it was to log in at.
    pub destination: &'a str,
    /// `host:port`, as the client was given it.
    pub address: &'a str,
    /// `SHA256:…`
    pub pinned: &'a str,
    /// How the login was authenticated.
    pub auth: Auth,
}

/// What it means that a remote helper ended before it was ready and printed `ended`. The words are those of ssh(1) and
/// the C library.
pub fn understood(ended: &str, names: &Names<'_>) -> Obstacle {
    let (by, destination) = (names.by.to_owned(), names.destination.to_owned());
    let (address, pinned) = (names.address.to_owned(), names.pinned.to_owned());
    let words = last_line(ended);
    let says = |any: &[&str]| any.iter().any(|one| ended.contains(one));
    if says(&["Host key verification failed", "no matching host key type"]) {
        return Obstacle::OtherHost { by, address, destination, pinned };
    }
    if says(&["Permission denied (", "Too many authentication failures"]) {
        return Obstacle::Refused { by, destination, auth: names.auth, words };
    }
    let unreachable = [
        "Could not resolve hostname",
        "Connection refused",
        "timed out",
        "No route to host",
        "unreachable",
        "Connection closed by",
        "Connection reset by",
        "kex_exchange_identification",
    ];
    if says(&unreachable) {
        return Obstacle::Unreachable { by, to: address, reason: words };
    }
    if says(&["forwards no agent"]) {
        return Obstacle::Lend(LendError::NoForwarding { source_host: by });
    }
    if says(&["ssh: not found", "ssh: command not found"]) {
        return Obstacle::NoClient { host: by };
    }
    Obstacle::Failed { by, destination, words }
}

/// The last line that is not empty, cut to a readable length.
fn last_line(words: &str) -> String {
    let line = words.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    line.chars().take(200).collect()
}

fn said(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(words: &str) -> String {
        let (by, destination, address, pinned) = ("acc-pvt", "dell-pvt", "10.20.2.20:22", "SHA256:x");
        let names = Names { by, destination, address, pinned, auth: Auth::Agent };
        understood(words, &names).to_string()
    }

    #[test]
    fn what_ssh_says_becomes_a_fact() {
        let cases = [
            ("ssh: connect to host 10.20.2.20 port 22: Connection refused", "cannot open 10.20.2.20:22: ssh: connect"),
            ("ssh: Could not resolve hostname x: Name or service not known", "cannot open 10.20.2.20:22: ssh: Could"),
            ("kex_exchange_identification: read: Connection reset by peer", "cannot open 10.20.2.20:22"),
            ("@@@\nHost key verification failed.\n", "does not meet dell-pvt"),
            ("u@h: Permission denied (publickey).", "dell-pvt refused the login from acc-pvt: u@h: Permission"),
            ("sh: 3: ssh: not found", "acc-pvt has no OpenSSH client"),
            ("No such file\n\n", "acc-pvt could not log in to dell-pvt: No such file"),
            ("", "acc-pvt could not log in to dell-pvt"),
        ];
        for (words, expected) in cases {
            assert!(told(words).contains(expected), "{words}: {}", told(words));
        }
    }

    #[test]
    fn a_long_complaint_is_cut() {
        assert!(told(&"x".repeat(5000)).len() < 300);
    }
}
