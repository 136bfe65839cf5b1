//! `hop ssh` where programs run ssh: what they read, and the flags that they give.

use std::process::Stdio;
use std::time::Instant;

use crate::street::{ACC_BASTION, Street, run, until};

#[test]
fn a_proxy_command_says_what_it_says() {
    let Some(street) = Street::start() else { return };
    street.configure("Host proxied\n  ProxyCommand printf 'MOSH IP \\033[1m192.0.2.1\\n' >&2; exit 1\n");
    let outcome = run(street.hop("ssh").args(["proxied", "true"]));
    assert_eq!(outcome.code, Some(255), "{outcome}");
    assert!(outcome.stderr.starts_with("MOSH IP \x1b[1m192.0.2.1\n"), "{outcome}");
}

#[test]
fn a_local_command_runs_once_the_login_is_done_if_it_is_permitted() {
    let Some(street) = Street::start() else { return };
    street.configure("LocalCommand echo %n as %r; echo oops >&2; exit 3\n");
    let said = |permit: &str| run(street.hop("ssh").args(["-o", permit, "acc-bastion", "echo there"]));
    let outcome = said("PermitLocalCommand=yes");
    let expected = format!("acc-bastion as {}\nthere\n", street.user_at(ACC_BASTION));
    assert_eq!((outcome.code, &outcome.stdout, outcome.stderr.as_str()), (Some(0), &expected, "oops\n"), "{outcome}");
    assert_eq!(said("PermitLocalCommand=no").stdout, "there\n");
    street.configure("LocalCommand echo %Q\n");
    let wrong = said("PermitLocalCommand=yes");
    assert!(wrong.code == Some(255) && wrong.stderr.contains("unknown token %Q"), "{wrong}");
}

#[test]
fn it_goes_to_the_background_once_it_is_logged_in() {
    let Some(street) = Street::start() else { return };
    let background = |option: &str, line: &str| {
        let mut command = street.hop("ssh");
        let command = command.args(["-f", "-o", option, "acc-bastion", line]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("hop").code()
    };
    let (began, there) = (Instant::now(), street.home(ACC_BASTION).join("done"));
    assert_eq!(background("BatchMode=yes", "sleep 5; touch done"), Some(0));
    assert!(!there.exists(), "it waited for the command: {:?}", began.elapsed());
    until("the command in the background is done", || there.exists());
    assert_eq!(background("Port=1", "true"), Some(255));
    let nothing = run(street.hop("ssh").args(["-f", "acc-bastion"]));
    assert!(nothing.code == Some(255) && nothing.stderr.contains("no command"), "{nothing}");
}

#[test]
fn the_first_word_that_names_the_user_counts() {
    let Some(street) = Street::start() else { return };
    let user = |words: &str| {
        let outcome = run(street.hop("ssh").arg("-G").args(words.split(' ')));
        let line = outcome.stdout.lines().find_map(|line| line.strip_prefix("user ")).map(str::to_owned);
        line.unwrap_or_else(|| panic!("{words}: {outcome}"))
    };
    for (words, expected) in [
        ("-o User=foo -l bar baz@h", "foo"),
        ("-l bar -o User=foo baz@h", "bar"),
        ("-l bar -l foo baz@h", "bar"),
        ("baz@h -o User=foo -l bar", "baz"),
        ("h -l bar -o user=foo", "bar"),
        ("ssh://baz@h -l bar", "baz"),
    ] {
        assert_eq!(user(words), expected, "{words}");
    }
    let port = |words: &str| run(street.hop("ssh").arg("-G").args(words.split(' '))).stdout.contains("\nport 7\n");
    assert!(port("-p 7 -p 8 ssh://h:9") && port("ssh://h:7 -p 8 -o Port=9") && port("-o Port=7 -p 8 h"));
}

#[test]
fn flags_of_programs_that_run_ssh_are_taken() {
    let Some(street) = Street::start() else { return };
    let ignore = "-k -o IgnoreUnknown=New* -o NewWord=1";
    for flags in ["-2 -M -S none", "-o ControlMaster=auto -S path -x", "-X", "-K -Y", ignore] {
        let outcome = run(street.hop("ssh").args(flags.split(' ')).args(["acc-bastion", "echo there"]));
        assert_eq!(
            (outcome.code, outcome.stdout.as_str(), outcome.stderr.as_str()),
            (Some(0), "there\n", ""),
            "{flags}"
        );
    }
    let told = run(street.hop("ssh").args(["-v", "-M", "-S", "path", "acc-bastion", "exit 3"]));
    for line in [
        "not in this version: controlmaster true",
        "remote software version OpenSSH_",
        "SSH2_MSG_NEWKEYS sent",
        "Exit status 3",
    ] {
        assert!(told.stderr.contains(line), "{line}: {told}");
    }
    let display = run(street.hop("ssh").env("DISPLAY", ":0").args(["-X", "acc-bastion", "true"]));
    assert!(display.code == Some(0) && display.stderr.contains("not in this version: forwardx11 yes"), "{display}");
}

#[test]
fn a_list_may_name_a_jump_twice() {
    let Some(street) = Street::start() else { return };
    let twice = "acc-bastion,dell-bastion,acc-bastion";
    let outcome = run(street.hop("ssh").args(["-v", "-J", twice, "acc-pvt", "echo there"]));
    let way = "acc-bastion > dell-bastion";
    assert!(outcome.stderr.contains(way) && !outcome.stderr.contains("in a loop"), "{outcome}");
}

#[test]
fn a_known_hosts_that_cannot_be_written_is_a_warning_under_accept_new() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"content");
    let options = ["-o", "UserKnownHostsFile=/proc/none/known_hosts", "-o", "StrictHostKeyChecking=accept-new"];
    let copy = run(street.hop("cp").args(options).args(["--connections", "3", "f", "acc-bastion:"]));
    assert_eq!(copy.code, Some(0), "{copy}");
    assert_eq!(copy.stderr.matches("cannot record the host key in /proc/none/known_hosts").count(), 1, "{copy}");
}

#[test]
fn words_for_other_programs_are_taken() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"content");
    let copy = run(street.hop("cp").args(["-s", "-S", "/usr/bin/ssh", "f", "acc-bastion:"]));
    assert_eq!((copy.code, copy.stderr.as_str()), (Some(0), ""), "{copy}");
    let shell = run(street.hop("ssh").args(["-y", "acc-bastion", "cat f"]));
    assert_eq!((shell.code, shell.stdout.as_str(), shell.stderr.as_str()), (Some(0), "content", ""), "{shell}");
    for verb in ["cp", "sync", "ls"] {
        let version = run(street.on_laptop(env!("CARGO_BIN_EXE_hop")).args([verb, "-V"]));
        assert!(version.code == Some(0) && version.stdout.contains(env!("CARGO_PKG_VERSION")), "{version}");
    }
}
