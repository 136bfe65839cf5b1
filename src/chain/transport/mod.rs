//! What is one SSH connection? The byte stream below it, its algorithms and windows, and what its server says.
//!
//! Main type: [`connected::Connected`]. Nothing here dials or opens channels.

pub mod abortable;
pub mod algorithms;
pub mod byte_counts;
pub mod connected;
pub mod incoming_channels;
pub mod quick_ack;
pub mod window;
