//! What works on the way to a host, what does not, and why? The same stages that every verb goes through, one by one.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `between` | two hosts: do they reach each other, by which address, how fast |
//! | `examine` | one host: its hops, then sftp, shell, disk, clock, tools |
//! | `probe` `row` | one connection from one server to another; one thing that was tried |
//! | `facts` `finding` | what a server says of itself (pure); what is wrong, as facts |
//! | `network` `timeline` `shell` | blocks of addresses and routes (pure); when each stage was reached; one command |
//!
//! Nothing is changed on any server, nothing is listened to, and each stage is tried once. What a finding means and what
//! to type is said by the front door.

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
