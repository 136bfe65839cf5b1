//! What to do about a hop that was not reached?
//!
//! Main function: [`of_chain`].

use super::algorithms::of_algorithms;
use super::failed_hop::FailedHop;
use super::host_keys::of_trust;
use super::keys::of_auth;
use super::shell_word::{one, shell_word};
use crate::chain::{Cause, ChainError};
use crate::config::Host;
use crate::progress::Stage;

/// Hints for a hop that was not reached; not yet made safe for a terminal.
pub fn of_chain(error: &ChainError, ways: &[Vec<Host>]) -> Vec<String> {
    let hop = FailedHop::of(&error.trail, ways);
    let alias = error.trail.end();
    match &error.cause {
        Cause::Trust(cause) => of_trust(cause, &hop),
        Cause::Auth(cause) => of_auth(cause, hop.host),
        Cause::ForwardRefused { by, to, reason } => vec![forward_refused(by, to, reason)],
        Cause::Resolve { .. } => vec![unresolved(error)],
        Cause::Io { source, .. } => dial_failed(source),
        Cause::TimedOut(_) if error.stage == Stage::Dial => vec![blocked(error)],
        Cause::NoCommonAlgorithm { family, ours, theirs } => vec![of_algorithms(*family, ours, theirs, &hop)],
        Cause::NothingToOffer(_) => Vec::new(),
        cause if error.stage == Stage::Greet => greets_nobody(cause, alias),
        cause @ (Cause::Refused(_) | Cause::Sftp(_)) if error.stage == Stage::StartSftp => no_sftp(alias, cause),
        _ => Vec::new(),
    }
}

/// The hint for a refused forwarding. Its text is sshd's (`channels.c`, `serverloop.c`) or that of the C library.
fn forward_refused(by: &str, to: &str, reason: &str) -> String {
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if says(&["prohibited"]) {
        return format!(
            "the sshd of {by} forbids it: in its sshd_config, AllowTcpForwarding must be yes or local, and PermitOpen \
             any or {to}"
        );
    }
    if says(&["Connection refused"]) {
        return format!(
            "{by} reaches the host, but nothing listens on {to}: is sshd running there, is the port right?"
        );
    }
    if says(&["timed out", "No route", "unreachable"]) {
        return format!(
            "{by} gets no answer from {to}: look at the route tables, security groups and network ACLs between them"
        );
    }
    let (name, port) = to.rsplit_once(':').unwrap_or((to, "22"));
    format!("to see what {by} sees: hop ssh {by} nc -vz {} {port}", shell_word(name.trim_matches(['[', ']'])))
}

fn unresolved(error: &ChainError) -> String {
    match error.trail.0.as_slice() {
        [.., before, _] => format!("the name is looked up on {before}, not here; HostName may be an address"),
        _ => "is it spelled as in ssh_config? A `Host` block with HostName gives an address to a name".to_owned(),
    }
}

fn dial_failed(error: &std::io::Error) -> Vec<String> {
    use std::io::ErrorKind as Io;
    match error.kind() {
        Io::ConnectionRefused => one("nothing listens there: is sshd running, is the port right (-P, Port)?"),
        Io::HostUnreachable | Io::NetworkUnreachable | Io::TimedOut => {
            one("look at the VPN, route tables and security groups between here and there")
        }
        _ => Vec::new(),
    }
}

fn blocked(error: &ChainError) -> String {
    match error.trail.0.as_slice() {
        [.., before, host] => format!(
            "{before} gets no answer from {host}: look at the route tables, security groups and network ACLs between them"
        ),
        _ => "packets vanish: does the security group let your address in, does the host run?".to_owned(),
    }
}

fn greets_nobody(cause: &Cause, alias: &str) -> Vec<String> {
    let likely = match cause {
        Cause::TimedOut(_) => "the host is overloaded, or packets over some size vanish (lower the MTU: ip link)",
        Cause::Lost(_) | Cause::Protocol(_) => "full (MaxStartups) or a penalty (PerSourcePenalties)? wait a minute",
        _ => return Vec::new(),
    };
    vec![format!("{likely}; hop doctor {} looks closer", shell_word(alias))]
}

fn no_sftp(alias: &str, cause: &Cause) -> Vec<String> {
    let needs = format!(
        "hop copies over SFTP: the sshd_config of {alias} needs `Subsystem sftp internal-sftp`, and no forced command"
    );
    let silence = "any other server for it needs an account with a shell (no nologin), whose .bashrc prints nothing";
    std::iter::once(needs).chain(matches!(cause, Cause::Sftp(_)).then(|| silence.to_owned())).collect()
}
