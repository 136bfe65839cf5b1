//! Who am I? Identities are offered in order until the server lets us in, and the outcome is a proof:
//! [`Authenticated`].
//!
//! The order is ssh's (`sshconnect2.c`): a `none` request to learn the methods, then the preferred methods one after
//! the other, each until it has nothing more to try or the server wants the next one (partial success). If a key was
//! named for the host, the `none` request and its round trip per hop are saved: a refusal of the key lists the methods
//! as well. No attempt is wasted, because servers count them, and behind a bastion they count them for all its users.
//!
//! Host keys are not looked at here; nothing is asked of a server that `trust` has not accepted.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `authenticate` `fuzz` | the order of the methods; the fuzzer's entry |
//! | `keyboard` `public_key` | the methods |
//! | `added_key` | a key that goes into the agent |
//! | `login` | the state of one login |
//! | `russh_signer` `offered_keys` `methods` | a signature; keys and methods of one login |
//! | `answer_timeout` `authenticated` | a limit for the server; the proof |
//! | `credential` | a key that can log in again |
//! | `keyring` | what a run can log in with |
//! | `identity` `inspect` | keys to offer, in order; what a file holds |
//! | `certificate` | user certificates |
//! | `key_file` | one key file, read and unlocked |
//! | `permissions` `pem` | who may read it; what is in it |
//! | `error` | why a login failed |

mod added_key;
mod answer_timeout;
mod authenticate;
mod authenticated;
mod certificate;
mod credential;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod identity;
mod inspect;
mod key_file;
mod keyboard;
mod keyring;
mod login;
mod methods;
mod offered_keys;
mod pem;
mod permissions;
mod public_key;
mod russh_signer;

pub use authenticate::authenticate;
pub use authenticated::Authenticated;
pub use certificate::beside_key;
pub use credential::Credential;
pub use error::{AuthError, KeyProblem, UnusedKey};
pub use inspect::{Holds, Inspection, close_to_others, inspect};
pub use keyring::Keyring;
