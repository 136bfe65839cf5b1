//! Questions by a program (`SSH_ASKPASS`), where ssh would have it ask, and nowhere else.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::skips::need;
use crate::street::{ACC_BASTION, Outcome, Street, run, until};

/// Writes down its words, what it is told about them, and its descriptors; then answers.
const ASK: &str = "#!/bin/sh
ls /proc/self/fd > open
printf '%s word: %s (%s)\\n' $# \"$1\" \"${SSH_ASKPASS_PROMPT-text}\" >> asked
printf '%s\\nmore\\n' \"$ANSWER\"
exit ${STATUS-0}
";

/// A street with the program beside the keys.
struct Asked(Street);

impl Asked {
    fn start() -> Option<Asked> {
        let street = Street::start()?;
        script(&street, ASK);
        Some(Asked(street))
    }

    /// `hop` with these words in a session without a terminal, and with these variables.
    fn hop(&self, variables: &[(&str, &str)], words: &[&str]) -> Outcome {
        let _ = fs::remove_file(self.file()); // it is not there before the first question
        let mut command = without_terminal(&self.0, words);
        run(command.envs(variables.iter().copied()))
    }

    fn file(&self) -> PathBuf {
        self.0.laptop().join("asked")
    }

    /// The questions of the last run.
    fn questions(&self) -> Vec<String> {
        let text = fs::read_to_string(self.file()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

fn script(street: &Street, text: &str) {
    let program = street.put_here("ask", text.as_bytes());
    fs::set_permissions(&program, Permissions::from_mode(0o700)).expect("chmod");
}

fn without_terminal(street: &Street, words: &[&str]) -> Command {
    let (verb, rest) = words.split_first().expect("a verb");
    let mut command = street.on_laptop("setsid");
    command.args(["--wait", env!("CARGO_BIN_EXE_hop"), verb, "-F"]).arg(street.config()).args(rest);
    command.env("SSH_ASKPASS", "./ask");
    command
}

fn encrypt(street: &Street) {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-p", "-P", "", "-N", "s3cret words", "-f"]).arg(street.laptop().join("acc.pem"));
    assert_eq!(run(&mut keygen).code, Some(0));
}

const THERE: [&str; 4] = ["ssh", "acc-bastion", "echo", "there"];
const DISPLAY: (&str, &str) = ("DISPLAY", ":0");
const FORCE: (&str, &str) = ("SSH_ASKPASS_REQUIRE", "force");

#[test]
fn a_passphrase_is_asked_for_where_there_is_a_display_and_no_terminal() {
    let Some(asked) = Asked::start() else { return };
    encrypt(&asked.0);
    let right = ("ANSWER", "s3cret words");
    let question =
        format!("1 word: Enter passphrase for key '{}':  (text)", asked.0.laptop().join("acc.pem").display());
    for variables in [&[DISPLAY, right], &[("WAYLAND_DISPLAY", "w"), right], &[FORCE, right]] {
        let outcome = asked.hop(variables, &THERE);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "there\n"), "{variables:?}: {outcome}");
        assert_eq!(asked.questions(), [question.as_str()], "{variables:?}");
        assert!(!outcome.stderr.contains("s3cret"), "{outcome}");
    }
    // those that hop has from the tests' own parent are its parent's to close
    let inherited = run(asked.0.on_laptop("sh").args(["-c", "ls /proc/self/fd"])).stdout;
    assert_eq!(fs::read_to_string(asked.0.laptop().join("open")).expect("its descriptors"), inherited);
    let never = ("SSH_ASKPASS_REQUIRE", "never");
    let prefer = ("SSH_ASKPASS_REQUIRE", "prefer");
    for variables in [&[right][..], &[right, prefer], &[right, DISPLAY, never], &[right, ("DISPLAY", "")]] {
        let outcome = asked.hop(variables, &THERE);
        assert_eq!((outcome.code, asked.questions().len()), (Some(255), 0), "{variables:?}: {outcome}");
    }
    let outcome = asked.hop(&[FORCE, right], &["ssh", "-o", "BatchMode=yes", "acc-bastion", "true"]);
    assert_eq!((outcome.code, asked.questions().len()), (Some(255), 0), "{outcome}");
}

#[test]
fn an_empty_or_refused_passphrase_leaves_the_key_alone_and_a_wrong_one_is_asked_for_again() {
    let Some(asked) = Asked::start() else { return };
    encrypt(&asked.0);
    for (variables, times) in [
        (&[FORCE, ("ANSWER", "")][..], 1),
        (&[FORCE, ("ANSWER", "s3cret words"), ("STATUS", "1")], 1),
        (&[FORCE, ("ANSWER", "wrong")], 3),
    ] {
        let outcome = asked.hop(variables, &THERE);
        assert_eq!((outcome.code, asked.questions().len()), (Some(255), times), "{variables:?}: {outcome}");
    }
    let outcome = asked.hop(&[FORCE, ("SSH_ASKPASS", "./none")], &THERE);
    assert!(outcome.code == Some(255) && outcome.stderr.contains("SSH_ASKPASS: ./none: No such file"), "{outcome}");
}

#[test]
fn a_host_key_is_accepted_by_yes_or_its_fingerprint() {
    let Some(asked) = Asked::start() else { return };
    asked.0.configure("StrictHostKeyChecking ask");
    let forget = || fs::write(asked.0.known_hosts(), "").expect("empty known_hosts");
    forget();
    let outcome = asked.hop(&[FORCE, ("ANSWER", "yes")], &THERE);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "there\n"), "{outcome}");
    let said = asked.questions().join("\n");
    assert!(said.starts_with("1 word: The authenticity of host '"), "{said}");
    assert!(said.ends_with("(yes/no/[fingerprint])?  (text)"), "{said}");
    let print = said.split_once("key fingerprint is ").and_then(|(_, rest)| rest.split_once(".\n")).expect(&said).0;
    forget();
    assert_eq!(asked.hop(&[FORCE, ("ANSWER", print)], &THERE).code, Some(0));
    for refusal in [&[FORCE, ("ANSWER", "no")][..], &[FORCE, ("ANSWER", "yes"), ("STATUS", "1")]] {
        forget();
        let outcome = asked.hop(refusal, &["cp", "acc-bastion:x", "."]);
        assert_eq!(outcome.code, Some(13), "{refusal:?}: {outcome}");
        assert_eq!(fs::read(asked.0.known_hosts()).expect("known_hosts"), b"", "{refusal:?}");
    }
}

