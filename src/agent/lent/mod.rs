//! An agent with one key, lent for a few logins at one host: what may it sign?
//!
//! That is decided by [`policy`] alone, on what [`userauth`] reads, [`host_key`] proves and [`kex_tap`] finds in a key
//! exchange; an [`account`] is kept of it.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `lent_agent` | the agent: its clock, its connections, the hand that signs |
//! | `policy` | what it may sign (pure) |
//! | `account` `host_key` `kex_tap` `userauth` | what a loan came to; whose signature it is; a key exchange; a login to be signed |

pub mod account;
pub mod host_key;
pub mod kex_tap;
pub mod lent_agent;
pub mod policy;
pub mod userauth;
