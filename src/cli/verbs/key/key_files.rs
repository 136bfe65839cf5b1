//! Which key files does the configuration name, and for which hosts?
//!
//! Main type: [`Used`]. Hosts that are only named by a pattern are listed under that pattern.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::auth::{Inspection, beside_key, inspect};
use crate::config::{Configuration, Host, Origin};
use crate::error::Error;

/// A key file and the hosts to which it would be offered.
pub struct Used {
    /// What was found out about the file.
    pub found: Inspection,
    /// The hosts, by the names in their `Host` lines.
    pub hosts: Vec<String>,
}

impl Used {
    /// A file without hosts.
    pub fn alone(file: &Path) -> Used {
        Used { found: inspect(file), hosts: Vec::new() }
    }
}

/// Every key file that a `Host` block leads to, in the order of the names; the built-in ones only if they exist.
pub fn of(configuration: &Configuration) -> Result<Vec<Used>, Error> {
    let mut order: Vec<PathBuf> = Vec::new();
    let mut hosts: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    let (patterns, names): (Vec<_>, Vec<_>) = configuration.named().into_iter().partition(|named| named.is_pattern());
    for named in names.iter().chain(&patterns) {
        let hops = configuration.resolve(&named.host())?;
        let Some(host) = hops.last() else { continue };
        for file in files(host) {
            let known = hosts.entry(file.clone()).or_default();
            if known.is_empty() {
                order.push(file);
            }
            // a pattern stands for the names that it matches
            if !named.is_pattern() || known.is_empty() {
                known.push(named.name.clone());
            }
        }
    }
    Ok(order
        .into_iter()
        .map(|file| Used { hosts: hosts.remove(&file).unwrap_or_default(), ..Used::alone(&file) })
        .collect())
}

/// The keys, each with the certificate beside it, then the certificates that are named separately.
fn files(host: &Host) -> Vec<PathBuf> {
    let is_there = |file: &&crate::config::Value<PathBuf>| file.origin != Origin::Default || file.exists();
    let keys = host.identity_files.iter().filter(is_there).map(|file| file.value.clone());
    let with_certificates = keys.flat_map(|key| {
        let certificate = Some(beside_key(&key)).filter(|file| file.exists());
        std::iter::once(key).chain(certificate)
    });
    with_certificates.chain(host.certificate_files.iter().map(|file| file.value.clone())).collect()
}
