//! Command lines that are not run: what is said, and which exit code.

use std::process::Command;

use super::{hop, say};
use crate::skips::need;
use crate::street::run;

#[test]
fn wrong_command_lines_are_told_what_is_wrong() {
    let lines = [
        "",
        "frobnicate",
        "cp",
        "cp onlyone",
        "cp -O a h:",
        "cp -3R a h:b",
        "cp -S ./ssh a h:",
        "cp -D /usr/lib/sftp-server a h:",
        "cp --frobnicate a h:",
        "cp --route best a:f b:f",
        "cp --lanes 0 a h:",
        "cp --connections many a h:",
        "cp -P 0 a h:",
        "cp -i =acc.pem a h:",
        "cp -J 10.*= a h:",
        "cp -46 a h:",
        "cp --symlinks what a h:",
        "cp -F none $(id):f b",
        "cp -F none a -x:b",
        "ls",
        "ls here",
        "ls -O h:",
    ];
    let said: Vec<String> = lines
        .iter()
        .map(|line| {
            let outcome = say(line);
            assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "hop {line}: {outcome}");
            format!("$ hop {line}\n{}", outcome.stderr)
        })
        .collect();
    let text = said.join("\n");
    insta::assert_snapshot!(text);
}

#[test]
fn ssh_keeps_255_for_itself() {
    let lines = [
        "ssh",
        "ssh -w 0 h",
        "ssh -f h",
        "ssh -L nonsense h true",
        "ssh -F none -L 1:h h true",
        "ssh --frobnicate h true",
        "ssh -F none ;x true",
    ];
    let said: Vec<String> = lines
        .iter()
        .map(|line| {
            let outcome = say(line);
            assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(255), ""), "hop {line}: {outcome}");
            format!("$ hop {line}\n{}", outcome.stderr)
        })
        .collect();
    let text = said.join("\n");
    insta::assert_snapshot!(text);
}

#[test]
fn lists_of_algorithms_are_answered_as_ssh_answers() {
    let Some(ssh) = need("ssh") else { return };
    let newer = ["mlkem768x25519-sha256"]; // than OpenSSH 9.2
    let help = say("ssh -Q help").stdout;
    let lists = run(Command::new(&ssh).args(["-Q", "help"])).stdout;
    assert!(lists.lines().filter(|list| *list != "kex-gss").eq(help.lines()), "{lists}{help}"); // Debian's own
    for list in help.lines().chain(["Ciphers", "macs", "HostKeyAlgorithms"]) {
        let ours = say(&format!("ssh -Q {list}"));
        let theirs = run(Command::new(&ssh).args(["-Q", list])).stdout;
        assert_eq!((ours.code, ours.stderr.as_str()), (Some(0), ""), "{list}");
        let known: Vec<&str> = theirs.lines().filter(|name| ours.stdout.lines().any(|own| own == *name)).collect();
        let own: Vec<&str> = ours.stdout.lines().filter(|name| !newer.contains(name)).collect();
        assert!(!own.is_empty() && own == known, "{list}: {own:?} {known:?}");
    }
    for absent in ["ssh-dss", "umac-64@openssh.com", "sntrup761x25519-sha512@openssh.com"] {
        let lists = ["key", "mac", "kex"].map(|list| say(&format!("ssh -Q {list}")).stdout);
        assert!(lists.iter().all(|list| list.lines().all(|name| name != absent)), "{absent}");
    }
    let unknown = say("ssh -Q nonsense");
    assert_eq!((unknown.code, unknown.stderr.as_str()), (Some(255), "hop ssh: Unsupported query \"nonsense\"\n"));
}

#[test]
fn a_wrong_variable_is_named() {
    let home = tempfile::tempdir().expect("a home folder");
    let cases = [
        ("HOP_LANES", "many", "HOP_LANES: `many`: give a number from 1 to 64, or auto"),
        ("HOP_CONNECTIONS", "99", "HOP_CONNECTIONS: `99`: give a number from 1 to 16, or auto"),
        ("HOP_ROUTE", "best", "HOP_ROUTE: `best`: give one of auto, direct, relay"),
        ("HOP_PROGRESS", "\x1b[2J", r"HOP_PROGRESS: `\x1b[2J`: give one of auto, bar, plain, none"),
    ];
    for (name, value, said) in cases {
        let outcome = run(hop(home.path()).env(name, value).args(["cp", "a", "h:"]));
        assert_eq!((outcome.code, outcome.stderr), (Some(2), format!("hop: {said}\n")));
    }
}

#[test]
fn a_broken_configuration_is_named_by_file_and_line() {
    let home = tempfile::tempdir().expect("a home folder");
    std::fs::create_dir(home.path().join(".ssh")).expect("a folder");
    std::fs::write(home.path().join("config"), "Host *\n  Frobnicate yes\n").expect("a config");
    let outcome = run(hop(home.path()).args(["ls", "-F", "config", "h:"]));
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{outcome}");
    insta::assert_snapshot!(outcome.stderr);
}

#[test]
fn a_dump_says_where_each_value_comes_from_when_asked() {
    let home = tempfile::tempdir().expect("a home folder");
    std::fs::write(home.path().join("config"), "Host a\n  User me\n\nMatch user me\n  Port 2200\n").expect("a config");
    let dump = |flags: &[&str]| {
        let outcome = run(hop(home.path()).args(["ssh", "-F", "config", "-G"]).args(flags).arg("a"));
        assert_eq!(outcome.code, Some(0), "{outcome}");
        outcome.stdout
    };
    let (plain, told) = (dump(&[]), dump(&["-v", "-C"]));
    let has = |text: &str, line: &str| text.lines().any(|there| there == line);
    assert!(has(&plain, "user me") && has(&plain, "port 2200") && !plain.contains('#'), "{plain}");
    for line in ["user me  # config:2", "port 2200  # config:5", "compression yes  # -C", "batchmode no  # default"] {
        assert!(has(&told, line), "{line}:\n{told}");
    }
}

#[test]
fn escape_codes_in_a_word_reach_no_terminal() {
    let outcome = say("cp --\x1b[2J a h:");
    assert!(outcome.code == Some(2) && !outcome.stderr.contains('\x1b'), "{outcome}");
}
