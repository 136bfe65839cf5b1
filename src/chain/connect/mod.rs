//! How is a host reached? Dial, exchange keys, verify the host key, log in; what is open is kept and shared.
//!
//! Main types: [`pool::ConnectionPool`], the connections of a run, and [`hop::HopConnector`], which makes one. What is
//! done on a connection is `channel/`'s business.

pub mod bind_address;
pub mod dial;
pub mod early_keepalive;
pub mod error;
pub mod hop;
pub mod host_key_lookup;
pub mod host_key_updates;
pub mod pool;
pub mod proxy_command;