#[test]
fn a_confirmation_is_given_by_the_exit_status() {
    let Some(asked) = Asked::start() else { return };
    let key = asked.0.laptop().join("acc.pem");
    for (variables, code) in [(&[FORCE, ("STATUS", "1")][..], 77), (&[FORCE, ("ANSWER", "n")], 77), (&[FORCE], 0)] {
        fs::set_permissions(&key, Permissions::from_mode(0o644)).expect("chmod");
        let outcome = asked.hop(variables, &["key", "fix"]);
        assert_eq!(outcome.code, Some(code), "{variables:?}: {outcome}");
        assert_eq!(asked.questions(), [format!("1 word: chmod 400 {}? (confirm)", key.display())]);
    }
}

#[test]
fn a_program_that_asks_goes_with_hop() {
    let Some(asked) = Asked::start() else { return };
    encrypt(&asked.0);
    script(&asked.0, "#!/bin/sh\necho $$ > pid.new; mv pid.new pid; exec sleep 600\n");
    let mut hop = asked.0.on_laptop(env!("CARGO_BIN_EXE_hop"));
    hop.arg("cp").arg("-F").arg(asked.0.config()).args(["acc-bastion:x", "."]);
    hop.envs([("SSH_ASKPASS", "./ask"), FORCE]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut hop = hop.spawn().expect("hop");
    let file = asked.0.laptop().join("pid");
    until("the program asks", || file.exists());
    let pid: i32 = fs::read_to_string(file).expect("its number").trim().parse().expect("a number");
    let program = Pid::from_raw(pid).expect("a process");
    kill_process(Pid::from_child(&hop), Signal::TERM).expect("hop is there");
    assert_eq!(hop.wait().expect("hop").code(), Some(143));
    until("the program is gone", || test_kill_process(program).is_err());
    assert!(asked.0.server(ACC_BASTION).log().contains("Connection"), "hop had not begun");
}

#[test]
fn a_key_that_has_logged_in_goes_into_the_agent_where_that_is_wanted() {
    let Some(asked) = Asked::start() else { return };
    let street = &asked.0;
    let Some(program) = need("ssh-agent") else { return };
    encrypt(street);
    let socket = street.laptop().join("agent");
    let mut agent = street.on_laptop(&program.to_string_lossy());
    let mut agent = agent.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().expect("an agent");
    until("the agent listens", || socket.exists());
    let path = socket.display().to_string();
    let agent_at = ("SSH_AUTH_SOCK", path.as_str());
    let ssh_add = |flag: &str| run(street.on_laptop("ssh-add").arg(flag).env(agent_at.0, agent_at.1)).stdout;
    let passphrase = ("ANSWER", "s3cret words");
    for (option, held, questions) in [
        ("AddKeysToAgent=no", false, 1),
        ("AddKeysToAgent=ask", false, 2), // what is no yes is a no
        ("AddKeysToAgent=yes", true, 1),
    ] {
        let outcome = asked.hop(&[FORCE, agent_at, passphrase], &["ssh", "-o", option, "acc-bastion", "true"]);
        assert_eq!(outcome.code, Some(0), "{option}: {outcome}");
        assert_eq!((ssh_add("-l").contains("RSA"), asked.questions().len()), (held, questions), "{option}");
    }
    let again = asked.hop(&[FORCE, agent_at], &THERE);
    assert_eq!((again.stdout.as_str(), asked.questions().len()), ("there\n", 0), "the agent signs: {again}");
    ssh_add("-D");
    let short = ["ssh", "-o", "AddKeysToAgent=2", "acc-bastion", "true"];
    assert_eq!(asked.hop(&[FORCE, agent_at, passphrase], &short).code, Some(0));
    until("the agent has forgotten it", || !ssh_add("-l").contains("RSA"));
    agent.kill().and_then(|()| agent.wait()).expect("the agent ends");
}
