//! Does hop read known_hosts as `ssh-keygen` does? Generated files, hosts looked up by both; names hashed by either and
//! found by the other.

use std::collections::BTreeSet;
use std::process::Command;

use hop::progress::Silent;
use hop::prompt::Asking;
use hop::trust::{Lookup, LookupName, Naming, Policy, Presented, TrustError, known_algorithms, verify};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use russh::keys::ssh_key::PublicKey;

use super::ground::{Files, World, block_on, must, run, tools};

/// Line and fingerprint of each key known for a name, and whether an authority is.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    keys: BTreeSet<(usize, String)>,
    authority: bool,
}

/// `ssh-keygen -l -F`: two lines a find, `# Host NAME found: line N [CA|REVOKED]` and the fingerprint.
fn by_keygen(world: &World, files: &Files, name: &str) -> Found {
    let output = run(world.keygen().args(["-l", "-F", name, "-f"]).arg(files.user()));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut found = Found { keys: BTreeSet::new(), authority: false };
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some((_, place)) = line.split_once(" found: line ") else { continue };
        let print = lines.next().unwrap_or_default();
        match place.trim_end().split_once(' ') {
            Some((_, "CA")) => found.authority = true,
            Some(_) => {}
            None => {
                let print = print.split_whitespace().find(|word| word.starts_with("SHA256:")).unwrap_or_default();
                found.keys.insert((place.trim_end().parse().expect("a line number"), print.to_owned()));
            }
        }
    }
    found
}

/// What hop says when a key that nobody knows turns up.
fn by_hop(files: &Files, name: &str, stranger: &Presented) -> Found {
    let lookup = Lookup { name: LookupName::Alias(name.to_owned()), ..files.lookup(22, Policy::Strict) };
    let keys = match block_on(verify(&lookup, stranger, Asking::nobody(), &Silent)) {
        Err(TrustError::Changed { known, .. }) => known.into_iter().map(|at| (at.line, at.fingerprint)).collect(),
        Err(TrustError::Unknown { .. }) => BTreeSet::new(),
        other => panic!("a stranger, and {other:?}"),
    };
    let authority = block_on(known_algorithms(&lookup)).expect("both files are there").authority;
    Found { keys, authority }
}

const NAMES: [&str; 8] = ["a", "b", "ab", "a.example.org", "b.example.org", "10.0.0.1", "[a]:2222", "[10.0.0.1]:2222"];

fn hosts() -> impl Strategy<Value = String> {
    let patterns = ["*", "?", "a*", "*.org", "!a", "!*.org", "A", "[a]:*", "*:2222", "a?", "10.0.?.*", "", "!", "**b"];
    let one = prop_oneof![3 => proptest::sample::select(&NAMES[..]), 2 => proptest::sample::select(patterns.to_vec())];
    let hashed = "\\|1\\|[A-Za-z0-9+/]{27}=\\|[A-Za-z0-9+/]{27}=";
    prop_oneof![
        8 => prop::collection::vec(one, 1..4).prop_map(|names| names.join(",")),
        1 => hashed,
        1 => "[|1=a,*]{1,6}",
    ]
}

fn line(keys: Vec<String>) -> impl Strategy<Value = String> {
    let marker =
        proptest::sample::select(vec!["", "", "", "", "@cert-authority ", "@revoked ", "@other ", "#", "@ ", " "]);
    let blank = proptest::sample::select(vec![" ", " ", "\t", "  \t "]);
    let key = proptest::sample::select(keys);
    let damage = 0..24u8;
    let tail = proptest::sample::select(vec!["", "", " a comment", "\r", " "]);
    (marker, hosts(), blank, key, damage, tail).prop_map(|(marker, hosts, blank, key, damage, tail)| {
        let (kind, blob) = key.split_once(' ').expect("type and blob");
        let key = match damage {
            0 => format!("{kind}{blank}{}", &blob[..blob.len() - 7]),
            1 => format!("{kind}{blank}{blob}AAAA"),
            2 => format!("ssh-rsa{blank}{blob}"),
            3 => format!("{kind}x{blank}{blob}"),
            4 => kind.to_owned(),
            5 => blob.to_owned(),
            _ => format!("{kind}{blank}{blob}"),
        };
        format!("{marker}{hosts}{blank}{key}{tail}")
    })
}

