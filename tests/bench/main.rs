//! How fast, against whom: hop and its peers over the same links, in the same run, as ratios.
//!
//! `tests/bench/run [SCENARIO…]`, or `cargo bench`. Nothing here passes or fails on time: it prints. Sizes shrink by
//! `HOP_BENCH_MIB` (1024), `HOP_BENCH_FILES` (1000), `HOP_BENCH_TREE` (100000); `HOP_BENCH_RUNS` (3) is how often the
//! quick ones run, the median counts. The servers are the street's own sshds on loopback, and a long way is the wire's
//! proxy; `HOP_BENCH_CONFIG` names the ssh_config of another street with the same four hosts, whose links are then taken
//! as they are, and `HOP_BENCH_PREFIX` what to put before each command (`ip netns exec laptop`).

// the bench stands on a part of the tests' ground
#[path = "../pseudorandom.rs"]
#[allow(dead_code, reason = "the bench needs a part of it")]
mod pseudorandom;
#[path = "../skips.rs"]
#[expect(dead_code, reason = "the bench skips by asking, never by recording")]
mod skips;
#[path = "../street/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the bench breaks nothing on its street")]
mod street;
#[path = "../whole"]
#[allow(dead_code, unused_imports, reason = "the bench takes what it checks from there, and little else")]
mod whole {
    pub mod invariants;
    pub mod matrix;
    pub mod ran;
    pub mod ways;
}
#[path = "../wire/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the bench needs a part of it")]
mod wire;

mod faults;
mod ground;
mod hand;
mod measure;
mod peers;
mod scenario;
mod session;
mod soak;

fn main() {
    // what cargo says to every bench (`--bench`) names no scenario
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    ground::describe();
    if wanted.iter().any(|word| word == "faults") {
        return faults::run();
    }
    if wanted.iter().any(|word| word == "soak") {
        return soak::run();
    }
    for scenario in scenario::ALL.iter().filter(|s| wanted.is_empty() || wanted.iter().any(|word| word == s.name)) {
        scenario.run();
    }
}
