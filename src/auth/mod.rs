//! Who am I? Identities are offered in order until the server lets us in, and the outcome is a proof: [`Authenticated`].
//!
//! The walk is ssh's (`sshconnect2.c`): a `none` request to learn the methods, then the preferred methods one after the
//! other, each until it has nothing more to try or the server wants the next one (partial success). A key that was named
//! for the host spares the `none`, a round trip each hop: a refusal tells the methods as well. No attempt is wasted:
//! servers count them, and behind a bastion they count them for everybody.
//!
//! Host keys are not looked at here; nothing is asked of a server that `trust` has not passed.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `authenticate` `fuzz` | the walk; what a fuzzer calls |
//! | `keyboard` `public_key` | the methods |
//! | `login` | how far a login is |
//! | `russh_signer` `offered_keys` `methods` | a signature; keys and methods of one login |
//! | `answer_timeout` `authenticated` | a limit for the server; the proof |
//! | `credential` | a key that can log in again |
//! | `keyring` | what a run knows to log in with |
//! | `identity` `inspect` | keys to offer, in order; what a file holds |
//! | `certificate` | certificates of users |
//! | `key_file` | a key file as it is read |
//! | `permissions` `pem` | who may read it; what is in it |
//! | `error` | why there is no login |

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
