//! The ssh-agent protocol, both ends (RFC 9987, OpenSSH's PROTOCOL.agent): messages are bytes in [`wire`], the user's
//! agent is [`client::AgentClient`], and whatever can sign, a key in memory or one in an agent, is a [`signer::Signer`].

pub mod client;
pub mod signer;
pub mod wire;

pub use client::{AgentClient, AgentError};
pub use signer::{AgentSigner, KeySigner, SignError, Signer};
