//! What the known_hosts files may say of a host, each situation named.

use super::ground::{Identity, World};

/// One situation: the user's file, and the system's.
pub struct Situation {
    pub title: &'static str,
    pub user: String,
    pub global: String,
}

fn user(title: &'static str, user: String) -> Situation {
    Situation { title, user, global: String::new() }
}

/// Situations about keys, for a host on port 22.
pub fn about_keys(world: &World, identity: &Identity) -> Vec<Situation> {
    let key = &identity.key;
    let kind = match key.split_once(' ') {
        Some(("ssh-ed25519", _)) => "ed25519",
        Some(("ssh-rsa", _)) => "rsa",
        _ => "ecdsa",
    };
    let other_type = if kind == "rsa" { "ed25519" } else { "rsa" };
    let (same, other) = (world.public(&format!("another-{kind}")), world.public(&format!("another-{other_type}")));
    let blob = key.split_once(' ').expect("type and blob").1;
    vec![
        user("nothing", String::new()),
        user("the key", format!("host {key}\n")),
        user("another key of its type", format!("host {same}\n")),
        user("a key of another type", format!("host {other}\n")),
        user("another key, then the key", format!("host {same}\nhost {key}\n")),
        user("the key revoked", format!("@revoked host {key}\n")),
        user("the key, and revoked for all", format!("host {key}\n@revoked * {key}\n")),
        user("the key, and another revoked", format!("host {key}\n@revoked * {same}\n")),
        user("the key for an address too", format!("host,10.0.0.1 {key} comment\n")),
        user("the key for all but this host", format!("*,!host {key}\n")),
        user("the key by a pattern", format!("h?st,other {key}\n")),
        user("the key for another host", format!("elsewhere {key}\n")),
        user("the key for its port", format!("[host]:22 {key}\n")),
        user("the key as an authority", format!("@cert-authority host {key}\n")),
        user("the key with blanks before and a CR behind", format!("  \thost\t{key}\r\n")),
        user("the key without a final newline", format!("host {key}")),
        user("another host without a final newline", format!("elsewhere {same}")),
        user(
            "the key beside malformed lines",
            format!("host\nhost x y\n@what host {same}\n#host {same}\nhost {key}\n"),
        ),
        user("another key, malformed", format!("host ssh-dss {blob}\nhost {}\n", &same[..same.len() - 5])),
        Situation { title: "the key in the system's file", user: String::new(), global: format!("host {key}\n") },
        Situation { title: "another key in the system's file", user: String::new(), global: format!("host {same}\n") },
        Situation {
            title: "the key, revoked in the system's file",
            user: format!("host {key}\n"),
            global: format!("@revoked * {key}\n"),
        },
    ]
}

/// Situations about authorities, for a host on port 22.
pub fn about_authorities(world: &World, identity: &Identity) -> Vec<Situation> {
    let (key, authority) = (&identity.key, world.public("authority"));
    let (other_authority, another) = (world.public("another-authority"), world.public("another-ed25519"));
    vec![
        user("nothing", String::new()),
        user("the key", format!("host {key}\n")),
        user("another key", format!("host {another}\n")),
        user("the authority", format!("@cert-authority host {authority}\n")),
        user("the authority by a pattern", format!("@cert-authority *,!elsewhere {authority}\n")),
        user("another authority", format!("@cert-authority host {other_authority}\n")),
        user("the authority for others", format!("@cert-authority *.org {authority}\n")),
        user("the authority and another key", format!("@cert-authority host {authority}\nhost {another}\n")),
        user("the authority and the key", format!("host {key}\n@cert-authority host {authority}\n")),
        user("the authority revoked", format!("@cert-authority host {authority}\n@revoked host {authority}\n")),
        user("the authority, and the key revoked", format!("@cert-authority host {authority}\n@revoked * {key}\n")),
        user("the authority as a key", format!("host {authority}\n")),
    ]
}

/// Situations for a host on port 2222.
pub fn about_ports(world: &World, identity: &Identity) -> Vec<Situation> {
    let (key, authority, another) = (&identity.key, world.public("authority"), world.public("another-ed25519"));
    vec![
        user("port: nothing", String::new()),
        user("port: the key", format!("[host]:2222 {key}\n")),
        user("port: another key", format!("[host]:2222 {another}\n")),
        user("port: the key for the bare name", format!("host {key}\n")),
        user("port: another key for the bare name", format!("host {another}\n")),
        user("port: another key, the key for the bare name", format!("host {key}\n[host]:2222 {another}\n")),
        user("port: the key, another key for the bare name", format!("host {another}\n[host]:2222 {key}\n")),
        user("port: the key for another port", format!("[host]:2200 {key}\n")),
        user("port: the key by a pattern", format!("[h*]:22?2 {key}\n")),
        user("port: the authority for the bare name", format!("@cert-authority host {authority}\n")),
        user("port: the authority", format!("@cert-authority [host]:2222 {authority}\n")),
        user("port: the key revoked for the bare name", format!("@revoked host {key}\n")),
    ]
}
