//! Which files does a pattern name? `glob(3)` for `Include`: `*`, `?`, `[…]` and backslashes, in byte order.
//!
//! Main function: [`glob`]. A wildcard does not match a leading dot, nor a slash; `~` is expanded by the caller.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::wildcard::ShellPattern;

/// The paths that exist and match, sorted; a pattern without wildcards yields at most itself.
pub fn glob(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from(if pattern.is_absolute() { "/" } else { "" })];
    for part in pattern.as_os_str().as_bytes().split(|&b| b == b'/').filter(|part| !part.is_empty()) {
        found = found.iter().flat_map(|folder| step(folder, part)).collect();
    }
    found.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    found
}

/// The entries of `folder` that match one part of the pattern.
fn step(folder: &Path, part: &[u8]) -> Vec<PathBuf> {
    let pattern = ShellPattern::parse(part);
    if let Some(name) = pattern.literal() {
        let path = folder.join(OsString::from_vec(name));
        return if path.symlink_metadata().is_ok() { vec![path] } else { Vec::new() };
    }
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = std::fs::read_dir(here).into_iter().flatten().flatten().map(|entry| entry.file_name());
    entries.filter(|name| pattern.matches(name.as_bytes())).map(|name| folder.join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_glob() {
        let cases = [("*.conf", "a.conf"), ("?x", "ax"), ("[a-c]1", "b1"), ("[!a]", "b"), ("a\\*", "a*"), ("[", "[")];
        for (pattern, name) in cases {
            assert!(ShellPattern::parse(pattern.as_bytes()).matches(name.as_bytes()), "{pattern} {name}");
        }
        for (pattern, name) in [("*.conf", ".conf"), ("[!a]", "a"), ("a*b", "acd"), ("?", "")] {
            assert!(!ShellPattern::parse(pattern.as_bytes()).matches(name.as_bytes()), "{pattern} {name}");
        }
    }

    #[test]
    fn files_come_in_byte_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.conf", "a.conf", "B.conf", ".hidden.conf", "c.txt"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let names: Vec<_> =
            glob(&folder.path().join("*.conf")).iter().map(|p| p.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["B.conf", "a.conf", "b.conf"]);
        assert_eq!(glob(&folder.path().join("c.txt")).len(), 1);
        assert_eq!(glob(&folder.path().join("none")).len(), 0);
    }
}