#[test]
fn hop_finds_what_ssh_keygen_finds() {
    let Some(tools) = tools() else { return };
    let world = World::new(tools);
    let keys: Vec<_> = ["host", "another"]
        .iter()
        .flat_map(|owner| ["ed25519", "ecdsa", "rsa"].map(|kind| world.public(&format!("{owner}-{kind}"))))
        .collect();
    let stranger = Presented::Key(PublicKey::from_openssh(&world.public("third-ed25519")).expect("a key of ours"));
    let (mut compared, mut found) = (0, 0);
    let mut runner = TestRunner::new(Config { cases: 96, failure_persistence: None, ..Config::default() });
    let texts = (prop::collection::vec(line(keys), 0..12), any::<bool>(), prop::sample::subsequence(&NAMES[..], 3));
    // the counts are told at the end, so they live outside the closure
    let counts = std::cell::RefCell::new((&mut compared, &mut found));
    let outcome = runner.run(&texts, |(lines, ends, names)| {
        let files = Files::new(&(lines.join("\n") + if ends { "\n" } else { "" }), "");
        for name in names {
            let theirs = by_keygen(&world, &files, name);
            prop_assert_eq!(&by_hop(&files, name, &stranger), &theirs, "{}", name);
            let (compared, found) = &mut *counts.borrow_mut();
            **compared += 1;
            **found += theirs.keys.len() + usize::from(theirs.authority);
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    println!("{compared} look-ups compared with ssh-keygen -F, {found} finds");
    assert!(compared > 200 && found > 60, "too little was found to compare");
}

#[test]
fn names_hashed_by_either_are_found_by_the_other() {
    let Some(tools) = tools() else { return };
    let world = World::new(tools);
    let key = PublicKey::from_openssh(&world.public("host-ecdsa")).expect("a key of ours");
    let presented = Presented::Key(key);
    let judge = |lookup: &Lookup| block_on(verify(lookup, &presented, Asking::nobody(), &Silent));
    for name in NAMES.iter().filter(|name| !name.starts_with('[')) {
        for port in [22, 2222] {
            let named = LookupName::Host { hostname: (*name).to_owned(), port };
            let searched = if port == 22 { (*name).to_owned() } else { format!("[{name}]:{port}") };
            let files = Files::new("", "");
            let recording =
                Lookup { name: named.clone(), naming: Naming::Hashed, ..files.lookup(22, Policy::AcceptNew) };
            judge(&recording).expect("accepted as new");
            assert_eq!(by_keygen(&world, &files, &searched).keys.len(), 1, "{searched}");

            let files = Files::new(&format!("{searched} {}\n", world.public("host-ecdsa")), "");
            must(world.keygen().args(["-q", "-H", "-f"]).arg(files.user()));
            assert!(files.text().starts_with("|1|"), "hashed by ssh-keygen");
            judge(&Lookup { name: named, ..files.lookup(22, Policy::Strict) }).expect("found though hashed");
        }
    }
}

#[test]
fn fingerprints_are_those_of_ssh_keygen() {
    let Some(tools) = tools() else { return };
    let world = World::new(tools);
    for name in ["host-ed25519", "host-ecdsa", "host-rsa"] {
        let line = world.public(name);
        let files = Files::new(&format!("host {line}\n"), "");
        let presented = Presented::Key(PublicKey::from_openssh(&line).expect("a key of ours"));
        let verified = block_on(verify(&files.lookup(22, Policy::Strict), &presented, Asking::nobody(), &Silent));
        let told = must(Command::new("ssh-keygen").arg("-lf").arg(world.path(&format!("{name}.pub"))));
        assert!(told.contains(&format!(" {} ", verified.expect("known").fingerprint())), "{told}");
    }
}
