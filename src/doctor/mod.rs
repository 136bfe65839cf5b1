//! What works on the way to a host, what does not, and why? The stages that every verb goes through are tried one by
//! one.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `between` | two hosts: do they reach each other, at which address, how fast |
//! | `examine` | one host: its hops, then sftp, shell, disk, clock, tools |
//! | `probe` `row` | one connection from one server to another; the result of one check |
//! | `facts` `finding` | what a server reports about itself (pure); what is wrong, as facts |
//! | `network` `timeline` `shell` | blocks of addresses and routes (pure); when each stage was reached; one script |
//!
//! Nothing is changed on any server, no port is opened there, and each stage is tried once. `cli` says what a
//! finding means and what to type.

mod between;
mod examine;
mod facts;
mod finding;
mod network;
mod probe;
mod row;
mod shell;
mod timeline;

pub use between::{Between, between};
pub use examine::{HostReport, examine};
pub use facts::Facts;
pub use finding::{Finding, Gap, PairUnreachable};
pub use network::{Cidr, Cloud, Networks};
pub use row::{Check, Outcome, Row};
pub use timeline::Timeline;
