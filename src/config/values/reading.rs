//! What is a reader of values given, and what does it give? Said once for all of them.

use crate::config::local_env::LocalEnv;

/// What readers may look at besides the line: the variables a value names must exist when the line is read.
pub type Env<'a> = &'a LocalEnv;

/// What a reader gives.
pub type ReadResult = Result<Vec<String>, String>;

pub(super) fn one(word: impl Into<String>) -> ReadResult {
    Ok(vec![word.into()])
}
