//! Does hop learn and forget host keys as `ssh` does (`UpdateHostKeys yes`)? Both meet a server with three keys and the
//! same file; the file afterwards is compared. For ssh a real login is needed; hop is told what the server announced.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;

use hop::progress::Silent;
use hop::prompt::{Asking, NoAnswer, Prompt};
use hop::trust::{Consent, Lookup, Naming, Policy, Presented, plan_update, verify};
use russh::keys::ssh_key::PublicKey;
use zeroize::Zeroizing;

use super::ground::{Files, World, block_on, must, run, tools};
use crate::skips::skip;

/// Is there, says yes.
struct Watching(&'static str);

impl Prompt for Watching {
    fn secret(&self, _: &str) -> Result<Zeroizing<String>, NoAnswer> {
        panic!("host keys are no secret")
    }

    fn answer(&self, _: &str) -> Result<String, NoAnswer> {
        Ok(self.0.to_owned())
    }

    fn is_there(&self) -> bool {
        true
    }
}

fn situations(world: &World) -> Vec<(&'static str, String, String)> {
    let [ed25519, ecdsa, rsa] = ["ed25519", "ecdsa", "rsa"].map(|kind| world.public(&format!("host-{kind}")));
    let [old, older] = ["another", "third"].map(|owner| world.public(&format!("{owner}-rsa")));
    let authority = world.public("authority");
    let one = format!("host {ed25519}\n");
    let about = |title, text: String| (title, text, String::new());
    vec![
        about("one of three", one.clone()),
        about("all of them", format!("{one}host {ecdsa}\nhost {rsa}\n")),
        about("one, and two that are gone", format!("host {old}\n{one}host {older}\n")),
        about("all of them, and one that is gone", format!("{one}host {ecdsa}\nhost {rsa}\nhost {old}\n")),
        about("one, neighbours malformed", format!("# c\n\nhost x\nhost ssh-rsa AAAA\n{one}other {old}\n")),
        about("one, no final newline", format!("other {old}\nhost {ed25519}")),
        about("one under two names", format!("{one}other {ed25519}\n")),
        about("one, another under another name", format!("{one}other {rsa}\n")),
        about("one, and one that is gone but another name's", format!("{one}host {old}\nother {old}\n")),
        about("one by a pattern", format!("hos* {ed25519}\n")),
        about("one with an address", format!("host,10.0.0.1 {ed25519}\n")),
        about("one with two addresses", format!("host,10.0.0.1,10.0.0.2 {ed25519}\n")),
        about("one, and an authority", format!("{one}@cert-authority host {authority}\n")),
        about("one, and another's authority", format!("{one}@cert-authority *.org {authority}\n")),
        about("one, another revoked", format!("{one}@revoked * {old}\n")),
        ("one, in the system's file", String::new(), one.clone()),
        ("one, in both files", one.clone(), one),
    ]
}

/// `proofs`: how many of the new keys the server has proven.
fn by_hop(world: &World, files: &Files, asking: Arc<Asking>, consent: Consent, proofs: usize) {
    let keys = ["ed25519", "ecdsa", "rsa"].map(|kind| world.public(&format!("host-{kind}")));
    let announced = keys.map(|key| PublicKey::from_openssh(&key).expect("a key of ours"));
    let lookup = Lookup { naming: Naming::Plain, ..files.lookup(22, Policy::Strict) };
    block_on(async {
        let presented = Presented::Key(announced[0].clone());
        let verified = verify(&lookup, &presented, Asking::nobody(), &Silent).await.expect("its first key is known");
        let plan = plan_update(&lookup, &verified, &announced).await.expect("the files can be read");
        if let Some(plan) = plan {
            let proven: Vec<_> = plan.unproven().iter().take(proofs).cloned().collect();
            plan.learn(&proven, consent, &asking, &Silent).await.expect("the file can be written");
        }
    });
}

/// `ssh` logs in and runs a command; its complaint if it cannot.
fn log_in(world: &World, files: &Files, command: &str) -> Result<(), String> {
    let options = [
        "UpdateHostKeys=yes".to_owned(),
        "StrictHostKeyChecking=yes".to_owned(),
        "HostKeyAlgorithms=ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512".to_owned(),
        "BatchMode=yes".to_owned(),
    ];
    let me = must(Command::new("id").arg("-un"));
    let mut ssh = world.ssh_for_logins(files, &options);
    let output = run(ssh.arg(format!("{}@host", me.trim())).arg(command));
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn hop_learns_what_ssh_learns() {
    let Some(tools) = tools() else { return };
    let world = World::new(tools);
    let known = Files::new(&format!("host {}\n", world.public("host-ed25519")), "");
    if let Err(complaint) = log_in(&world, &known, "true") {
        return skip(&format!("this user cannot log in here: {}", complaint.trim()));
    }
    let situations = situations(&world);
    let compare = |(title, user, global): &(&str, String, String)| {
        let (theirs, ours) = (Files::new(user, global), Files::new(user, global));
        log_in(&world, &theirs, "sleep 3").expect("long enough to learn");
        by_hop(&world, &ours, Asking::new(Arc::new(Watching("yes"))), Consent::Given, 2);
        assert_eq!(ours.text(), theirs.text(), "{title}");
        if ours.text() != *user {
            assert_eq!(ours.user().metadata().expect("known_hosts").permissions().mode() & 0o777, 0o600, "{title}");
        }
        ours.text() != *user
    };
    let changed = std::thread::scope(|scope| {
        let workers: Vec<_> = situations.iter().map(|situation| scope.spawn(move || compare(situation))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a comparison")).filter(|c| *c).count()
    });
    println!("{} files compared after UpdateHostKeys, {changed} of them changed", situations.len());
    assert!(changed > 4, "ssh learns too little to compare");
}

#[test]
fn nothing_is_learned_without_a_person_or_against_their_word_or_without_proof() {
    let Some(tools) = tools() else { return };
    let world = World::new(tools);
    let text = format!("host {}\n", world.public("host-ed25519"));
    let files = Files::new(&text, "");
    by_hop(&world, &files, Asking::nobody(), Consent::Ask, 2);
    by_hop(&world, &files, Asking::new(Arc::new(Watching("no"))), Consent::Ask, 2);
    by_hop(&world, &files, Asking::new(Arc::new(Watching("yes"))), Consent::Given, 1);
    assert_eq!(files.text(), text);
    by_hop(&world, &files, Asking::new(Arc::new(Watching("yes"))), Consent::Ask, 2);
    assert_eq!(files.text().lines().count(), 3);
}
