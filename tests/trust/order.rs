//! Are the key types that are known asked for first, as `ssh` asks? Its own words (`-vvv`) are compared.

use std::collections::BTreeSet;

use hop::trust::{Policy, known_algorithms};

use super::ground::{Files, World, block_on, run, tools};

/// What ssh puts first; `None` when it leaves its list as it is, because the first of it (Ed25519) is known.
fn preferred_by_ssh(world: &World, files: &Files) -> Option<BTreeSet<String>> {
    let options = ["BatchMode=yes".to_owned()];
    let output = run(world.ssh(&world.sshd_with_all_keys(), files, &options).args(["-vvv", "nobody@host"]));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    match words.split_once("prefer hostkeyalgs: ") {
        Some((_, list)) => Some(list.lines().next().unwrap_or_default().split(',').map(str::to_owned).collect()),
        None if words.contains("no algorithms matched") => Some(BTreeSet::new()),
        None if words.contains("have matching best-preference key type") => None,
        None => panic!("ssh does not say what it prefers:\n{words}"),
    }
}

#[test]
fn known_types_come_first_as_in_ssh() {
    let Some(tools) = tools() else { return };
    let world = World::new(tools);
    let (ed25519, ecdsa, rsa) = ("host-ed25519", "host-ecdsa", "host-rsa");
    for known in [&[][..], &[ed25519], &[ecdsa], &[rsa], &[rsa, ecdsa], &["@authority"], &["@authority", rsa]] {
        let line = |name: &&str| match name.strip_prefix('@') {
            Some(authority) => format!("@cert-authority host {}\n", world.public(authority)),
            None => format!("host {}\n", world.public(name)),
        };
        let files = Files::new(&known.iter().map(line).collect::<String>(), "");
        let ours = block_on(known_algorithms(&files.lookup(22, Policy::Strict))).expect("both files are there");
        let keys: BTreeSet<_> = ours.keys.iter().map(ToString::to_string).collect();
        let Some(preferred) = preferred_by_ssh(&world, &files) else {
            assert_eq!(keys, BTreeSet::from(["ssh-ed25519".to_owned()]), "{known:?}");
            continue;
        };
        let plain: BTreeSet<_> = preferred.iter().filter(|name| !name.contains("-cert-")).cloned().collect();
        assert_eq!(keys, plain, "{known:?}");
        // a type of certificate whose plain key is not known is preferred on an authority's account only
        assert_eq!(ours.authority, preferred.contains("ssh-ed25519-cert-v01@openssh.com"), "{known:?}");
    }
}
