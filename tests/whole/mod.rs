//! Nothing is lost, whatever goes wrong: faults of every kind on real servers, and after each of them what must hold
//! ([`invariants`]).
//!
//! Seeds decide where a fault strikes: `HOP_SEEDS` of them for each row that has any. A failure names its seed. Sizes are
//! those of the specification under `CI=true` or with `HOP_FULL` set, and smaller elsewhere ([`is_full`]).

pub mod invariants;
pub mod ran;
pub mod ways;

mod begun;
mod clocks;
mod cuts;
mod destinations;
mod killed;
mod late;
mod liars;
mod limits;
mod matrix;
mod matrix_of_many;
mod meddlers;
mod moved;
mod odd;
mod overlaps;
mod packed;
mod packed_down;
mod packed_ends;
mod packed_trip;
mod packets;
mod refusals;
mod resumes;
mod shown;
mod sizes;
mod slow;
mod sources;
mod strikes;
mod swapped;
mod trees;
mod wide;

/// Whether there is time for everything.
pub fn is_full() -> bool {
    std::env::var_os("HOP_FULL").is_some() || std::env::var_os("CI").is_some_and(|ci| ci == "true")
}
