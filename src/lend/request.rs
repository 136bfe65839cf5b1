//! What is to be lent, and how well guarded? Main type: [`LoanRequest`].

use std::time::Duration;

/// What is to be lent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoanRequest {
    /// Logins.
    pub signatures: u32,
    /// How weak a proof will do.
    pub weakest: Weakest,
    /// What the login is made with.
    pub auth: Auth,
    /// How long hop may be silent before what stands on the hosts takes it for gone, and a few seconds more.
    pub patience: Duration,
}

/// What a lent login is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `agent`: the key that hop itself logs in with.
    Agent,
    /// `ephemeral`: a key made for this one login, and let in for as long.
    Ephemeral,
}

/// The weakest proof that will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakest {
    /// `--require-hostbound`: tier A.
    Hostbound,
    /// Whatever tier there is.
    Any,
}

impl Default for LoanRequest {
    fn default() -> LoanRequest {
        LoanRequest { signatures: 1, weakest: Weakest::Any, auth: Auth::Agent, patience: Duration::from_secs(60) }
    }
}
