//! The body stands beside the parser: `src/auth/fuzz.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hop::auth::fuzz::key_file(bytes));
