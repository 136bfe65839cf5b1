//! Who may call whom: the table of `lib.rs`, held against every `crate::…` and `super::…` path of production code.

use super::imports::Imports;
use super::paths::module_of;
use super::source::Source;

const FLOOR_0: &[&str] = &["target", "progress", "prompt", "words", "wildcard", "argv"];

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
    ("copy", &["lend", "chain", "sftp", "agent", "lock"]),
    ("shell", &["chain", "sftp", "agent"]),
    ("forward", &["chain", "sftp", "agent"]),
    ("error", &["config", "trust", "agent", "sftp", "lock", "auth", "chain", "lend", "copy", "shell", "forward"]),
    ("doctor", &["config", "trust", "agent", "sftp", "lock", "auth", "chain", "lend", "copy", "shell", "forward"]),
];

/// Of `config`, these are the resolved host; the rest of that room is the parser's.
const NOT_OF_THE_HOST: &[&str] = &["Configuration", "ConfigError", "Flags", "LocalEnv"];

/// One line a path that leads where it may not.
pub fn broken(source: &Source, imports: &Imports) -> Vec<String> {
    let module = module_of(&source.name);
    let Some(room) = module.first() else { return Vec::new() };
    let wrong = imports.named(&source.name).iter().filter(|(_, path)| !path.is_empty() && !may(room, path));
    wrong.map(|(line, path)| format!("{}:{line}: {room} may not use {}", source.name, path.join("::"))).collect()
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

#[test]
fn a_wrong_arrow_is_told_from_a_right_one() {
    let may_name = |room, path: &[&str]| may(room, &path.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    assert!(!may_name("sftp", &["chain"]) && !may_name("trust", &["config", "Host"]));
    assert!(!may_name("copy", &["cli", "safe"]) && !may_name("auth", &["config", "Configuration"]));
    assert!(may_name("auth", &["config", "host"]) && may_name("chain", &["progress"]) && may_name("cli", &["copy"]));
}
