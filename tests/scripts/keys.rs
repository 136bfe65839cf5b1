//! What lets a one-time key in, and what it opens.

use std::fs;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use hop::lend::with_variables;

use super::shells::{Programs, Shell, Started, printed, shells};

const KEPT: &str = include_str!("../../src/lend/remote/kept.sh");
const AUTHORIZED: &str = include_str!("../../src/lend/ephemeral/authorized.sh");
const GATE: &str = include_str!("../../src/lend/ephemeral/gate.sh");
const FROM: &str = include_str!("../../src/lend/ephemeral/from.sh");

const NONCE: &str = "0123456789abcdef";
const OTHERS: &str = "ssh-ed25519 AAAA someone\n# a remark without an end";

#[test]
fn a_line_is_there_for_one_login_and_then_the_file_is_as_it_was() {
    let Some(shells) = shells() else { return };
    for shell in &shells {
        let home = tempfile::tempdir().expect("a home");
        let (ssh, file) = (home.path().join(".ssh"), home.path().join(".ssh/authorized_keys"));
        fs::create_dir(&ssh).expect("~/.ssh");
        fs::write(&file, OTHERS).expect("a file");
        let variables = [("word", "w"), ("patience", "600"), ("nonce", NONCE), ("life", "600"), ("gate", GATE)];
        let script = with_variables(&variables, &[KEPT, AUTHORIZED].concat());
        let mut keeper = Started::new(shell.script(&script).env("HOME", home.path()));
        let clock = keeper.answer("clock");
        let (until, locally) = clock.split_once(' ').expect("two clocks");
        assert!(until.parse::<u64>().is_ok() && locally.len() == 14, "{}: {clock}", shell.name);

        let name = format!("hop-ephemeral-{until}-{NONCE}");
        let line = format!("restrict,command=\"x\" ssh-ed25519 BBBB {name}");
        keeper.tell(&format!("seal {} {}\nadd {line}\n", "1".repeat(64), "2".repeat(64)));
        keeper.answer("added");
        assert_eq!(fs::read_to_string(&file).expect("the file"), format!("{line}\n{OTHERS}"), "{}", shell.name);
        the_gate_opens_for_orders_of_hop(shell, &ssh.join(format!(".{name}/gate")));

        keeper.tell("drop\n");
        keeper.answer("dropped");
        assert_eq!(fs::read_to_string(&file).expect("the file"), OTHERS, "{}", shell.name);
        drop(keeper.input.take());
        keeper.child.wait().expect("it ends");
        let left: Vec<_> = ssh.read_dir().expect("~/.ssh").flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left, ["authorized_keys"], "{}", shell.name);
    }
}

fn the_gate_opens_for_orders_of_hop(shell: &Shell, gate: &Path) {
    let (inner, outer) = ("1".repeat(64), "2".repeat(64));
    let sum = |first: &str, rest: &str| hex::encode(digest(&SHA256, [first, rest].concat().as_bytes()).as_ref());
    let order = r#"printf '%s|' "$((40 + 2))" "it's \0 *""#;
    let seal = sum(&outer, &sum(&inner, order));
    let asked = |words: &str| shell.file(gate).env("SSH_ORIGINAL_COMMAND", words).output().expect("it starts");
    let ran = asked(&format!("{seal} {order}"));
    let said = String::from_utf8_lossy(&ran.stdout);
    assert_eq!(said, "42|it's \\0 *|", "{}: {}", shell.name, String::from_utf8_lossy(&ran.stderr));
    for words in [order.to_owned(), format!("{seal} {order};"), format!("{} {order}", sum(&outer, "")), String::new()] {
        let refused = asked(&words);
        assert_eq!((refused.status.code(), refused.stdout), (Some(126), Vec::new()), "{}: {words}", shell.name);
    }
}

#[test]
fn a_source_says_where_it_comes_from() {
    let Some(shells) = shells() else { return };
    let route =
        "case $* in '-o route get far') echo 'far via 10.0.0.1 dev eth0 src 10.9.8.7 uid 0' ;; *) exit 2 ;; esac";
    let programs = Programs::new(&[("getent", "exit 2"), ("ip", route)]);
    for shell in &shells {
        let said = |peer| {
            let script = with_variables(&[("word", "w"), ("peer", peer)], FROM);
            let mut script = shell.script(&script);
            printed(script.env("PATH", programs.path()).env("SSH_CONNECTION", "10.0.0.1 5 10.0.0.2 22"))
        };
        assert_eq!(said("far"), "w 10.9.8.7\n", "{}: what the route says", shell.name);
        assert_eq!(said("nowhere"), "w 10.0.0.2\n", "{}: where hop's own connection came in", shell.name);
    }
}
