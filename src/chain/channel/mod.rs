//! What can be done over a connection? Channels: sessions, forwarded connections, tunnels to the next hop (RFC 4254).
//!
//! Main type: [`session::Session`]. Nothing here connects or logs in: that is `connect/`.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `session` | what a session can do |
//! | `process` `channel_stream` | programs and forwarded connections |
//! | `open` `halves` `tunnel` | opening a channel; its two halves; a channel that carries SSH |

pub mod channel_stream;
pub mod halves;
pub mod open;
pub mod process;
pub mod session;
pub mod tunnel;
