//! What a host's own tools say of a file's bytes.

use std::fs;

use aws_lc_rs::digest::{SHA256, digest};

use super::shells::{Programs, Shell, Started, shells};

const REMOTE_SHA256: &str = include_str!("../../src/copy/ends/remote_sha256.sh");

/// Where there is no other tool than the one of this name.
fn only(tool: &str) -> Programs {
    let tools = [
        ("sha256sum", "exec /usr/bin/sha256sum \"$@\""),
        ("shasum", "[ \"$1 $2\" = '-a 256' ] && shift 2 && exec /usr/bin/sha256sum \"$@\""),
        (
            "openssl",
            "[ \"$1 $2\" = 'dgst -sha256' ] && shift 2; [ $# != 0 ] || set -- -; for f; do s=$(/usr/bin/sha256sum \"$f\") || exit; \
             printf 'SHA2-256(%s)= %.64s\\n' \"$f\" \"$s\"; done",
        ),
        ("busybox", "[ \"$1\" = sha256sum ] && shift && exec /usr/bin/sha256sum \"$@\""),
    ];
    Programs::new(&tools.map(|(name, script)| (name, if name == tool { script } else { "echo no >&2; exit 127" })))
}

#[test]
fn units_of_a_file_are_summed_by_whichever_tool_there_is() {
    let Some(shells) = shells() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("it's 1%\\\n");
    fs::write(&file, b"aaaabbbbcc").expect("a file");
    let path = file.to_str().expect("text").bytes().map(|byte| format!("\\0{byte:03o}")).collect::<String>();
    for shell in &shells {
        for tool in ["sha256sum", "shasum", "openssl", "busybox"] {
            let programs = only(tool);
            let mut asked = Started::new(shell.input().env("PATH", programs.path()));
            asked.tell(REMOTE_SHA256);
            assert!(asked.said("hop-sums", "which tool").starts_with(tool), "{} {tool}", shell.name);
            asked.tell(&format!("4 1 1 {path}\n4 1 9 {path}\n4 0 1 /nowhere\n4 3 1 {path}\n"));
            for bytes in [Some(&b"bbbb"[..]), Some(b"bbbbcc"), None, Some(b"")] {
                let said = asked.said("hop-sum", "a sum");
                let sum = bytes.map(|bytes| hex::encode(digest(&SHA256, bytes).as_ref())).unwrap_or_default();
                assert!(said.contains(&sum) && said.is_empty() == bytes.is_none(), "{} {tool}: {said}", shell.name);
            }
            whole_files(shell, tool, &mut asked);
            drop(asked.input.take());
            assert_eq!(asked.child.wait().expect("it ends").code(), Some(0), "{} {tool}", shell.name);
        }
        nothing_is_asked_where_there_is_no_tool(shell);
    }
}

/// Many whole files are summed by one process: all of them, or none.
fn whole_files(shell: &Shell, tool: &str, asked: &mut Started) {
    let folder = tempfile::tempdir().expect("a folder");
    let paths: Vec<_> = (0..200).map(|index| folder.path().join(format!("f{index}"))).collect();
    for (index, path) in paths.iter().enumerate() {
        fs::write(path, vec![7; index]).expect("a file");
    }
    let lines: String = paths.iter().map(|path| format!("{}\n", path.display())).collect();
    let fifo = folder.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo");
    assert!(made.success());
    let all = |lines: &str| format!("all {}\n{lines}", lines.lines().count());
    asked.tell(&format!("{}{}all 1\n{}\n", all(&lines), all("/nowhere\n/dev/null\n"), fifo.display()));
    for index in 0..200 {
        let said = asked.said("hop-sum", "a sum of many");
        let sum = hex::encode(digest(&SHA256, &vec![7; index]).as_ref());
        assert!(said.contains(&sum), "{} {tool} {index}: {said}", shell.name);
    }
    for _ in 0..3 {
        assert_eq!(asked.said("hop-sum", "no sum"), "", "{} {tool}", shell.name);
    }
}

fn nothing_is_asked_where_there_is_no_tool(shell: &Shell) {
    let programs = only("none");
    let mut asked = Started::new(shell.input().env("PATH", programs.path()));
    asked.tell(REMOTE_SHA256);
    assert_eq!(asked.said("hop-sums", "which tool"), "none", "{}", shell.name);
    assert_eq!(asked.child.wait().expect("it ends").code(), Some(0), "{}", shell.name);
}
