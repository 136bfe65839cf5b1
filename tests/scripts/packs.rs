//! What packs small files on a host: one archive an order, each followed by a line that says how it ended.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::shells::{Programs, Shell, shells};

const PACK: &str = include_str!("../../src/copy/packed/pack.sh");

/// What the shell says when it reads this.
fn said(shell: &Shell, path: Option<&str>, input: &str) -> Vec<u8> {
    let mut command = shell.input();
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut to = child.stdin.take().expect("a pipe");
    to.write_all(input.as_bytes()).expect("it reads");
    drop(to);
    child.wait_with_output().expect("it ends").stdout
}

/// What is before this word, and what is behind it.
fn cut<'a>(said: &'a [u8], word: &str) -> (&'a [u8], &'a [u8]) {
    let at = said.windows(word.len()).position(|bytes| bytes == word.as_bytes());
    let at = at.unwrap_or_else(|| panic!("no {word} in {:?}", String::from_utf8_lossy(said)));
    (&said[..at], &said[at + word.len()..])
}

/// The first bytes of a file in an archive.
fn packed(archive: &[u8], name: &str) -> Vec<u8> {
    let mut tar = Command::new("tar");
    let tar = tar.args(["-xOf", "-", name]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = tar.spawn().expect("tar");
    child.stdin.take().expect("a pipe").write_all(archive).expect("it reads");
    child.wait_with_output().expect("it ends").stdout
}

#[test]
fn each_order_gives_an_archive_and_says_how_it_ended() {
    let Some(shells) = shells() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let base = folder.path().join("it's a \"$base\"");
    fs::create_dir_all(base.join("sub")).expect("a folder");
    let names = ["-x", "it's $(id) `id`", "sub/two  blanks ", "hop-names"];
    for name in names {
        fs::write(base.join(name), name.repeat(3)).expect("a file");
    }
    fs::hard_link(base.join("-x"), base.join("again")).expect("a second name");
    let quoted = format!("'{}'", base.to_str().expect("text").replace('\'', "'\\''"));
    let list: String = names.iter().chain(&["again"]).map(|name| format!("./{name}\n")).collect();
    let orders = format!(
        "{PACK}pack 1 {quoted} <<'hop-names'\n{list}hop-names\npack 2 /nowhere <<'hop-names'\n./x\nhop-names\n\
         pack 3 {quoted} <<'hop-names'\n./none\nhop-names\npack 4 {quoted} <<'hop-names'\n./-x\nhop-names\n"
    );
    for shell in &shells {
        let said = said(shell, None, &orders);
        let rest = said.strip_prefix(b"hop-pack ready\n").unwrap_or_else(|| panic!("{}: {said:?}", shell.name));
        let (first, rest) = cut(rest, "hop-pack 1 0\n");
        for name in names {
            assert_eq!(packed(first, &format!("./{name}")), name.repeat(3).into_bytes(), "{}", shell.name);
        }
        assert_eq!(packed(first, "./again"), b"-x-x-x", "{}: a second name is a file, too", shell.name);
        let (nothing, rest) = cut(rest, "hop-pack 2 ");
        assert!(nothing.is_empty() && !rest.starts_with(b"0"), "{}", shell.name);
        let (_, rest) = cut(rest, "hop-pack 3 ");
        assert!(!rest.starts_with(b"0"), "{}: a file that is not there", shell.name);
        let (_, rest) = cut(rest, "\n");
        let (last, rest) = cut(rest, "hop-pack 4 0\n");
        assert_eq!((packed(last, "./-x"), rest), (b"-x-x-x".to_vec(), &b""[..]), "{}", shell.name);
    }
}

#[test]
fn without_tar_it_says_so_and_ends() {
    let Some(shells) = shells() else { return };
    let none = Programs::new(&[]);
    for shell in &shells {
        let path = none.nothing_else().to_str();
        let said = said(shell, path, &format!("{PACK}pack 1 / </dev/null\n"));
        assert_eq!(said, b"hop-pack none\n", "{}", shell.name);
    }
}
