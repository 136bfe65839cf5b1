//! Where? ssh_config text and flags become the hosts to pass through, every value with its origin.

pub mod host;

pub use host::{Host, Origin, Value};
