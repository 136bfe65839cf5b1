//! Is a host trusted only as long as it stays who it was? A server that shows another host key when keys are changed, and
//! one that never comes to the point of letting anybody in (F41).

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::turncoat::{Manner, Turncoat};
use crate::street::{Outcome, run};

/// A laptop that knows the server as `t`.
fn laptop(server: &Turncoat) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let known = folder.path().join("known");
    fs::write(&known, format!("{}\n", server.known)).expect("known_hosts");
    let config = format!(
        "Host t\n  HostName {}\n  Port {}\n  User u\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile none\n  IdentityAgent none\n",
        server.address.ip(),
        server.address.port(),
        known.display()
    );
    fs::write(folder.path().join("config"), config).expect("ssh_config");
    fs::write(folder.path().join("file"), b"content").expect("a file");
    folder
}

fn hop(laptop: &TempDir, words: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hop"));
    command.arg(words[0]).args(["-F", "config"]).args(&words[1..]);
    command.current_dir(laptop).env("HOME", laptop.path()).env_remove("SSH_AUTH_SOCK").stdin(Stdio::null());
    run(&mut command)
}

#[test]
fn a_host_key_that_changes_when_keys_are_changed_ends_the_run() {
    let server = Turncoat::start(Manner::Changes);
    let laptop = laptop(&server);
    let verbs: [(&[&str], i32); 5] = [
        (&["cp", "file", "t:"], 13),
        (&["cp", "t:file", "down"], 13),
        (&["ls", "t:"], 13),
        (&["doctor", "t"], 13),
        (&["ssh", "t", "true"], 255),
    ];
    for (words, code) in verbs {
        let ran = hop(&laptop, words);
        assert_eq!(ran.code, Some(code), "{words:?}: {ran}");
        let said = [ran.stdout.as_str(), ran.stderr.as_str()].concat();
        assert!(said.contains("key") && said.contains("changed") || said.contains("another key"), "{words:?}: {ran}");
        assert!(!said.contains("connecting again"), "{words:?}: {ran}");
    }
    let said = hop(&laptop, &["ls", "t:"]).stderr;
    assert!(said.contains("laptop > t") && said.contains("host key CHANGED") && said.contains("SHA256:"), "{said}");
}

#[test]
fn the_same_host_key_when_keys_are_changed_is_no_news() {
    let server = Turncoat::start(Manner::Honest);
    let laptop = laptop(&server);
    for words in [&["ssh", "t", "true"][..], &["ssh", "-vv", "t", "true"]] {
        let ran = hop(&laptop, words);
        assert_eq!(ran.code, Some(7), "{words:?}: {ran}");
    }
}

#[test]
fn a_server_that_talks_without_letting_anybody_in_is_cut_off() {
    let server = Turncoat::start(Manner::Chatters);
    let laptop = laptop(&server);
    let ran = hop(&laptop, &["ls", "-v", "t:"]);
    assert_eq!(ran.code, Some(14), "{ran}");
    assert!(ran.stderr.contains("sent more than any login takes"), "{ran}");
    assert_eq!(ran.stderr.matches("banner ").count(), 16, "{ran}");
}
