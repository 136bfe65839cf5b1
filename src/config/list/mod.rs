//! What is in the configuration? It is listed, and a host can be added.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `add_host` | a `Host` block, tried out and appended |
//! | `dump` `named` | the lines of `ssh -G`; the names of all hosts |

pub mod add_host;
pub mod dump;
pub mod named;
