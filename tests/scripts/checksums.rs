//! What a host's own tools say of a file's bytes.

use std::fs;

use aws_lc_rs::digest::{SHA256, digest};

use super::shells::{Programs, Shell, Started, shells};

const REMOTE_SHA256: &str = include_str!("../../src/copy/ends/remote_sha256.sh");

/// Where there is no other tool than the one of this name.
fn only(tool: &str) -> Programs {
    let tools = [
        ("sha256sum", "exec /usr/bin/sha256sum \"$@\""),
        ("shasum", "[ \"$*\" = '-a 256' ] && exec /usr/bin/sha256sum"),
        (
            "openssl",
            "[ \"$*\" = 'dgst -sha256' ] && printf 'SHA2-256(stdin)= %s\\n' \"$(/usr/bin/sha256sum | cut -c1-64)\"",
        ),
        ("busybox", "[ \"$*\" = sha256sum ] && exec /usr/bin/sha256sum"),
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
            drop(asked.input.take());
            assert_eq!(asked.child.wait().expect("it ends").code(), Some(0), "{} {tool}", shell.name);
        }
        nothing_is_asked_where_there_is_no_tool(shell);
    }
}

fn nothing_is_asked_where_there_is_no_tool(shell: &Shell) {
    let programs = only("none");
    let mut asked = Started::new(shell.input().env("PATH", programs.path()));
    asked.tell(REMOTE_SHA256);
    assert_eq!(asked.said("hop-sums", "which tool"), "none", "{}", shell.name);
    assert_eq!(asked.child.wait().expect("it ends").code(), Some(0), "{}", shell.name);
}
