//! What does each verb do? One thin file for each.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `sync` | a copy with more options |
//! | `cp` `demo` `doctor` `hosts` `key` `ls` `ssh` | one verb each |

pub mod cp;
#[cfg(feature = "demo")]
pub mod demo;
pub mod doctor;
pub mod hosts;
pub mod key;
pub mod ls;
pub mod ssh;
pub mod sync;
