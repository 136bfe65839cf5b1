//! A connection is lost while a direct copy begins, before anything is signed: it is begun anew.

use std::fs;
use std::time::Duration;

use super::{at_once, cp, is_direct};
use crate::skips::skip;
use crate::street::{ACC_PVT, DELL_PVT, Plan, Process, Street, run};
use crate::whole::ran::run_while;
use crate::wire::Link;

/// The first time it is asked whether it runs commands, the source is slow to answer.
const SLOW: &str = "case $BASH_EXECUTION_STRING in *hop-runs-commands*) mkdir ~/asked 2>/dev/null && sleep 60;; esac\n";

/// Has `strike` happen while the source is asked; the copy goes straight all the same, with one signature.
fn begun_anew(plan: Plan, strike: impl Fn(&Street)) {
    let Some(street) = plan.start() else { return };
    street.put(ACC_PVT, "f", b"content");
    street.put(ACC_PVT, ".bashrc", b"echo read\n");
    if !run(street.openssh("ssh").args([ACC_PVT, "true"])).stdout.contains("read") {
        return skip("the login shell does not read .bashrc for commands");
    }
    street.put(ACC_PVT, ".bashrc", SLOW.as_bytes());
    let mut has_struck = false;
    let ran = run_while(cp(&street, ["-R", "acc-pvt:f", "dell-pvt:"]).arg("-v"), |_, _| {
        if !has_struck && street.home(ACC_PVT).join("asked").exists() {
            has_struck = true;
            strike(&street);
        }
    });
    assert!(has_struck && ran.code == Some(0) && is_direct(&ran.stderr), "{ran}");
    assert!(ran.stderr.contains("agent: 1 signature for "), "{ran}");
    assert_eq!(fs::read(street.home(DELL_PVT).join("f")).expect("it is there"), b"content");
}

#[test]
fn after_its_session_was_killed() {
    begun_anew(Street::plan(), |street| street.server(ACC_PVT).sessions().iter().for_each(Process::kill));
}

/// So far away that the connection which is to be lent to has not been greeted by then, or has, or is logging in.
#[test]
fn after_its_session_was_killed_and_another_that_had_just_begun() {
    at_once([60, 150, 300].map(Duration::from_millis), |delay| {
        let plan = Street::plan().link(ACC_PVT, Link { delay, ..Link::default() });
        begun_anew(plan, |street| street.server(ACC_PVT).sessions().iter().for_each(Process::kill));
    });
}

#[test]
fn after_the_link_fell_silent() {
    begun_anew(Street::plan().link(ACC_PVT, Link::default()), |street| {
        let wire = street.server(ACC_PVT).wire.as_ref().expect("a wire");
        wire.fall_silent();
        std::thread::sleep(Duration::from_millis(300));
        wire.arm(None);
    });
}
