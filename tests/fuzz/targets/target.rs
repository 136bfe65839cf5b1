//! The body stands beside the parser: `src/target.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hop::target::fuzz(bytes));
