//! Which paths does a file name? Each `use` and each `a::b` of production code, written out from the crate's root.
//!
//! Main type: [`Paths`]. Works on words, not on types: a method's receiver is not seen, nor what a macro writes. A `use`
//! inside a function counts as one of the file.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, is_word};

/// A module or an item, as the words of its path from the crate's root.
pub type Path = Vec<String>;

/// The paths of one file.
pub struct Paths {
    /// The file's own module.
    pub module: Path,
    /// What the file names in this crate, each with its line.
    pub named: Vec<(usize, Path)>,
    /// What its `use` lines bring in, by the name it has then; the modules below may take it from here.
    pub brought: BTreeMap<String, Path>,
}

/// Where `use` stands, and its leaves: the path as written and the name it gets.
struct Use {
    start: usize,
    end: usize,
    leaves: Vec<(Path, String)>,
}

impl Paths {
    /// Reads the file; `modules` are all modules of the crate.
    pub fn of(source: &Source, modules: &BTreeSet<Path>) -> Paths {
        let module = module_of(&source.name);
        let mut paths = Paths { module, named: Vec::new(), brought: BTreeMap::new() };
        let mut code = source.production().to_owned();
        for used in uses(source.production()) {
            paths.bring(&used, line_of(&code, used.start), modules);
            code.replace_range(used.start..used.end, &blanks(&code[used.start..used.end]));
        }
        for (at, written) in written_paths(&code) {
            let path = paths.whole(&written, modules);
            paths.named.extend(path.map(|path| (line_of(&code, at), path)));
        }
        paths
    }

    fn bring(&mut self, used: &Use, line: usize, modules: &BTreeSet<Path>) {
        for (written, name) in &used.leaves {
            let Some(path) = self.whole(written, modules) else { continue };
            self.named.push((line, path.clone()));
            self.brought.insert(name.clone(), path);
        }
    }

    /// The path from the crate's root; `None` where it begins in another crate.
    fn whole(&self, written: &[String], modules: &BTreeSet<Path>) -> Option<Path> {
        let (first, rest) = written.split_first()?;
        let child = [self.module.clone(), vec![first.clone()]].concat();
        let start = match first.as_str() {
            "crate" => Vec::new(),
            "self" => self.module.clone(),
            "super" => return self.above(written),
            _ if modules.contains(&child) => child,
            _ => self.brought.get(first)?.clone(),
        };
        Some([start, rest.to_vec()].concat())
    }

    fn above(&self, written: &[String]) -> Option<Path> {
        let steps = written.iter().take_while(|word| *word == "super").count();
        let kept = self.module.len().checked_sub(steps)?;
        Some([&self.module[..kept], &written[steps..]].concat())
    }
}

/// `src/chain/dial.rs` → chain, dial; empty for `lib.rs`.
pub fn module_of(name: &str) -> Path {
    let inside = name.trim_start_matches("src/").trim_end_matches(".rs");
    inside.split('/').filter(|part| !["mod", "lib"].contains(part)).map(str::to_owned).collect()
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

fn blanks(text: &str) -> String {
    text.chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }).collect()
}

fn uses(code: &str) -> Vec<Use> {
    let begins = |at: usize| at == 0 || !is_word(code.as_bytes()[at - 1]);
    let read = |start: usize| {
        let end = start + code[start..].find(';')?;
        Some(Use { start, end, leaves: leaves(&code[start + "use ".len()..end], &[]) })
    };
    code.match_indices("use ").filter(|&(at, _)| begins(at)).filter_map(|(at, _)| read(at)).collect()
}

/// `a::{b, c as d}` → (a::b, b) and (a::c, d).
fn leaves(tree: &str, before: &[String]) -> Vec<(Path, String)> {
    let tree = tree.trim();
    if let Some(group) = tree.strip_prefix('{') {
        return split_group(group).iter().flat_map(|item| leaves(item, before)).collect();
    }
    let (first, rest) = word(tree);
    let path = [before, std::slice::from_ref(&first)].concat();
    if let Some(inside) = rest.strip_prefix("::") {
        return leaves(inside, &path);
    }
    let is_self = first == "self" && !before.is_empty();
    let path = if is_self { before.to_vec() } else { path };
    let name = rest.trim().strip_prefix("as ").map(|name| name.trim().to_owned());
    let name = name.or_else(|| path.last().cloned()).unwrap_or(first);
    vec![(path, name)]
}

fn split_group(group: &str) -> Vec<String> {
    let (mut depth, mut items) = (0usize, vec![String::new()]);
    for character in group.chars() {
        match character {
            '}' if depth == 0 => break,
            ',' if depth == 0 => {
                items.push(String::new());
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        items.last_mut().expect("never empty").push(character);
    }
    items.iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

fn word(path: &str) -> (String, &str) {
    let end = path.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*')).unwrap_or(path.len());
    (path[..end].to_owned(), &path[end..])
}

/// Every `a::b…` outside `use` lines, with where it stands.
fn written_paths(code: &str) -> Vec<(usize, Path)> {
    let bytes = code.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (first, _) = word_at(code, at);
        match first.is_empty() {
            true => at += 1,
            false => {
                let (path, end) = path_at(code, at);
                found.extend((path.len() > 1).then_some((at, path)));
                at = end;
            }
        }
    }
    found
}

fn path_at(code: &str, start: usize) -> (Path, usize) {
    let (first, mut end) = word_at(code, start);
    let mut path = vec![first];
    while code[end..].starts_with("::") {
        let (next, after) = word_at(code, end + 2);
        if next.is_empty() {
            break;
        }
        path.push(next);
        end = after;
    }
    (path, end)
}

fn word_at(code: &str, start: usize) -> (String, usize) {
    let length = code.as_bytes()[start..].iter().take_while(|&&byte| is_word(byte)).count();
    (code[start..start + length].to_owned(), start + length)
}

#[test]
fn paths_are_found_however_they_are_written() {
    let text = "use crate::{chain::{Trail, X}, trust};\nuse super::files::{self as f, File as F};\nfn a() { f::b(); F::new() }\n\
                fn c() { self::d(); below::e(); super::super::cli::x() }\nuse std::fmt;\npub use Z;";
    let modules = [vec!["config", "parse"], vec!["config", "parse", "below"]];
    let modules = modules.iter().map(|path| path.iter().map(|word| (*word).to_owned()).collect()).collect();
    let paths = Paths::of(&Source::new("src/config/parse.rs".into(), text.into()), &modules);
    let named: Vec<_> = paths.named.iter().map(|(line, path)| format!("{line} {}", path.join("::"))).collect();
    let used = ["1 chain::Trail", "1 chain::X", "1 trust", "2 config::files", "2 config::files::File"];
    let written =
        ["3 config::files::b", "3 config::files::File::new", "4 config::parse::d", "4 config::parse::below::e"];
    assert_eq!(named, [&used[..], &written, &["4 cli::x"]].concat());
    assert_eq!(paths.brought["F"].join("::"), "config::files::File");
}
