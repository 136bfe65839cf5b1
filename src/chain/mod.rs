//! How do I get there? Hosts become a session, one hop at a time, each hop's SSH inside the one before.

mod error;

pub use error::{Cause, ChainError, Trail};
