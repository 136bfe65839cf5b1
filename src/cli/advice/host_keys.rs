//! What to do about a host key that was not accepted?
//!
//! Main function: [`of_trust`].

use super::failed_hop::FailedHop;
use super::shell_word::{one, quoted, shell_word};
use crate::config::Host;
use crate::config::host::Matters;
use crate::trust::{KnownAt, NotAccepted, TrustError};

/// Hints for a host key that was not accepted.
pub fn of_trust(error: &TrustError, hop: &FailedHop<'_>) -> Vec<String> {
    match error {
        TrustError::Unknown { because, .. } => unknown_key(*because, hop),
        TrustError::Changed { host, known, .. } => changed_key(host, known),
        TrustError::ChangedAtRekey { .. } => {
            one("somebody may have come in between: do not connect again before you know why; nothing was sent since")
        }
        TrustError::Revoked { by, .. } => {
            vec![format!("{by} revokes it: the key was stolen or retired; do not connect")]
        }
        TrustError::Record { file, .. } => {
            vec![format!("make {} writable, or name another file with UserKnownHostsFile", quoted(file))]
        }
        TrustError::Certificate { .. } => {
            one("ask whoever signs your host certificates; see @cert-authority in sshd(8)")
        }
        _ => Vec::new(),
    }
}

fn unknown_key(because: NotAccepted, hop: &FailedHop<'_>) -> Vec<String> {
    let first = match because {
        NotAccepted::Declined => return Vec::new(),
        NotAccepted::NowhereToRecord => {
            return one("name a file to remember it in with UserKnownHostsFile");
        }
        NotAccepted::Strict => {
            let origin =
                hop.host.map(|host| format!(" ({})", host.strict_host_key_checking.origin)).unwrap_or_default();
            format!("StrictHostKeyChecking is yes{origin}: with `ask`, hop shows the fingerprint and asks")
        }
        NotAccepted::NobodyToAsk => format!(
            "once, on a terminal: `hop ssh {} true` (with the same -F, -J and -i) shows the fingerprint and asks; compare \
             it with the host's console",
            hop.target
        ),
    };
    let missing = hop.host.into_iter().flat_map(missing_proofs);
    std::iter::once(first).chain(hop.host.filter(|_| hop.is_first).map(scanned)).chain(missing).collect()
}

/// The settings for host keys that hop does not honour.
fn missing_proofs(host: &Host) -> impl Iterator<Item = String> {
    let missing = host.not_honoured.iter().filter(|missing| missing.matters == Matters::ForHostKeys);
    missing.map(|missing| format!("{} ({}) is not in this version", missing.setting.value, missing.setting.origin))
}

fn scanned(host: &Host) -> String {
    let port = if host.port.value == 22 { String::new() } else { format!("-p {} ", host.port.value) };
    let file = host.user_known_hosts_files.first().map_or("~/.ssh/known_hosts".to_owned(), |file| quoted(file));
    let name = shell_word(host.hostname.as_str());
    format!("or `ssh-keyscan {port}{name} >> {file}`, which believes whoever answers: compare with `ssh-keygen -lf`")
}

fn changed_key(host: &str, known: &[KnownAt]) -> Vec<String> {
    let mut hints: Vec<String> =
        known.iter().map(|at| format!("{} has {} {}", place(at), at.algorithm, at.fingerprint)).collect();
    hints.push("this may be an attack: believe the new key only if you know why it changed".to_owned());
    if let Some(at) = known.first() {
        let (name, file) = (shell_word(host), quoted(&at.file));
        hints.push(format!("if the host was rebuilt: ssh-keygen -R {name} -f {file}, then connect from a terminal"));
    }
    hints.push(format!(
        "if two networks use the address {host} for different hosts: give each a Host block with its own HostKeyAlias"
    ));
    hints
}

fn place(at: &KnownAt) -> String {
    format!("{}:{}", at.file.display(), at.line)
}
