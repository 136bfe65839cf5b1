//! Which host key algorithms come first? Those of the keys known for the host (`order_hostkeyalgs` of OpenSSH), so that
//! a server with several keys presents one that can be compared. Main type: [`KnownAlgorithms`].
//!
//! Unlike ssh, the keys of the bare name count if `[host]:port` has none, since they would be looked up next.

use russh::keys::ssh_key::public::KeyData;
use russh::keys::ssh_key::{Algorithm, HashAlg};

use super::command::Invocation;
use super::error::TrustError;
use super::known_hosts::Marker;
use super::lookup::{Lookup, ask_command, read_known_hosts};

/// The key types known for a host. They come first among the host key algorithms offered, so that the server presents a
/// key that can be compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownAlgorithms {
    /// The algorithms of the keys, in the order of the files; an `ssh-rsa` key stands for its SHA-2 signatures.
    pub keys: Vec<Algorithm>,
    /// Whether a `@cert-authority` line names the host: certificates of any type then come before all keys.
    pub authority: bool,
}

/// The key types known for a host.
///
/// # Errors
/// [`TrustError::Read`].
pub async fn known_algorithms(lookup: &Lookup) -> Result<KnownAlgorithms, TrustError> {
    let pages = read_known_hosts(lookup).await?;
    let (name, bare) = (lookup.name.as_known(), lookup.name.bare());
    let mut known: Vec<_> = pages.iter().flat_map(|page| page.known(&name)).collect();
    // as with ssh, a command that fails here may still answer for the key that is presented
    if let Ok(Some(page)) = ask_command(lookup, Invocation::Order, &bare, None).await {
        known.extend(page.known(&name).chain(page.known(&bare)));
    }
    if known.is_empty() {
        known.extend(pages.iter().flat_map(|page| page.known(&bare)));
    }
    let mut algorithms = KnownAlgorithms::default();
    for known in known {
        match known.marker {
            Marker::Authority => algorithms.authority = true,
            Marker::None => algorithms.add(&known.key),
            Marker::Revoked => {}
        }
    }
    Ok(algorithms)
}

impl KnownAlgorithms {
    fn add(&mut self, key: &KeyData) {
        let offered = match key {
            KeyData::Certificate(_) => vec![],
            KeyData::Rsa(_) => {
                [HashAlg::Sha512, HashAlg::Sha256].map(|hash| Algorithm::Rsa { hash: Some(hash) }).into()
            }
            key => vec![key.algorithm()],
        };
        for algorithm in offered {
            if !self.keys.contains(&algorithm) {
                self.keys.push(algorithm);
            }
        }
    }
}
