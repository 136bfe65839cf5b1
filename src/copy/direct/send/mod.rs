//! How do files go over a login between two hosts? Large ones in shares ([`stream`]), small ones many together
//! ([`pack`]), and by `sftp` to a host that runs no commands ([`put`]); all of them as [`orders`].
//!
//! | floor | what is there |
//! | --- | --- |
//! | `put` | by sftp |
//! | `pack` `stream` | many small files together; a large one in shares |
//! | `announced` `part_poll` | whether a file has the bytes it announces; what of it has arrived |
//! | `orders` | an order and its answer |
//! | `chunk_sizer` | how much is asked for at once |

pub mod announced;
pub mod chunk_sizer;
pub mod orders;
pub mod pack;
pub mod part_poll;
pub mod put;
pub mod stream;
