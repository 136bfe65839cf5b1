//! An agent with one key, lent for a few logins at one host: what may it sign?
//!
//! [`policy`] alone decides that, from what [`userauth`] reads, [`host_key`] proves and [`kex_tap`] finds in a key
//! exchange; an [`account`] is kept of it.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `lent_agent` | the agent: its time limits, its connections, the signer |
//! | `policy` | what it may sign (pure) |
//! | `account` `host_key` `kex_tap` `userauth` | what was signed and refused; a host's proof; a key exchange; a login |

pub mod account;
pub mod host_key;
pub mod kex_tap;
pub mod lent_agent;
pub mod policy;
pub mod userauth;
