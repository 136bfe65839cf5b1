//! The ssh-agent protocol, both ends (RFC 9987, OpenSSH's PROTOCOL.agent): messages are bytes in [`wire`], the user's
//! agent is [`client::AgentClient`], and whatever can sign, a key in memory or one in an agent, is a [`signer::Signer`].
//!
//! Our own agent is [`Lent`]: one key for a few logins at one host. What it may sign is decided by [`policy`] alone, on
//! what [`userauth`] reads, [`host_key`] proves and [`overheard`] finds in a key exchange; an [`account`] is kept of it.

mod account;
pub mod client;
mod host_key;
mod lent;
pub mod overheard;
pub mod policy;
pub mod signer;
mod userauth;
pub mod wire;

pub use account::{Account, Refusal};
pub use client::{AgentClient, AgentError};
pub use lent::{Armed, Lent, Visit};
pub use policy::{Proof, Terms};
pub use signer::{AgentRelay, AgentSigner, KeySigner, SignError, Signer};
