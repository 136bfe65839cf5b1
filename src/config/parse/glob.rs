//! Which files does a pattern name? `glob(3)` for `Include`: `*`, `?`, `[…]` and backslashes, in byte order.
//!
//! Main function: [`glob`]. A wildcard does not match a leading dot, nor a slash; `~` is expanded by the caller.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The paths that exist and match, sorted; a pattern without wildcards names at most itself.
pub fn glob(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from(if pattern.is_absolute() { "/" } else { "" })];
    for part in pattern.as_os_str().as_bytes().split(|&b| b == b'/').filter(|part| !part.is_empty()) {
        found = found.iter().flat_map(|folder| step(folder, part)).collect();
    }
    found.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    found
}

/// The entries of `folder` that one part of the pattern names.
fn step(folder: &Path, part: &[u8]) -> Vec<PathBuf> {
    if !part.iter().any(|b| b"*?[".contains(b)) {
        let path = folder.join(OsString::from_vec(unescaped(part)));
        return if path.symlink_metadata().is_ok() { vec![path] } else { Vec::new() };
    }
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = std::fs::read_dir(here).into_iter().flatten().flatten().map(|entry| entry.file_name());
    entries.filter(|name| is_named(name, part)).map(|name| folder.join(name)).collect()
}

fn is_named(name: &OsStr, pattern: &[u8]) -> bool {
    let name = name.as_bytes();
    (name.first() != Some(&b'.') || pattern.first() == Some(&b'.')) && matches(name, pattern)
}

fn unescaped(part: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(part.len());
    let mut bytes = part.iter();
    while let Some(&byte) = bytes.next() {
        plain.push(if byte == b'\\' { *bytes.next().unwrap_or(&b'\\') } else { byte });
    }
    plain
}

/// Does the whole name match? Goes back to the last star only.
fn matches(name: &[u8], pattern: &[u8]) -> bool {
    let (mut at, mut rest) = (0, pattern);
    let mut star: Option<(usize, &[u8])> = None;
    loop {
        if let Some(after) = rest.strip_prefix(b"*") {
            star = Some((at, after));
            rest = after;
            continue;
        }
        let Some(&byte) = name.get(at) else { return rest.is_empty() };
        match match_one(byte, rest) {
            Some(after) => {
                at += 1;
                rest = after;
            }
            None => {
                let Some((from, after)) = star else { return false };
                star = Some((from + 1, after));
                (at, rest) = (from + 1, after);
            }
        }
    }
}

/// The rest of the pattern when its first item matches `byte`.
fn match_one(byte: u8, pattern: &[u8]) -> Option<&[u8]> {
    match pattern {
        [] => None,
        [b'?', rest @ ..] => Some(rest),
        [b'\\', wanted, rest @ ..] => (byte == *wanted).then_some(rest),
        [b'[', set @ ..] => match bracket(byte, set) {
            Some((true, rest)) => Some(rest),
            Some((false, _)) => None,
            None => (byte == b'[').then_some(set),
        },
        [wanted, rest @ ..] => (byte == *wanted).then_some(rest),
    }
}

/// `set` is what follows `[`: whether it holds `byte`, and what follows `]`. `None` where there is no `]`.
fn bracket(byte: u8, set: &[u8]) -> Option<(bool, &[u8])> {
    let negated = matches!(set.first(), Some(b'!' | b'^'));
    let set = if negated { &set[1..] } else { set };
    let close = 1 + set.get(1..)?.iter().position(|&b| b == b']')?;
    let (items, rest) = (&set[..close], &set[close + 1..]);
    let mut holds = false;
    let mut at = 0;
    while at < items.len() {
        let (low, high, width) = match items[at..] {
            [low, b'-', high, ..] => (low, high, 3),
            _ => (items[at], items[at], 1),
        };
        holds |= (low..=high).contains(&byte);
        at += width;
    }
    Some((holds != negated, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_are_those_of_glob() {
        let cases = [("*.conf", "a.conf"), ("?x", "ax"), ("[a-c]1", "b1"), ("[!a]", "b"), ("a\\*", "a*"), ("[", "[")];
        for (pattern, name) in cases {
            assert!(is_named(OsStr::new(name), pattern.as_bytes()), "{pattern} {name}");
        }
        for (pattern, name) in [("*.conf", ".conf"), ("[!a]", "a"), ("a*b", "acd"), ("?", "")] {
            assert!(!is_named(OsStr::new(name), pattern.as_bytes()), "{pattern} {name}");
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

    proptest! {
        #[test]
        fn no_pattern_panics(name in "[a-c\\[\\]*-]{0,8}", pattern in "[a-c\\[\\]!^?*\\\\-]{0,10}") {
            let _ = is_named(OsStr::new(&name), pattern.as_bytes());
        }
    }
}
