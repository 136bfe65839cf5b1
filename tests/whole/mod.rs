//! Nothing is lost, whatever goes wrong: faults of every kind on real servers, and after each of them what must hold
//! ([`invariants`]).
//!
//! Seeds decide where a fault strikes: `HOP_SEEDS` of them for each row that has any. A failure names its seed.

pub mod invariants;
pub mod ran;
pub mod ways;

mod cuts;
mod killed;
mod matrix;
mod meddlers;
mod odd;
mod resumes;
mod slow;
mod sources;
mod strikes;
