//! A copy during which the host that logs in is hostile: root there stands before its ssh. It gets the one
//! login, all else is refused and counted, and a theft ends the copy.

use std::fs;

use super::tools::Tools;
use super::{at_once, begins, cp, fetching, is_direct, under_way};
use crate::end_to_end::noise;
use crate::street::{ACC_BASTION, ACC_PVT, DELL_PVT, Outcome, Plan, Process, Street, run};
use crate::whole::ran::run_while;
use crate::wire::Link;

/// Only the login has an agent: what is tried, is tried then.
pub const AT_THE_LOGIN: &str =
    "case \" $* \" in *' -'?'NM '*) ;; *) exec $real \"$@\";; esac\nfor to in \"$@\"; do :; done\n";

/// Tried by the source that sends, and by the destination that fetches.
fn each_way(plan: impl Fn(&'static str) -> Plan, tried: impl Fn(&Street, &[String], &str)) {
    for (by, at) in [(ACC_PVT, DELL_PVT), (DELL_PVT, ACC_PVT)] {
        let Some(street) = plan(by).start() else { return };
        street.put(ACC_PVT, "f", b"content");
        let fetching: Vec<String> = fetching(&street, ACC_PVT).into_iter().filter(|_| by == DELL_PVT).collect();
        tried(&street, &fetching, at);
    }
}

#[test]
fn what_is_asked_for_besides_the_login_is_refused_and_counted() {
    // to empty the agent, to log in as another user, and at another host
    let greedy = format!(
        "{AT_THE_LOGIN}ssh-add -D >/dev/null 2>&1\n\
         $real -F \"$HOP_LENT\" -o User=root -- \"$to\" true 2>/dev/null\n\
         $real -F \"$HOP_LENT\" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
           -o HostName=$(cut -d: -f1 $here/other) -p $(cut -d: -f2 $here/other) -- \"$to\" true 2>/dev/null\n\
         exec $real \"$@\""
    );
    let tools = Tools::new().put("ssh", &greedy);
    each_way(
        |by| tools.plan(by),
        |street, fetching, at| {
            fs::write(tools.path().join("other"), street.server(ACC_BASTION).address.to_string()).expect("an address");
            let ran = run(cp(street, fetching).args(["-R", "acc-pvt:f", "dell-pvt:"]));
            assert_eq!(ran.code, Some(0), "{ran}");
            let line = ran.stderr.lines().find(|line| line.starts_with("warning: agent: ")).unwrap_or_default();
            assert!(line.contains(&format!("1 signature for {}@{at} (", street.user())), "{ran}");
            // the agent's emptying, the other user; the other host by its binding
            assert!(line.ends_with(", 3 refused"), "{ran}");
            assert_eq!(fs::read(street.home(DELL_PVT).join("f")).expect("it is there"), b"content");
        },
    );
}

#[test]
fn what_was_refused_is_told_though_the_login_came_to_nothing() {
    // takes all of the agent's connections, and leaves none for the login
    let besieger =
        format!("{AT_THE_LOGIN}for n in 1 2 3 4 5 6 7 8 9; do ssh-add -D >/dev/null 2>&1; done\nexec $real \"$@\"");
    let tools = Tools::new().put("ssh", &besieger);
    each_way(
        |by| tools.plan(by),
        |street, fetching, at| {
            let told = |ran: &Outcome| {
                let line = ran.stderr.lines().find(|line| line.starts_with("warning: agent: ")).unwrap_or_default();
                assert!(line.contains(&format!("0 signatures for {}@{at} (", street.user())), "{ran}");
                let refused = line.strip_suffix(" refused").and_then(|line| line.rsplit_once(' '));
                assert!(refused.is_some_and(|(_, count)| count.parse().is_ok_and(|count: u32| count >= 9)), "{ran}");
            };
            let mut command = cp(street, fetching);
            let ran = run(command.args(["-R", "acc-pvt:f", "dell-pvt:"]));
            told(&ran);
            let says = ["where the lent agent refused ", "(too many agent connections, ", "hint: look who is on "];
            assert!(ran.code == Some(14) && says.iter().all(|says| ran.stderr.contains(says)), "{ran}");
            assert!(!street.home(DELL_PVT).join("f").exists(), "{ran}");
            // without a terminal, and without progress that was asked for
            let ran = run(street.hop("cp").args(fetching).args(["acc-pvt:f", "dell-pvt:"]));
            told(&ran);
            assert!(ran.code == Some(0) && ran.stderr.lines().count() == 1, "one line: {ran}");
            assert_eq!(fs::read(street.home(DELL_PVT).join("f")).expect("relayed"), b"content");
        },
    );
}

#[test]
fn a_login_that_was_taken_by_another_ends_the_copy() {
    let thief = format!("{AT_THE_LOGIN}$real -F \"$HOP_LENT\" -- \"$to\" true\nexec $real \"$@\"");
    let tools = Tools::new().put("ssh", &thief);
    each_way(
        |by| tools.plan(by),
        |street, fetching, at| {
            for route in ["direct", "auto"] {
                let ran = run(cp(street, fetching).args(["--route", route, "acc-pvt:f", "dell-pvt:"]));
                assert_eq!(ran.code, Some(31), "{route}: {ran}");
                assert!(ran.stderr.contains(&format!("@{at} was used, and not by hop's own client")), "{ran}");
                assert!(ran.stderr.contains("hint: ") && ran.stderr.contains("agent: 1 signature for "), "{ran}");
                assert!(!street.home(DELL_PVT).join("f").exists(), "no relay after a theft: {ran}");
            }
        },
    );
}

#[test]
fn a_second_login_that_was_taken_by_another_ends_the_copy() {
    second_is_taken(ACC_PVT, DELL_PVT);
}

#[test]
fn a_second_login_of_who_fetches_that_was_taken_by_another_ends_the_copy() {
    second_is_taken(DELL_PVT, ACC_PVT);
}

/// The first one is lost on the way; the thief waits for the one that comes after it.
fn second_is_taken(by: &'static str, at: &'static str) {
    let thief = format!(
        "{AT_THE_LOGIN}echo login >>$here/logins\n\
         [ $(wc -l <$here/logins) != 2 ] || $real -F \"$HOP_LENT\" -- \"$to\" true </dev/null\nexec $real \"$@\""
    );
    let slow = Link { rate: Some(8 << 20), ..Link::default() };
    let content = noise(15, 16 << 20);
    at_once(["direct", "auto"], |route| {
        let tools = Tools::new().put("ssh", &thief);
        let Some(street) = tools.plan(by).link(at, slow.clone()).start() else { return };
        street.put(ACC_PVT, "large", &content);
        let fetching = fetching(&street, ACC_PVT).into_iter().filter(|_| by == DELL_PVT);
        let mut command = cp(&street, fetching);
        let mut is_lost = false;
        let ran = run_while(command.args(["--route", route, "acc-pvt:large", "dell-pvt:"]), |_, _| {
            if !is_lost && under_way(&street) {
                street.server(by).processes_named("ssh").iter().for_each(Process::kill);
                is_lost = true;
            }
        });
        assert!(is_lost && ran.code == Some(31) && is_direct(&ran.stderr), "{route}: {ran}");
        assert!(ran.stderr.contains(&format!("@{at} was used, and not by hop's own client")), "{ran}");
        assert!(ran.stderr.contains("hint: ") && ran.stderr.contains("agent: 2 signatures for "), "{ran}");
        assert_eq!(fs::read_to_string(tools.path().join("logins")).expect("a list").lines().count(), 2);
        let no_relay = !ran.stderr.contains("relay: ") && !street.home(DELL_PVT).join("large").exists();
        assert!(no_relay, "no relay after a theft: {ran}");
    });
}

#[test]
fn what_a_hostile_host_says_is_bounded_and_harmless() {
    let loud = format!(
        "{AT_THE_LOGIN}head -c 20000000 /dev/zero | tr '\\0' '\\033'\n\
         head -c 20000000 /dev/zero | tr '\\0' '\\033' >&2\nprintf '\\033]0;owned\\007\\n' >&2\nexit 1"
    );
    let tools = Tools::new().put("ssh", &loud);
    each_way(
        |by| tools.plan(by),
        |street, fetching, _| {
            let ran = run(cp(street, fetching).args(["-R", "acc-pvt:f", "dell-pvt:"]));
            assert_eq!(ran.code, Some(10), "{ran}");
            let said = ran.stdout.len() + ran.stderr.len();
            assert!(said < 4096 && !ran.stderr.contains(['\x1b', '\x07']), "{said} bytes: {ran}");
            let ran = run(cp(street, fetching).args(["acc-pvt:f", "dell-pvt:"]));
            assert!(ran.code == Some(0) && begins(&ran, "relay: "), "{ran}");
            assert!(ran.stderr.len() < 4096 && !ran.stderr.contains(['\x1b', '\x07']), "{ran}");
        },
    );
}
