//! How do a file's bytes get from one end to the other? Small files whole ([`small`]), large ones block by block ([`large`]),
//! from where an earlier attempt ended ([`resume`]) to where the source really ends ([`source_end`]). Names are given
//! elsewhere (`land`).
//!
//! | floor | what is there |
//! | --- | --- |
//! | `large` `small` `in_place` | the bytes of a large file, of a small one, and where there can be no part file |
//! | `open_pair` | the two ends of a file, open |
//! | `resume` `source_end` `order` | where to begin, where the source ends; in which order blocks leave |
//! | `in_flight` `block_queue` | how much may be under way, and which block is next |

pub mod block_queue;
pub mod in_flight;
pub mod in_place;
pub mod large;
pub mod open_pair;
pub mod order;
pub mod resume;
pub mod small;
pub mod source_end;
