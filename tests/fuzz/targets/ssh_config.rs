//! The body stands beside the parser: `src/config/fuzz.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hop::config::fuzz::ssh_config(bytes));
