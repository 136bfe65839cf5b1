//! Who am I? Logins through `hop::auth` against OpenSSH's own sshd and ssh-agent, and, where a person is asked, against
//! a small server that asks.

mod agents;
mod asking;
mod certificates;
mod door;
mod formats;
mod life;
mod order;
mod pam;
mod person;
mod ppk;
mod refusals;
mod touch;

pub use agents::Agent;
pub use person::Person;
