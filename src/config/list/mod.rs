//! What does the configuration hold? It is shown, and one host more is added.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `add_host` | a `Host` block, tried and appended |
//! | `dump` `named` | the lines of `ssh -G`; the names of all hosts |

pub mod add_host;
pub mod dump;
pub mod named;
