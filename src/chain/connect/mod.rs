//! How is a host reached? Dial, exchange keys, verify the host key, log in; open connections are kept and shared.
//!
//! Main types: [`pool::ConnectionPool`], the connections of a run, and [`hop::HopConnector`], which makes one. Channels
//! over a connection are opened in `channel/`.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `pool` | the connections of a run |
//! | `hop` | one host: dial, exchange keys, verify, log in |
//! | `dial` `proxy_command` | the stream that carries SSH |
//! | `passed_socket` | the socket that a ProxyCommand passes on |
//! | `host_key_lookup` `host_key_updates` | the host's keys, before and after the login |
//! | `early_keepalive` `bind_address` `error` | what these need |

pub mod bind_address;
pub mod dial;
pub mod early_keepalive;
pub mod error;
pub mod hop;
pub mod host_key_lookup;
pub mod host_key_updates;
pub mod passed_socket;
pub mod pool;
pub mod proxy_command;
