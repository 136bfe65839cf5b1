//! The ssh-agent protocol, both ends (RFC 9987, OpenSSH's PROTOCOL.agent): messages are bytes in [`wire`], the user's
//! agent is [`client::AgentClient`], and whatever can sign, with a key in memory or in an agent, is a
//! [`signer::Signer`].
//!
//! hop's own agent is [`LentAgent`]: one key for a few logins at one host.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `lent` | hop's own agent, and what it may sign |
//! | `signer` | whatever can sign |
//! | `client` | requests to the user's agent |
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
