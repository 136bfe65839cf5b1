//! What do all verbs share? A run from its start to its exit code, the hosts it can reach, and this process.

pub mod network;
pub mod process;
pub mod unattended;
pub mod verb_run;
