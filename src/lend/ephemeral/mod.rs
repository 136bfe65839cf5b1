//! A key for one login: made here, in memory, let in at the destination by one line in `~/.ssh/authorized_keys`, and of no
//! use after it.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `admitted` | the key, for as long as it is let in |
//! | `from` `line` `seal` | where the source comes from; the line (pure); hop's seal on an order (pure) |
//!
//! The line is added and removed by a process on the destination (`authorized.sh`) that removes it at the latest when its
//! input ends, so that it is gone however hop ends. What the key can run there is one program, `gate.sh`: it takes orders
//! that are sealed by hop ([`seal::Seal`]), so whoever gets hold of the login can bring hop's orders, and give none of his own.

pub mod admitted;
pub mod from;
pub mod line;
pub mod seal;
