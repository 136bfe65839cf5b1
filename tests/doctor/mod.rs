//! `hop doctor` against faults made for real: each ends in the right row, at the right hop, with the right advice.
//!
//! Pages are snapshots (`snapshots/`), times and addresses taken out; `tests/run` says how many faults were made.

mod accounts;
mod certificates;
pub mod ground;
mod hosts;
mod keys;
mod six;
