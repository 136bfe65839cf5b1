//! Which file names which? The files of `src` as a graph, and its circles: files from each of which every other is
//! reached.
//!
//! Main type: [`Imports`]. A name that a `mod.rs` only passes on (`pub use`) leads to the file that defines it; the
//! `mod.rs` itself names what it passes on. A `mod x;` is no arrow.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{Path, Paths, module_of};
use super::source::Source;

/// One file's way of naming another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub from: String,
    pub line: usize,
    pub to: String,
}

/// The files of `src` and what each of them names.
pub struct Imports {
    files: BTreeMap<Path, String>,
    paths: BTreeMap<String, Paths>,
}

impl Imports {
    pub fn of(sources: &[Source]) -> Imports {
        let shipped = || sources.iter().filter(|source| !source.is_test());
        let files: BTreeMap<Path, String> = shipped().map(|s| (module_of(&s.name), s.name.clone())).collect();
        let modules = files.keys().cloned().collect();
        Imports { files, paths: shipped().map(|s| (s.name.clone(), Paths::of(s, &modules))).collect() }
    }

    /// What a file names in the crate, each with its line.
    pub fn named(&self, file: &str) -> &[(usize, Path)] {
        self.paths.get(file).map_or(&[], |paths| &paths.named)
    }

    /// From each file to each other that it names: one arrow a pair, with the first line that has it.
    pub fn arrows(&self) -> Vec<Arrow> {
        let mut first: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (from, paths) in self.paths.iter().filter(|(name, _)| !is_root(name)) {
            for (line, path) in &paths.named {
                let to = self.file_of(path, 0).filter(|to| *to != from && !is_root(to));
                to.map(|to| first.entry((from, to)).or_insert(*line));
            }
        }
        first.into_iter().map(|((from, to), line)| Arrow { from: from.into(), line, to: to.into() }).collect()
    }

    /// The file that defines what the path names.
    fn file_of(&self, path: &[String], passed_on: usize) -> Option<&str> {
        let depth = (0..=path.len()).rev().find(|&depth| self.files.contains_key(&path[..depth]))?;
        let file = self.files[&path[..depth]].as_str();
        let next = path.get(depth).and_then(|name| self.paths[file].brought.get(name));
        match next.filter(|next| passed_on < 8 && next[..] != path[..=depth]) {
            Some(next) => self.file_of(&[next, &path[depth + 1..]].concat(), passed_on + 1),
            None => Some(file),
        }
    }

    /// The circles, the largest first, their files sorted.
    pub fn circles(&self) -> Vec<Vec<String>> {
        let mut next: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for arrow in self.arrows() {
            next.entry(arrow.from).or_default().insert(arrow.to);
        }
        let reached: BTreeMap<&String, BTreeSet<&String>> =
            next.keys().map(|file| (file, reach(file, &next))).collect();
        let together = |a: &String, b: &String| reached[a].contains(b) && reached.get(b).is_some_and(|r| r.contains(a));
        let circle =
            |file: &String| reached[file].iter().filter(|to| together(file, to)).map(|to| (*to).clone()).collect();
        let mut circles: Vec<Vec<String>> = next.keys().map(circle).filter(|files: &Vec<_>| files.len() > 1).collect();
        circles.sort_by(|a, b| (b.len(), a).cmp(&(a.len(), b)));
        circles.dedup();
        circles
    }
}

fn is_root(file: &str) -> bool {
    ["src/lib.rs", "src/main.rs"].contains(&file)
}

fn reach<'a>(from: &str, next: &'a BTreeMap<String, BTreeSet<String>>) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&String> = next.get(from).into_iter().flatten().collect();
    while let Some(file) = open.pop() {
        if reached.insert(file) {
            open.extend(next.get(file).into_iter().flatten());
        }
    }
    reached
}

#[test]
fn a_circle_is_found_through_what_is_passed_on() {
    let source = |(name, text): (&str, &str)| Source::new(name.to_owned(), text.to_owned());
    let front = ("src/r/mod.rs", "mod a;\nmod b;\npub use b::B;");
    let imports = |a, b| Imports::of(&[front, ("src/r/a.rs", a), ("src/r/b.rs", b)].map(source));
    let circle = imports("use super::B;", "fn f() { super::a::g() }").circles();
    assert_eq!(circle, [["src/r/a.rs", "src/r/b.rs"]]);
    assert!(imports("use super::B;", "#[cfg(test)]\nmod tests { use super::super::a; }").circles().is_empty());
    let through_the_front = imports("", "use super::Defined;").circles();
    assert_eq!(through_the_front, [["src/r/b.rs", "src/r/mod.rs"]]);
}
