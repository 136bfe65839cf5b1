//! What is said, and where? The screen, JSON, logs and receipts, questions, and strangers' bytes made harmless.

pub mod bars;
pub mod journal;
pub mod json;
pub mod library_log;
pub mod lines;
pub mod meter;
pub mod numbers;
pub mod plain;
pub mod receipt;
pub mod reporter;
pub mod safe;
pub mod stdout;
pub mod terminal;
pub mod timestamps;
pub mod worker;
