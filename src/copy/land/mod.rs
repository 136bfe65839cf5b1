//! How does what has arrived get its name? A file by a part file and one rename ([`landing`]); what needs no bytes by
//! [`adopt`]. What ended runs have left is taken over or removed ([`takeover`]).
//!
//! | floor | what is there |
//! | --- | --- |
//! | `staging` | where small files arrive before they have their names |
//! | `adopt` | what gets its name without bytes of its own |
//! | `landing` | a file gets its name |
//! | `part_file` | what a run writes into |
//! | `takeover` | parts of runs that have ended |
//! | `replace` `care` `repair` | one thing in the place of another; what is compared first; modes and times alone |

pub mod adopt;
pub mod care;
pub mod landing;
pub mod part_file;
pub mod repair;
pub mod replace;
pub mod staging;
pub mod takeover;
