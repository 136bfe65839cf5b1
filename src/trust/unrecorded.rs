//! Which keys were accepted that no file could take? They are remembered while the process runs, so that a further
//! connection to the same name gets the same key or none, and the warning is given once.
//!
//! Main function: [`remember`].

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use russh::keys::ssh_key::public::KeyData;

/// The keys: the file that could not take one, the name it was accepted for, and the key.
static ACCEPTED: Mutex<Vec<(PathBuf, String, KeyData)>> = Mutex::new(Vec::new());

/// What was known of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unrecorded {
    /// Nothing: now this key is.
    First,
    /// This key.
    Same,
    /// Another key.
    Other,
}

/// Remembers that `key` was accepted for `name` and could not be recorded in `file`.
pub(super) fn remember(file: &Path, name: &str, key: &KeyData) -> Unrecorded {
    let mut accepted = ACCEPTED.lock().unwrap_or_else(PoisonError::into_inner);
    match accepted.iter().find(|(at, known, _)| at == file && known == name) {
        Some((_, _, known)) if known == key => Unrecorded::Same,
        Some(_) => Unrecorded::Other,
        None => {
            accepted.push((file.to_owned(), name.to_owned(), key.clone()));
            Unrecorded::First
        }
    }
}
