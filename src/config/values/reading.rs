//! What does a reader of values take and return? These types are shared by all readers.

use crate::config::local_env::LocalEnv;

/// What readers may look at besides the line: variables that a value names must be set when the line is read.
pub type Env<'a> = &'a LocalEnv;

/// The words of a value, or what is wrong with them.
pub type ReadResult = Result<Vec<String>, String>;

pub(super) fn one(word: impl Into<String>) -> ReadResult {
    Ok(vec![word.into()])
}
