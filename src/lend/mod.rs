//! A login at the destination, lent to a source: the source's own ssh client logs in there, with the key still here.
//!
//! [`Loan::prepare`] pins the destination's host key by a login of our own, opens an SSH connection to the source for this
//! loan alone, and chooses the strictest proof both can give ([`Tier`]). [`Loan::run`] runs a script there while the agent
//! is armed: for that long, and for so many signatures, the source can log in as that user, there, and nowhere else.
//!
//! A compromised source can take the login itself. It gets neither the key, nor another user or host, nor one login more.
//!
//! The key is hop's own for that host ([`Auth::Agent`]) or made for the loan ([`Auth::Ephemeral`]). The latter needs no proof
//! where none can be had ([`Tier::D`]): a signature for any other session is of no use, for no other server takes the key;
//! and at this one it opens a gate that only lets orders of hop's pass.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `loan` | a loan, from the connections to both hosts until nothing is left there |
//! | `pin` | whom the login is for |
//! | `ephemeral` | a key made for this login, and the one line that lets it in |
//! | `remote` | what runs on the two hosts for a loan, and goes with it |
//! | `client_config` `request` | how the source's client is told to log in (pure); what is to be lent |
//! | `error` | why nothing is lent |
//! | `tier` | which proof can be had (pure) |
//! | `untold` | what was refused, and nobody has told |
//! | `openssh_version` | what OpenSSH knows from which version on |

mod client_config;
mod ephemeral;
mod error;
mod loan;
mod openssh_version;
mod pin;
mod remote;
mod request;
mod tier;
mod untold;

pub use client_config::Address;
pub use ephemeral::seal::Seal;
pub use error::LendError;
pub use loan::{Closed, Loan};
pub use openssh_version::OpenSshVersion;
pub use remote::kept::Kept;
pub use remote::kept::program as kept_program;
pub use remote::running::Running;
pub use remote::shell_line::{line, quoted, with_variables};
pub use request::{Auth, LoanRequest, Weakest};
pub use tier::{SourceClient, Tier, choose};
