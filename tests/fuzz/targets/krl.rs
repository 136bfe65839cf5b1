//! The body stands beside the parser: `src/trust/fuzz.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hop::trust::fuzz::krl(bytes));
