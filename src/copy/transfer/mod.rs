//! How do a file's bytes get from one end to the other? Small files whole ([`small`]), large ones block by block ([`pump`]),
//! from where an earlier attempt ended ([`resume`]) to where the source really ends ([`source_end`]). Names are given
//! elsewhere (`land`).
//!
//! | floor | what is there |
//! | --- | --- |
//! | `pump` `small` | the bytes of a large file, of a small one |
//! | `both` | the two ends of a file, open |
//! | `resume` `source_end` `order` | where to begin, where the source ends; in which order blocks leave |
//! | `allowance` `handout` | how much may be under way, and which block is next |

pub mod allowance;
pub mod both;
pub mod handout;
pub mod order;
pub mod pump;
pub mod resume;
pub mod small;
pub mod source_end;
