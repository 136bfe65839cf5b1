//! Does the story end well exactly when every file arrived?
//!
//! A stand-in for `hop` made of OpenSSH's clients tells the story's own judgement apart from hop's work.

use std::path::PathBuf;
use std::process::Command;

use hop::demo::{StoryOutcome, story};

use super::guest::{Guest, feed, succeeded};

/// hop's verbs done by scp, sftp and ssh.
const BY_OPENSSH: &str = r#"verb=$1; shift
case $verb in
  cp) exec scp -3 -o BatchMode=yes "$@" ;;
  ls) echo "ls -l" | sftp -F "$2" -b - "${4%:}" ;;
  ssh) exec ssh -o BatchMode=yes "$@" ;;
esac"#;

/// A program that runs this script. Another process writes it: a descriptor of this one may have been inherited by a
/// child of another test, and what somebody writes to cannot be run.
fn stand_in(guest: &Guest, script: &str) -> PathBuf {
    let program = guest.path("hop");
    let mut writer = Command::new("sh");
    writer.args(["-c", "cat > hop && chmod 755 hop"]).current_dir(guest.desk.path());
    succeeded(&feed(&mut writer, format!("#!/bin/sh\n{script}\n").as_bytes()));
    program
}

/// The story told with this script in the place of hop: its outcome and its text.
fn told(guest: &Guest, script: &str) -> (StoryOutcome, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut text = Vec::new();
    let outcome = runtime.block_on(story(&stand_in(guest, script), &guest.street, &mut text)).unwrap();
    (outcome, String::from_utf8(text).unwrap())
}

#[test]
fn it_holds_when_every_file_arrives() {
    let Some(guest) = Guest::new() else { return };
    let (outcome, text) = told(&guest, BY_OPENSSH);
    assert_eq!(outcome, StoryOutcome::Held, "{text}");
    assert!(text.contains("   $ hop cp acc-pvt:customers.csv dell-pvt:~\n"), "{text}");
    assert!(text.contains("     1001 customers.csv\n"), "what commands print is shown: {text}");
    assert_eq!(text.matches("  same\n").count(), 6, "{text}");
    let text = text.replace(guest.street.folder().to_str().unwrap(), "DIR");
    assert!(text.lines().count() < 60 && text.lines().all(|line| line.len() <= 110), "{text}");
}

#[test]
fn it_fails_when_files_are_missing_whatever_the_commands_say() {
    let Some(guest) = Guest::new() else { return };
    let (outcome, text) = told(&guest, "exit 0");
    assert!(matches!(&outcome, StoryOutcome::Failed(why) if why.len() == 6), "{outcome:?}");
    assert!(text.contains("missing") && text.contains("DIFFERENT") && text.contains("This did not hold:"), "{text}");
}

#[test]
fn it_fails_when_one_byte_is_changed() {
    let Some(guest) = Guest::new() else { return };
    let home = guest.street.home(hop::demo::Vpc::Dell);
    let script = format!("({BY_OPENSSH}); s=$?; echo x >> '{}/customers.csv'; exit $s", home.display());
    let (outcome, _) = told(&guest, &script.replace("exec ", ""));
    assert_eq!(outcome, StoryOutcome::Failed(vec!["customers.csv: not the same on acc-pvt and dell-pvt".to_owned()]));
}

#[test]
fn it_fails_when_a_command_does() {
    let Some(guest) = Guest::new() else { return };
    let (outcome, text) = told(&guest, &format!("[ $1 = ssh ] && {{ echo sorry >&2; exit 9; }}\n{BY_OPENSSH}"));
    let why = "hop ssh acc-pvt wc -l customers.csv: exit status: 9";
    assert_eq!(outcome, StoryOutcome::Failed(vec![why.to_owned()]));
    assert!(text.contains("     sorry\n     (exit status: 9)\n"), "{text}");
}
