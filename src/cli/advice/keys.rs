//! What to do about a key file, a refused login, or a host that was not added?
//!
//! Main functions: [`of_key`], [`of_auth`], [`of_host_block`].

use std::path::Path;

use super::shell_word::{one, quoted};
use crate::auth::{AuthError, KeyProblem};
use crate::config::host::{Matters, NotHonoured};
use crate::config::{Host, HostBlock, HostBlockError, Origin};

/// Hints for a login that failed.
pub fn of_auth(error: &AuthError, host: Option<&Host>) -> Vec<String> {
    match error {
        AuthError::Permissions { file, .. } => vec![format!("chmod 400 {}", quoted(file))],
        AuthError::KeyFile { remedy, .. } => remedy.iter().cloned().collect(),
        AuthError::NeedsPerson { .. } => {
            one("run it on a terminal, or give a key that needs no question: -i FILE, ssh-add")
        }
        AuthError::Disconnected { reason, .. } if reason.contains("Too many") => {
            one("offer one key only: -i FILE -o IdentitiesOnly=yes")
        }
        AuthError::Refused { user, tried, unused, doubtful, offered } => {
            let keys = unused.iter().chain(doubtful);
            let mut hints: Vec<String> = keys.filter_map(|key| of_key(&key.file, &key.problem)).collect();
            hints.push(match tried.is_empty() {
                true => "name the key: -i FILE, `IdentityFile FILE` in ssh_config, or ssh-add FILE".to_owned(),
                false => "is it the right key? -i FILE; for one host of several -i PATTERN=FILE".to_owned(),
            });
            hints.extend(host.into_iter().flat_map(|host| missing_methods(host, offered)));
            if host.is_some_and(|host| host.user.origin == Origin::Default) {
                hints.push(format!(
                    "{user} is the name of the user here; cloud images have their own (ec2-user, ubuntu, admin): USER@HOST"
                ));
            }
            hints
        }
        _ => Vec::new(),
    }
}

/// The settings for logins that hop does not honour, where the server would have taken such a login.
fn missing_methods(host: &Host, offered: &[String]) -> Vec<String> {
    let would_take = |setting: &str| {
        let method = match setting {
            _ if setting.starts_with("gssapi") => "gssapi",
            _ if setting.starts_with("hostbased") => "hostbased",
            _ => "publickey", // a provider of keys
        };
        offered.iter().any(|offered| offered.starts_with(method))
    };
    let missing = host.not_honoured.iter().filter(|missing| missing.matters == Matters::ForLogins);
    let missing = missing.filter(|missing| would_take(&missing.setting.value)).map(|missing| {
        let NotHonoured { setting, .. } = missing;
        let way_out = if setting.value.contains("provider") { ": load the key into an agent (ssh-add)" } else { "" };
        format!("{} ({}) is not in this version{way_out}", setting.value, setting.origin)
    });
    missing.collect()
}

/// The hint for a key file that cannot be used, if something helps.
pub fn of_key(file: &Path, problem: &KeyProblem) -> Option<String> {
    match problem {
        KeyProblem::TooOpen(_) => Some(format!("chmod 400 {}", quoted(file))),
        KeyProblem::Ended(_) | KeyProblem::NotBegun(_) | KeyProblem::ForOthers(_) => {
            Some(format!("have it signed again by whoever made it; ssh-keygen -Lf {} shows it", quoted(file)))
        }
        KeyProblem::Absent => {
            Some("is the name spelled right, and the folder? see IdentityFile in ssh_config".to_owned())
        }
        problem => problem.remedy().map(str::to_owned),
    }
}

/// Hints for a host that was not added.
pub fn of_host_block(error: &HostBlockError, block: &HostBlock, home: &Path) -> Vec<String> {
    match error {
        HostBlockError::Exists { name, .. } => vec![format!("hop ssh -G {name} shows what it is; choose another name")],
        HostBlockError::NoSuchJump { via } => vec![format!("add the bastion first: hop hosts add {via} --address …")],
        HostBlockError::Overruled { origin, .. } => {
            let first = format!("the first value counts in ssh_config: put this above {origin} by hand");
            std::iter::once(first).chain(block.text(home).lines().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}
