//! What was a killed run making? `cp -r SRC host:new` makes the folder `new` as the copy of SRC; the same command later
//! finds a folder, and would copy into `new/SRC` by scp's rule. A marker beside the folder, `.new.hop-ID.part`, says
//! that the folder is still being made ([`Tree`]), and which files have landed in it ([`TreeMarker`]).
//!
//! A marker is named as a part file is, has mode 0600, and is trusted as little. Its ID is that of the source and the
//! folder, and of the run, so that no run touches another's. It exists before the folder does, and goes when everything
//! has arrived.
//!
//! A different source, a folder that existed before, `SRC/.`, a sync and a single file mean the same every time, and
//! have no marker.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `own` | this run's marker |
//! | `book` `tree` | lines on their way into it; the markers beside a folder |
//! | `lines` | what is in a marker |

mod book;
mod lines;
mod own;
mod tree;

pub use own::{TreeMarker, TreeState};
pub use tree::{Tree, Trial, clear};
