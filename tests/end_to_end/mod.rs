//! What a user does with `hop cp`, through both bastions, with real sshds: every byte arrives, both ways, and nothing
//! is printed when nobody watches.

pub mod names;
mod places;
mod relay;
mod trees;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

pub use crate::pseudorandom::noise;
use crate::street::{Street, run};

/// `hop cp` with these words.
fn cp<W: AsRef<OsStr>>(street: &Street, words: impl IntoIterator<Item = W>) -> Command {
    let mut command = street.hop("cp");
    command.args(words);
    command
}

/// Runs it; it succeeds, and is silent.
fn silently(mut command: Command) {
    let ran = run(&mut command);
    assert!(ran.code == Some(0) && ran.stdout.is_empty() && ran.stderr.is_empty(), "{command:?}: {ran}");
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Folder { mode: u32 },
    File { mode: u32, content: Vec<u8> },
    Link { to: OsString },
}

/// Everything below a folder, by path.
pub type Tree = BTreeMap<OsString, Node>;

/// What goes while it is looked at is not in it.
pub fn tree(folder: &Path) -> Tree {
    let mut found = Tree::new();
    collect(folder, fs::read_dir(folder).expect("list a folder"), &mut found);
    found
}

fn collect(root: &Path, entries: fs::ReadDir, found: &mut Tree) {
    for entry in entries {
        let path = entry.expect("list a folder").path();
        let Some(metadata) = unless_gone(path.symlink_metadata()) else { continue };
        let mode = metadata.permissions().mode() & 0o7777;
        let name = path.strip_prefix(root).expect("below the root").as_os_str().to_owned();
        let node = if metadata.is_dir() {
            let Some(entries) = unless_gone(fs::read_dir(&path)) else { continue };
            collect(root, entries, found);
            Node::Folder { mode }
        } else if metadata.is_symlink() {
            let Some(to) = unless_gone(fs::read_link(&path)) else { continue };
            Node::Link { to: to.into_os_string() }
        } else {
            let Some(content) = unless_gone(fs::read(&path)) else { continue };
            Node::File { mode, content }
        };
        found.insert(name, node);
    }
}

fn unless_gone<T>(looked: std::io::Result<T>) -> Option<T> {
    match looked {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        looked => Some(looked.expect("look at an entry")),
    }
}

/// Seconds of the modification time.
pub fn mtime(path: &Path) -> i64 {
    path.symlink_metadata().expect("look at a file").mtime()
}

/// Fails when the trees differ, naming where without printing contents.
pub fn same(ours: &Tree, theirs: &Tree) {
    let names = |tree: &Tree| tree.keys().map(|name| name.as_bytes().escape_ascii().to_string()).collect::<Vec<_>>();
    assert_eq!(names(ours), names(theirs));
    let differs = ours.iter().filter(|(name, node)| theirs.get(*name) != Some(node)).map(|(name, _)| name);
    assert_eq!(differs.collect::<Vec<_>>(), Vec::<&OsString>::new(), "differ");
}
