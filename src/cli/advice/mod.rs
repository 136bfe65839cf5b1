//! What can a person do about an error? This is the one place that knows both errors and flags.
//!
//! Main function: [`hints`].
//!
//! | floor | what is there |
//! | --- | --- |
//! | `hints` | every error |
//! | `direct` | two hosts that do not reach each other directly, a login that is not lent |
//! | `chain` | a hop that was not reached |
//! | `host_keys` `keys` `algorithms` | host keys; key files and logins; algorithms |
//! | `failed_hop` `shell_word` | what these need |

mod algorithms;
mod chain;
mod direct;
mod failed_hop;
mod hints;
mod host_keys;
mod keys;
mod shell_word;

pub use chain::of_chain;
pub use hints::hints;
pub use keys::{of_host_block, of_key};
pub use shell_word::shell_word;
