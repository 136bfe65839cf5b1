//! How is a name written so that it can be pasted into a POSIX shell?
//!
//! Main function: [`shell_word`].

use std::path::Path;

/// A word that can be pasted into a POSIX shell.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-~+@%:,".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// A path that can be pasted into a POSIX shell.
pub fn quoted(path: &Path) -> String {
    shell_word(&path.to_string_lossy())
}

/// A single hint.
pub fn one(hint: &str) -> Vec<String> {
    vec![hint.to_owned()]
}
