//! Who may call whom: the table of `lib.rs`, held against every `crate::…` and `super::…` path of production code.

use super::source::Source;

const FLOOR_0: &[&str] = &["target", "progress", "prompt", "words"];

/// A room and the rooms it may name, floor 0 aside.
const ARROWS: &[(&str, &[&str])] = &[
    ("config", &[]),
    ("trust", &[]),
    ("agent", &[]),
    ("sftp", &[]),
    ("lock", &[]),
    ("auth", &["agent", "config"]),
    ("chain", &["config", "trust", "agent", "sftp", "auth"]),
    ("lend", &["chain", "agent", "auth", "trust"]),
    ("copy", &["lend", "chain", "sftp", "agent"]),
    ("shell", &["chain", "sftp", "agent"]),
    ("forward", &["chain", "sftp", "agent"]),
    ("error", &["config", "trust", "agent", "sftp", "lock", "auth", "chain", "lend", "copy", "shell", "forward"]),
    ("doctor", &["config", "trust", "agent", "sftp", "lock", "auth", "chain", "lend", "copy", "shell", "forward"]),
];

/// Of `config`, these are the resolved host; the rest of that room is the parser's.
const NOT_OF_THE_HOST: &[&str] =
    &["Configuration", "ConfigError", "Flags", "Surroundings", "parse", "matching", "jump"];

/// One line a path that leads where it may not.
pub fn broken(source: &Source) -> Vec<String> {
    let module = module_of(&source.name);
    let Some(room) = module.first().cloned() else { return Vec::new() };
    let wrong = |(_, path): &(usize, Vec<String>)| !may(&room, path);
    let found = paths(source.production(), module.len()).into_iter().filter(wrong);
    found.map(|(line, path)| format!("{}:{line}: {room} may not use {}", source.name, path.join("::"))).collect()
}

fn may(room: &str, path: &[String]) -> bool {
    let to = path[0].as_str();
    let is_room = FLOOR_0.contains(&to) || to == "cli" || to == "demo" || ARROWS.iter().any(|(name, _)| *name == to);
    if to == room || room == "cli" || room == "main" || !is_room {
        return true;
    }
    if room == "demo" || FLOOR_0.contains(&room) {
        return false;
    }
    let beyond_host = path.get(1).is_some_and(|item| NOT_OF_THE_HOST.contains(&item.as_str()));
    if room == "auth" && to == "config" && beyond_host {
        return false;
    }
    FLOOR_0.contains(&to) || ARROWS.iter().any(|(name, uses)| *name == room && uses.contains(&to))
}

/// `src/chain/dial.rs` → chain, dial; empty for `lib.rs`, which names every room.
fn module_of(name: &str) -> Vec<String> {
    let inside = name.trim_start_matches("src/").trim_end_matches(".rs");
    inside.split('/').filter(|part| !["mod", "lib"].contains(part)).map(str::to_owned).collect()
}

/// Every path from the crate's root, as its first two words, with its line.
fn paths(code: &str, depth: usize) -> Vec<(usize, Vec<String>)> {
    let line = |at: usize| code[..at].matches('\n').count() + 1;
    let from_root = code.match_indices("crate::").map(|(at, word)| (at, at + word.len()));
    let above = "super::".repeat(depth);
    let by_super = code.match_indices(above.as_str()).map(|(at, word)| (at, at + word.len()));
    from_root
        .chain(by_super)
        .flat_map(|(at, end)| firsts(&code[end..]).into_iter().map(move |path| (line(at), path)))
        .collect()
}

/// `chain::Trail` → [chain, Trail]; `{auth::{X, Y}, trust}` → [auth, X], [auth, Y] and [trust].
fn firsts(rest: &str) -> Vec<Vec<String>> {
    if let Some(group) = rest.strip_prefix('{') {
        return split_group(group).iter().flat_map(|item| firsts(item)).collect();
    }
    let (room, inside) = word(rest);
    let items: Vec<String> = match inside.strip_prefix("::") {
        None => return vec![vec![room]],
        Some(inside) => match inside.strip_prefix('{') {
            Some(group) => split_group(group).iter().map(|item| word(item).0).collect(),
            None => vec![word(inside).0],
        },
    };
    items.into_iter().map(|item| vec![room.clone(), item]).collect()
}

fn split_group(group: &str) -> Vec<String> {
    let (mut depth, mut items) = (0usize, vec![String::new()]);
    for character in group.chars() {
        match character {
            '}' if depth == 0 => break,
            ',' if depth == 0 => items.push(String::new()),
            _ => {
                depth = match character {
                    '{' => depth + 1,
                    '}' => depth - 1,
                    _ => depth,
                };
                items.last_mut().expect("never empty").push(character);
            }
        }
    }
    items.iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

fn word(path: &str) -> (String, &str) {
    let end = path.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(path.len());
    (path[..end].to_owned(), &path[end..])
}

#[test]
fn a_wrong_arrow_is_found_however_it_is_written() {
    let found = |text: &str, depth| paths(text, depth).into_iter().map(|(_, path)| path.join("::")).collect::<Vec<_>>();
    let text = "use crate::{chain::{Trail, X}, trust};\ncrate::cli::safe()";
    assert_eq!(found(text, 1), ["chain::Trail", "chain::X", "trust", "cli::safe"]);
    assert_eq!(found("use super::super::cli::x;", 2), ["cli::x"]);
    let may_name = |room, path: &[&str]| may(room, &path.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    assert!(!may_name("sftp", &["chain"]) && !may_name("trust", &["config", "Host"]));
    assert!(!may_name("copy", &["cli", "safe"]) && !may_name("auth", &["config", "Configuration"]));
    assert!(may_name("auth", &["config", "host"]) && may_name("chain", &["progress"]) && may_name("cli", &["copy"]));
}
