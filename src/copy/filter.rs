//! Which entries of a tree are copied? [`Filter`]: patterns that leave entries out, and patterns that keep them all the
//! same. Pure; paths are raw bytes, relative to the root of the tree.
//!
//! A pattern is one or more names with `/` between them, each with the shell's `*`, `?` and `[…]`; `**` stands for any
//! number of folders. One that begins with `/` begins at the root of the tree, any other matches at every depth; one that
//! ends with `/` matches folders only. A folder that is left out is left out with all that is in it.

use crate::wildcard::ShellPattern;

/// Whether a pattern leaves out or keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    /// Entries that match are left out.
    Exclude,
    /// Entries that match stay, even if another pattern would leave them out.
    Include,
}

/// Patterns, in no order: [`Say::Include`] wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    say: Say,
    is_rooted: bool,
    only_folders: bool,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Name(ShellPattern),
    /// `**`
    Folders,
}

impl Filter {
    /// Adds a pattern; `false` when there is no name in it.
    pub fn add(&mut self, say: Say, pattern: &[u8]) -> bool {
        let names = pattern.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        let parts: Vec<Part> = names
            .map(|name| if name == b"**" { Part::Folders } else { Part::Name(ShellPattern::parse(name)) })
            .collect();
        let has_name = parts.iter().any(|part| *part != Part::Folders);
        if has_name {
            let (is_rooted, only_folders) = (pattern.starts_with(b"/"), pattern.ends_with(b"/"));
            self.rules.push(Rule { say, is_rooted, only_folders, parts });
        }
        has_name
    }

    /// Whether the entry at `path` (names joined by `/`, relative to the root of the tree) is copied.
    pub fn takes(&self, path: &[u8], is_folder: bool) -> bool {
        if self.rules.is_empty() {
            return true;
        }
        let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        let says = |say: Say| self.rules.iter().any(|rule| rule.say == say && rule.matches(&names, is_folder));
        !says(Say::Exclude) || says(Say::Include)
    }
}

impl Rule {
    fn matches(&self, names: &[&[u8]], is_folder: bool) -> bool {
        if self.only_folders && !is_folder {
            return false;
        }
        match self.is_rooted {
            true => fits(&self.parts, names),
            false => (0..names.len()).any(|start| fits(&self.parts, &names[start..])),
        }
    }
}

fn fits(parts: &[Part], names: &[&[u8]]) -> bool {
    match (parts, names) {
        ([], []) => true,
        ([Part::Folders, rest @ ..], _) => (0..=names.len()).any(|skipped| fits(rest, &names[skipped..])),
        ([Part::Name(pattern), rest @ ..], [name, names @ ..]) => pattern.matches(name) && fits(rest, names),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(rules: &[&str]) -> Filter {
        let mut filter = Filter::default();
        for rule in rules {
            let say = if rule.starts_with('+') { Say::Include } else { Say::Exclude };
            assert!(filter.add(say, &rule.as_bytes()[1..]), "{rule}");
        }
        filter
    }

    #[test]
    fn patterns_match_where_they_should() {
        let cases: [(&[&str], &[&str], &[&str]); 6] = [
            (&["-*.o"], &["a.c", "d/a.c", "o"], &["a.o", "d/e/a.o"]),
            (&["-/build"], &["src/build", "builds"], &["build"]),
            (&["-target/debug"], &["target", "debug", "target/release"], &["target/debug", "x/target/debug"]),
            (&["-**/cache/**/x"], &["cache", "y/cache/z"], &["cache/x", "a/b/cache/c/d/x"]),
            (&["-*", "+*.c"], &["a.c", "d/b.c"], &["a.o", "d"]),
            (&["-.git", "-*~"], &[".gitignore", "a"], &[".git", "d/.git", "a~"]),
        ];
        for (rules, taken, left_out) in cases {
            let filter = filter(rules);
            taken.iter().for_each(|path| assert!(filter.takes(path.as_bytes(), false), "{rules:?} {path}"));
            left_out.iter().for_each(|path| assert!(!filter.takes(path.as_bytes(), false), "{rules:?} {path}"));
        }
    }

    #[test]
    fn a_slash_at_the_end_means_a_folder() {
        let filter = filter(&["-tmp/"]);
        assert!(filter.takes(b"a/tmp", false) && !filter.takes(b"a/tmp", true));
    }

    #[test]
    fn a_pattern_without_a_name_is_none() {
        for nothing in ["", "/", "//", "**", "**/"] {
            assert!(!Filter::default().add(Say::Exclude, nothing.as_bytes()), "{nothing}");
        }
    }
}
