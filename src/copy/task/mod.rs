//! What do the steps of a copy hand each other? One thing to copy ([`item`]), one version of a file on its way ([`file_transfer`]),
//! what all items of a run share ([`run_context`]), and the books ([`ledger`]).
//!
//! | floor | what is there |
//! | --- | --- |
//! | `file_transfer` | one version of a file on its way |
//! | `run_context` | what all items of a run share |
//! | `ledger` | what has happened so far |
//! | `standing` | what stands in the way of an item, or in its place |
//! | `item` | one thing to copy |
//! | `folder` | a folder that is made and filled |
//! | `planned_copy` `this_run` `throttle` `so_far` | a source and its target; this run among others; its rate; earlier attempts |
//! | `leftovers` `lent_bits` | what other runs have left; read-only folders |

pub mod file_transfer;
pub mod folder;
pub mod item;
pub mod ledger;
pub mod leftovers;
pub mod lent_bits;
pub mod planned_copy;
pub mod run_context;
pub mod so_far;
pub mod standing;
pub mod this_run;
pub mod throttle;
