//! `hop ssh --lend`: what a person types, sees, and is left with.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::skips::need;
use crate::street::{ACC_PVT, DELL_PVT, Street, run, until};

const LOGIN: &str = "ssh -F $HOP_LENT dell-pvt cat secret";

fn street() -> Option<Street> {
    let street = Street::start()?;
    street.put(DELL_PVT, "secret", b"from dell-pvt");
    Some(street)
}

/// What stands in quotes of the last `agent:` line.
fn agent_line(stderr: &str) -> &str {
    stderr.lines().rfind(|line| line.contains("agent: ")).unwrap_or_default()
}

#[test]
fn one_host_is_reached_from_another_without_a_key_there() {
    let Some(street) = street() else { return };
    let ran = run(street.hop("ssh").args(["--lend", DELL_PVT, ACC_PVT, LOGIN]));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "from dell-pvt"), "{ran}");
    let user = street.user();
    assert!(ran.stderr.contains(&format!("lent to acc-pvt: 1 login to {user}@dell-pvt (SHA256:")), "{ran}");
    assert!(ran.stderr.contains("tier A"), "{ran}");
    let line = agent_line(&ran.stderr);
    assert!(line.starts_with(&format!("agent: 1 signature for {user}@dell-pvt (SHA256:")), "{ran}");
    assert!(line.ends_with("), 0 refused"), "{ran}");
}

#[test]
fn more_logins_than_granted_are_refused_and_said() {
    let Some(street) = street() else { return };
    let twice = format!("{LOGIN}; {LOGIN}");
    let ran = run(street.hop("ssh").args(["--lend", DELL_PVT, ACC_PVT, &twice]));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(31), "from dell-pvt"), "{ran}");
    assert!(agent_line(&ran.stderr).starts_with("warning: agent: 1 signature for "), "{ran}");
    assert!(ran.stderr.contains("--signatures N"), "{ran}");

    let ran = run(street.hop("ssh").args(["--lend", DELL_PVT, "--signatures", "2", ACC_PVT, &twice]));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "from dell-pvtfrom dell-pvt"), "{ran}");
    assert!(agent_line(&ran.stderr).starts_with("agent: 2 signatures for "), "{ran}");
}

#[test]
fn a_session_that_is_lent_a_login_keeps_its_status_and_leaves_nothing() {
    let Some(street) = street() else { return };
    let ran = run(street.hop("ssh").args(["--lend", DELL_PVT, ACC_PVT, "echo $HOP_LENT $SSH_AUTH_SOCK; exit 7"]));
    assert_eq!(ran.code, Some(7), "{ran}");
    let paths: Vec<&str> = ran.stdout.split_whitespace().collect();
    assert_eq!(paths.len(), 2, "{ran}");
    assert!(!Path::new(paths[0]).parent().expect("a folder").exists(), "{paths:?}");
    // the socket is sshd's, which sees the end of the connection a moment later
    until("the agent's socket is gone", || !Path::new(paths[1]).exists());
    assert!(agent_line(&ran.stderr).contains("agent: 0 signatures for "), "{ran}");
}

#[test]
fn what_cannot_be_lent_is_refused_before_anything_runs() {
    let Some(street) = street() else { return };
    let own = run(street.hop("ssh").args(["--lend", ACC_PVT, ACC_PVT, "echo ran"]));
    assert_eq!((own.code, own.stdout.as_str()), (Some(255), ""), "{own}");
    assert!(own.stderr.contains("have the same host key"), "{own}");
    let both = run(street.hop("ssh").args(["-A", "--lend", DELL_PVT, ACC_PVT, "echo ran"]));
    assert_eq!((both.code, both.stdout.as_str()), (Some(255), ""), "{both}");
}

#[test]
fn a_killed_hop_leaves_nothing_on_the_host() {
    let Some(street) = street() else { return };
    let mut hop = street.hop("ssh");
    hop.args(["--lend", DELL_PVT, ACC_PVT, "echo $HOP_LENT; echo $SSH_AUTH_SOCK; exec sleep 1003"]);
    let mut child = hop.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("hop ssh");
    let said = BufReader::new(child.stdout.take().expect("piped"));
    let paths: Vec<PathBuf> = said.lines().take(2).map(|line| line.expect("a line").into()).collect();
    let folder = paths[0].parent().expect("a folder").to_owned();
    assert!(folder.is_dir() && paths[1].exists(), "{paths:?}");
    child.kill().expect("kill hop");
    child.wait().expect("wait for hop");
    until("the folder is gone", || !folder.exists());
    until("the agent's socket is gone", || !paths[1].exists());
    until("what ran there is gone", || street.server(ACC_PVT).processes_named("sleep").is_empty());
}

#[test]
fn a_shell_with_a_terminal_can_log_in_too() {
    let Some(street) = street() else { return };
    let mut hop = street.hop("ssh");
    hop.args(["-tt", "--lend", DELL_PVT, ACC_PVT]).env("TERM", "dumb");
    let mut child = hop.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("hop ssh");
    let mut typed = child.stdin.take().expect("piped");
    typed.write_all(b"ssh -F $HOP_LENT dell-pvt 'tty; cat secret'; exit 5\n").expect("typed");
    let ended = child.wait_with_output().expect("hop ends");
    let (shown, said) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert_eq!(ended.status.code(), Some(5), "{shown}{said}");
    assert!(shown.contains("from dell-pvt"), "{shown}{said}");
    assert!(agent_line(&said).starts_with("agent: 1 signature for "), "{shown}{said}");
    drop(typed);
}

#[test]
fn a_key_that_only_the_agent_here_holds_is_lent_for_the_one_request() {
    let (Some(street), Some(agent), Some(add)) = (street(), need("ssh-agent"), need("ssh-add")) else { return };
    let socket = street.laptop().join("agent");
    let mut agent =
        Command::new(agent).arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().expect("an agent");
    until("the agent listens", || socket.exists());
    for key in ["acc.pem", "dell.pem"] {
        let mut add = street.on_laptop(add.to_str().expect("a path"));
        let added = run(add.arg(key).env("SSH_AUTH_SOCK", &socket));
        assert_eq!(added.code, Some(0), "{added}");
        std::fs::remove_file(street.laptop().join(key)).expect("remove a key");
    }
    street.configure("Host *\n  IdentitiesOnly no");
    let mut hop = street.hop("ssh");
    let list = format!("ssh-add -l; {LOGIN}; ssh-add -l");
    let ran = run(hop.args(["--lend", DELL_PVT, ACC_PVT, &list]).env("SSH_AUTH_SOCK", &socket));
    agent.kill().expect("kill the agent");
    agent.wait().expect("wait for the agent");
    assert!(ran.stdout.contains("from dell-pvt"), "{ran}");
    assert!(!ran.stdout.contains("SHA256"), "the host saw a key of the agent: {ran}");
    assert!(ran.stderr.contains("agent: 1 signature for "), "{ran}");
}
