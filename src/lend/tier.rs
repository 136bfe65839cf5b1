//! How certain is it where a signature is used? [`choose`], pure: from the versions of the source's client and the
//! destination's server.

use std::fmt;

use super::openssh_version::{BINDS, OpenSshVersion};
use crate::agent::Proof;

/// How well a loan is guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// The session is bound to the destination, and the signature can only be used there.
    A,
    /// The session is bound to the destination.
    B,
    /// The destination's key exchange is overheard.
    C,
    /// Only the key itself, which one host accepts: an ephemeral key.
    D,
}

/// What is known about the source's client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SourceClient {
    /// Its version, from `ssh -V`; `None` if it is not OpenSSH.
    pub version: Option<OpenSshVersion>,
    /// Whether a key exchange can be overheard there.
    pub can_be_overheard: bool,
}

/// The tier, or `None` if nothing can be proven. `server` is the version of the destination's server, `None` if it is
/// not OpenSSH.
///
/// A source whose client claims a new version must give the strictest proof the destination supports; one that claims
/// an old version gets tier C, whatever else it could do.
pub fn choose(client: SourceClient, server: Option<OpenSshVersion>) -> Option<Tier> {
    let binds = |version: Option<OpenSshVersion>| version.is_some_and(|version| version >= BINDS);
    match (binds(client.version), binds(server)) {
        (true, true) => Some(Tier::A),
        (true, false) => Some(Tier::B),
        (false, _) => (client.version.is_some() && client.can_be_overheard).then_some(Tier::C),
    }
}

impl Tier {
    /// The proof required that a session is with the destination.
    pub fn proof(self) -> Proof {
        match self {
            Tier::A => Proof::Hostbound,
            Tier::B => Proof::Bound,
            Tier::C => Proof::Overheard,
            Tier::D => Proof::SingleUseKey,
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tier::A => "A",
            Tier::B => "B",
            Tier::C => "C",
            Tier::D => "D",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_strictest_proof_both_can_give() {
        let (new, old) = (Some(OpenSshVersion(8, 9)), Some(OpenSshVersion(8, 7)));
        let client = |version, can_be_overheard| SourceClient { version, can_be_overheard };
        assert_eq!(choose(client(new, false), new), Some(Tier::A));
        assert_eq!(choose(client(new, true), old), Some(Tier::B));
        assert_eq!(choose(client(new, true), None), Some(Tier::B));
        assert_eq!(choose(client(old, true), new), Some(Tier::C));
        assert_eq!(choose(client(old, false), new), None);
        assert_eq!(choose(client(None, true), new), None);
    }

    proptest! {
        #[test]
        fn a_source_can_only_choose_between_the_best_and_being_overheard(text in ".{0,40}", overheard in any::<bool>()) {
            let client = SourceClient { version: OpenSshVersion::find(&text), can_be_overheard: overheard };
            let tier = choose(client, Some(OpenSshVersion(9, 2)));
            prop_assert!(matches!(tier, Some(Tier::A | Tier::C) | None));
        }
    }
}
