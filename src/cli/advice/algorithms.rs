//! What to type where hop and a server have no algorithm in common?
//!
//! Main function: [`of_algorithms`].

use super::failed_hop::FailedHop;
use crate::chain::supported;
use crate::config::{Family, Host, Origin};

/// The most names of a list that a hint repeats.
const MOST: usize = 3;

/// The hint for lists of which `ours` and `theirs` were offered.
pub fn of_algorithms(family: Family, ours: &[String], theirs: &[String], hop: &FailedHop<'_>) -> String {
    let keyword = family.keyword();
    let spoken = supported(&keyword.to_ascii_lowercase()).unwrap_or_default();
    let Some(name) = theirs.iter().find(|name| spoken.contains(&name.as_str())) else {
        let some = ours.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
        return format!("hop speaks none of the server's; {keyword} of its sshd_config needs one of {some} …");
    };
    // an option is for the target alone
    let is_target = hop.host.is_none_or(|host| host.alias == hop.target);
    let words = match is_target {
        true => format!("-o {keyword}=+{name}"),
        false => format!("`{keyword} +{name}` in its Host block"),
    };
    match hop.host.and_then(|host| set_by(family, host)) {
        Some(origin) => format!("{keyword} ({origin}) leaves out what the server takes: {words}"),
        None => {
            format!("{words} offers it what it takes, which is no longer thought to be strong: for this host alone")
        }
    }
}

/// Where the host's list comes from, if it is not the built-in one.
fn set_by(family: Family, host: &Host) -> Option<&Origin> {
    let list = match family {
        Family::Cipher => &host.ciphers,
        Family::Mac => &host.macs,
        Family::Kex => &host.kex_algorithms,
        _ => &host.host_key_algorithms,
    };
    list.as_ref().map(|list| &list.origin)
}
