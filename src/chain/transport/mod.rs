//! What is one SSH connection? The byte stream below it, its algorithms and windows, and what its server sends.
//!
//! Main type: [`connected::Connected`]. Nothing here dials or opens channels.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `connected` | a connection that is logged in |
//! | `client_handler` | the client's answers to its server |
//! | `supported` `exchange_lines` | what `ssh -Q` lists; what `ssh -v` tells of a key exchange |
//! | `rekey` `incoming_channels` `algorithms` | when keys change; what the server may open; what is offered |
//! | `host_key_log` `weak_crypto` | the host key of each key exchange, from the library's log; a warning about it |
//! | `version_banner` | the server's first line |
//! | `abortable` | a stream that can be ended from outside |
//! | `byte_counts` `window` `quick_ack` | counts, windows, acknowledgements |

pub mod abortable;
pub mod algorithms;
pub mod byte_counts;
pub mod client_handler;
pub mod connected;
pub mod exchange_lines;
pub mod host_key_log;
pub mod incoming_channels;
pub mod quick_ack;
pub mod rekey;
pub mod supported;
pub mod version_banner;
pub mod weak_crypto;
pub mod window;
