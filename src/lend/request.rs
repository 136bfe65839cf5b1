//! What is to be lent, and how well must it be guarded? Main type: [`LoanRequest`].

use std::time::Duration;

use super::client_config::Address;

/// A request for a loan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoanRequest {
    /// Where the source finds the destination; `None` for the destination's HostName and port.
    pub address: Option<Address>,
    /// The number of logins.
    pub signatures: u32,
    /// The weakest proof that is accepted.
    pub weakest: Weakest,
    /// The kind of key for the login.
    pub auth: Auth,
    /// How long hop may be silent before the processes on the hosts end; they allow a few seconds more.
    pub patience: Duration,
}

/// The kind of key for a lent login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `agent`: the key that hop itself logs in with.
    Agent,
    /// `ephemeral`: a key made for this one login, and admitted only for its duration.
    Ephemeral,
}

/// The weakest proof that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakest {
    /// `--require-hostbound`: tier A.
    Hostbound,
    /// Any tier.
    Any,
}

impl Default for LoanRequest {
    fn default() -> LoanRequest {
        let patience = Duration::from_secs(60);
        LoanRequest { address: None, signatures: 1, weakest: Weakest::Any, auth: Auth::Agent, patience }
    }
}
