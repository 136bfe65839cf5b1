//! Who are you? A host key is compared with what is known, and the outcome is a proof: [`HostVerified`]. Only
//! [`verify()`] makes one.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `update` `fuzz` | keys that a server added or dropped; any bytes, for the fuzzer |
//! | `verify` | one host key: verdict, question, record |
//! | `address` | whether the address agrees |
//! | `host_key_check` `known_algorithms` `forget` | inputs of a check; which algorithms come first; forgetting keys |
//! | `revoked` | the keys in `RevokedHostKeys` |
//! | `lookup` | where a host is looked up, and under which name |
//! | `policy` `record` `command` `ask` | the verdict (pure); recording a key; `KnownHostsCommand`; asking a person |
//! | `known_hosts` `unrecorded` | what the files say about a name; keys that no file could take |
//! | `certificate` `krl` `hashed` | whether a host certificate is valid; a key revocation list; hashed names |
//! | `presented` `error` | what the server presented; why it is refused |
//!
//! The model is OpenSSH 9.2, and hop is never laxer: it refuses a changed or revoked key whatever
//! `StrictHostKeyChecking` says, a file it cannot read, and a `KnownHostsCommand` that fails. DNS (`VerifyHostKeyDNS`) never makes a key trusted.

mod address;
mod ask;
mod certificate;
mod command;
mod error;
mod forget;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod hashed;
mod host_key_check;
mod known_algorithms;
mod known_hosts;
mod krl;
mod lookup;
mod policy;
mod presented;
mod record;
mod revoked;
#[cfg(test)]
mod test_keys;
mod unrecorded;
mod update;
mod verify;

pub use command::KnownHostsCommand;
pub use error::{KnownAt, NotAccepted, Revoker, TrustError};
pub use forget::forget;
pub use known_algorithms::{KnownAlgorithms, known_algorithms};
pub use lookup::{Lookup, LookupName};
pub use policy::Policy;
pub use presented::Presented;
pub use record::Naming;
pub use update::{Consent, KeyUpdate, plan_update};
pub use verify::{HostVerified, verify};
