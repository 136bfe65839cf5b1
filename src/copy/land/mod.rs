//! How does what arrived get its name? A file by a part and one rename ([`landing`]); what has no bytes to carry by [`adopt`];
//! what runs that have ended left is taken over or cleared away ([`takeover`]).
//!
//! | floor | what is there |
//! | --- | --- |
//! | `adopt` | what gets its name without bytes of its own |
//! | `landing` | a file gets its name |
//! | `part_file` | what a run writes into |
//! | `takeover` | parts of runs that have ended |
//! | `replace` `care` | one thing in the place of another; what is compared first |

pub mod adopt;
pub mod care;
pub mod landing;
pub mod part_file;
pub mod replace;
pub mod takeover;
