//! The ssh-agent protocol, both ends (RFC 9987, OpenSSH's PROTOCOL.agent): messages are bytes in [`wire`], the user's
//! agent is [`client::AgentClient`], and whatever can sign, a key in memory or one in an agent, is a [`signer::Signer`].
//!
//! Our own agent is [`LentAgent`]: one key for a few logins at one host.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `lent` | our own agent, and what it may sign |
//! | `signer` | whatever can sign |
//! | `client` | the user's agent, asked |
//! | `wire` | messages as bytes |

pub mod client;
mod lent;
pub mod signer;
pub mod wire;

pub use client::{AgentClient, AgentError};
pub use lent::account::{Account, Refusal};
pub use lent::kex_tap::KexTap;
pub use lent::lent_agent::{AgentConnection, Armed, LentAgent};
pub use lent::policy::{LoanTerms, Proof};
pub use signer::{AgentRelay, AgentSigner, KeySigner, SignError, Signer};
