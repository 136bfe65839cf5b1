//! A login at the destination, lent to a source: the source's own ssh client logs in there, with the key still here.
//!
//! [`Loan::prepare`] pins the destination's host key by a login of hop's own, opens an SSH connection to the source for
//! this loan alone, and chooses the strictest proof that both hosts can give ([`Tier`]). [`Loan::run`] runs a script
//! there while the agent is armed: during that time, and with as many signatures as were granted, the source can log in
//! as that user at that host, and nowhere else.
//!
//! A compromised source can use the login itself. It gets neither the key, nor another user or host, nor a further
//! login.
//!
//! The key is hop's own for that host ([`Auth::Agent`]) or made for the loan ([`Auth::Ephemeral`]). An ephemeral key
//! may be used even if no proof is possible ([`Tier::D`]): a signature for any other session is of no use, because no
//! other server accepts the key, and this one opens only a gate that lets hop's orders pass.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `loan` | a loan, from the connections to both hosts until nothing is left there |
//! | `pin` | who the login is for, and the destination's host key |
//! | `ephemeral` | a key made for this login, and the one line that admits it |
//! | `remote` | what runs on the two hosts during a loan |
//! | `request` | what is to be lent, and how well it must be guarded |
//! | `client_config` | how the source's client is told to log in (pure) |
//! | `error` | why nothing is lent |
//! | `tier` | which proof is possible (pure) |
//! | `untold` | what was refused and has not been told |
//! | `openssh_version` | which features OpenSSH has from which version on |

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
