//! Does hop accept and refuse what `ssh` does? What is known × what is presented × how strict to be, both before the same
//! sshd; the verdict, the question and the file afterwards are compared.
//!
//! hop is never laxer. Where it is stricter, [`stricter`] says why; any other difference fails.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use hop::trust::Presented;

use super::ground::{Files, Identity, Manner, Outcome, World, by_hop, tools};
use super::situations::{Situation, about_authorities, about_keys, about_ports};

struct Case<'a> {
    identity: &'a Identity,
    situation: Situation,
    port: u16,
    manner: Manner,
}

/// ssh accepts this one for a certificate of nobody's, and refuses it for the plain key.
const CERTIFIED_ELSEWHERE: &str = "port: another key, the key for the bare name";

/// The differences that are meant.
fn stricter(hop: &Outcome, case: &Case) -> Option<&'static str> {
    let manner = case.manner;
    if manner == Manner::Off && hop.why.contains("CHANGED") {
        Some("a changed key, under `no`")
    } else if manner == Manner::Off && hop.why.contains("REVOKED") {
        Some("a revoked key, under `no`")
    } else if hop.why.contains("REVOKED") && hop.why.contains("[host]:2222") {
        Some("a key revoked for the bare name, on another port")
    } else if case.situation.title == CERTIFIED_ELSEWHERE
        && matches!(case.identity.presented, Presented::Certificate(_))
    {
        Some("a changed key: ssh overlooks the port's line when the key comes in a certificate")
    } else {
        None
    }
}

fn cases<'a>(world: &World, plain: &'a [Identity], certified: &'a [Identity]) -> Vec<Case<'a>> {
    use Manner::*;
    let mut cases = Vec::new();
    let mut add = |identity: &'a Identity, situations: Vec<Situation>, port, manners: &[Manner]| {
        for (index, situation) in situations.into_iter().enumerate() {
            let (title, user, global) = (situation.title, situation.user, situation.global);
            // a person is asked in turns: yes, no, nobody there
            let asked = [AskYes, AskNo, AskNobody][index % 3];
            for &manner in manners.iter().chain([&asked]) {
                let situation = Situation { title, user: user.clone(), global: global.clone() };
                cases.push(Case { identity, situation, port, manner });
            }
        }
    };
    add(&plain[0], about_keys(world, &plain[0]), 22, &[Strict, AcceptNew, Off]);
    for identity in &plain[1..] {
        add(identity, about_keys(world, identity), 22, &[]);
    }
    add(&certified[0], about_authorities(world, &certified[0]), 22, &[Strict, AcceptNew, Off]);
    for identity in &certified[1..] {
        add(identity, about_authorities(world, identity), 22, &[]);
    }
    add(&plain[0], about_ports(world, &plain[0]), 2222, &[Strict, AcceptNew]);
    add(&certified[0], about_ports(world, &certified[0]), 2222, &[Strict, AcceptNew]);
    cases
}

/// What a difference is, if there is one that is not meant; `Ok(Some)` for one that is.
fn compare(case: &Case, ssh: &Outcome, hop: &Outcome) -> Result<Option<&'static str>, String> {
    let differ = |what: &str| {
        let (presented, situation) = (case.identity.title, case.situation.title);
        Err(format!(
            "{presented} / {situation} / port {} / {:?}: {what}\n ssh: {ssh:?}\n hop: {hop:?}",
            case.port, case.manner
        ))
    };
    match (ssh.accepted, hop.accepted) {
        (false, true) => differ("hop is LAXER"),
        (true, false) => stricter(hop, case).map_or_else(|| differ("hop is stricter"), |why| Ok(Some(why))),
        _ if ssh.file != unrepaired(&hop.file, &case.situation.user) => differ("the files differ"),
        _ => match (&ssh.question, &hop.question) {
            (Some(asked), Some(ours)) if asked.replace(" (<no hostip for proxy command>)", "") != *ours => {
                differ("the questions differ")
            }
            (Some(_), None) | (None, Some(_)) => differ("only one asks"),
            _ => Ok(None),
        },
    }
}

/// `file` without the newline that hop puts after a last line that lacks one, where ssh goes on in that very line.
fn unrepaired(file: &str, before: &str) -> String {
    match file.strip_prefix(before).and_then(|added| added.strip_prefix('\n')) {
        Some(added) if !before.is_empty() && !before.ends_with('\n') => format!("{before}{added}"),
        _ => file.to_owned(),
    }
}

#[test]
fn hop_trusts_whom_ssh_trusts() {
    let Some(tools) = tools() else { return };
    let world = World::new(tools);
    let (plain, certified) = (world.plain(), world.certified());
    let cases = cases(&world, &plain, &certified);
    let next = AtomicUsize::new(0);
    let judge = |case: &Case| {
        let files = || Files::new(&case.situation.user, &case.situation.global);
        let ssh = world.by_ssh(case.identity, &files(), case.port, case.manner);
        let hop = by_hop(case.identity, &files(), case.port, case.manner);
        (compare(case, &ssh, &hop), ssh.accepted)
    };
    let work = || {
        let mine = std::iter::from_fn(|| cases.get(next.fetch_add(1, Ordering::Relaxed)));
        mine.map(judge).collect::<Vec<_>>()
    };
    let outcomes: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker")).collect()
    });
    let failures: Vec<_> = outcomes.iter().filter_map(|(found, _)| found.as_ref().err()).cloned().collect();
    let meant = outcomes.iter().filter(|(found, _)| matches!(found, Ok(Some(_)))).count();
    let accepted = outcomes.iter().filter(|(_, accepted)| *accepted).count();
    println!("{} cases: ssh accepts {accepted}; hop is stricter in {meant}, as meant", outcomes.len());
    assert!(failures.is_empty(), "{} of {} differ:\n{}", failures.len(), outcomes.len(), failures.join("\n"));
    assert!(outcomes.len() > 250 && accepted > 80 && meant > 5, "the matrix has shrunk");
}
