//! How do bytes travel? The client against OpenSSH's own `sftp-server`, and against servers that break the rules.

mod flight;
mod hostile;
mod order;
mod real;
pub mod script;
