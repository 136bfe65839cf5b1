//! What did a run that was killed mean? `cp -r SRC host:new` makes the folder `new` as the copy of SRC; the same command later
//! finds a folder, and would copy into `new/SRC` by scp's rule. A marker beside the folder, `.new.hop-ID.part`, says that
//! it is still being made ([`Tree`]), and which files have landed in it ([`TreeMarker`]).
//!
//! It is called as a part is, of mode 0600, and as little is believed of it. The ID is that of the source and the
//! folder, and of the run, so that no run touches another's. It is there before the folder is, and goes when all has arrived.
//!
//! Another source, a folder that stood before, `SRC/.`, a sync and a single file mean the same every time, and have none.
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
