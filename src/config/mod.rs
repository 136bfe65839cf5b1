//! Where? ssh_config text and flags become the hosts to pass through, every value with its origin.
//!
//! Main type: [`Configuration`]. Files are read and checked once ([`Configuration::load`]); each host is then resolved
//! as `ssh` would resolve it, with its jumps before it ([`Configuration::resolve`]). The language and its quirks are
//! those of OpenSSH 9.2p1, with the keywords that came later. Nothing is dialled here. Names are looked up only if
//! `CanonicalizeHostname` or rules for aliases ask for it, and `Match exec` runs only commands from the user's own,
//! checked files.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `list` `fuzz` | what `ssh -G` prints, the names of all hosts, adding a host; any bytes, for the fuzzer |
//! | `jump_chain` | the jumps before the host: [`Configuration::resolve`] |
//! | `typed` | the values of one host, typed: [`Host`] |
//! | `configuration` | flags and files, read and checked once: [`Configuration::load`] |
//! | `evaluate` | which lines hold for a host, its canonical name, defaults |
//! | `parse` | a file and what it includes, as lines with `Host` and `Match` |
//! | `values` | the keywords, and what the words after each mean |
//! | `lines` | a line as keyword and words |
//! | `error` `flags` `local_env` | what went wrong, what the command line said, who runs hop and where |
//! | `host` | a resolved host |
//! | `session_options` | options for a shell or a tunnel |
//! | `origin` | a value and its origin |

mod configuration;
mod error;
mod evaluate;
mod flags;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod host;
mod jump_chain;
mod lines;
mod list;
mod local_env;
mod origin;
mod parse;
mod session_options;
#[cfg(test)]
mod tests;
mod typed;
mod values;

pub use configuration::Configuration;
pub use error::{BadLine, ConfigError, ConfigErrorKind};
pub use evaluate::resolver::{ResolvedName, Resolver, SystemResolver};
pub use flags::{Flags, Patterned, Purpose};
pub use host::{AddressFamily, Host};
pub use list::add_host::{HostBlock, HostBlockError};
pub use list::named::NamedHost;
pub use local_env::LocalEnv;
pub use origin::{Origin, Value};
pub use session_options::{LocalCommand, SessionOptions, SessionType};
pub use values::algorithms::Family;
