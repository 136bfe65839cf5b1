//! `hop ssh --lend`: what a person types, sees, and is left with.

use std::path::Path;

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
