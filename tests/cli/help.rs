//! Help of every verb, as a person reads it.

use super::say;

#[test]
fn each_verb_explains_itself() {
    for verb in ["cp", "ls", "ssh", "doctor", "key", "hosts", "demo"] {
        let outcome = say(&format!("{verb} --help"));
        assert_eq!(outcome.code, Some(0), "{outcome}");
        assert_eq!(outcome.stderr, "", "help goes to standard output");
        insta::assert_snapshot!(format!("help_{verb}"), outcome.stdout);
    }
}

#[test]
fn hop_explains_itself() {
    let outcome = say("--help");
    insta::assert_snapshot!("help_hop", outcome.stdout);
    assert_eq!(say("help").stdout, outcome.stdout);
    assert_eq!(say("-h").stdout, outcome.stdout);
    assert_eq!(say("help cp").stdout, say("cp -h").stdout);
}

#[test]
fn no_help_is_wider_than_a_page() {
    for verb in ["", "cp", "ls", "ssh", "doctor", "key", "key check", "key fix", "hosts", "hosts add", "demo"] {
        let text = say(&format!("{verb} --help")).stdout;
        let long: Vec<_> = text.lines().filter(|line| line.chars().count() > 100).collect();
        assert!(long.is_empty(), "{verb}: {long:#?}");
    }
}

#[test]
fn the_version_is_the_packages() {
    assert_eq!(say("--version").stdout, format!("hop {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help_into_a_closed_pipe_is_no_panic() {
    let line = format!("{} cp --help | true; exit ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_hop"));
    let outcome = crate::street::run(std::process::Command::new("bash").args(["-c", &line]));
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome}");
}
