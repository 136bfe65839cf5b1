//! Is each hop what ssh would make of it? The hops we resolve are compared with `ssh -G` of each, asked for as ssh asks
//! itself: `ssh -J BEFORE -l USER -p PORT HOST`.

use super::oracle::Oracle;

const NETWORK: &str = "
Host edge
    HostName 54.0.0.1
    User ec2-user
    IdentityFile ~/edge.pem
Host inner
    HostName inner.%h.example
    ProxyJump edge
    Port 2201
Host island
    ProxyJump edge,ops@inner:2202,[10.0.0.9]:2203
Host behind-island
    HostName 10.9.9.9
    ProxyJump island
Host cloud
    ProxyCommand aws-session %h %p
Host behind-cloud
    ProxyJump cloud
Host plain-* !plain-edge
    ProxyJump plain-edge
Host plain-edge
    ProxyJump none
Host wanderer
    ProxyJump %r@gate-%n
Host *
    User admin
    ServerAliveInterval 30
    IdentityFile ~/%h.pem
";

/// The hops, in the order they are dialled, as `user@host:port`.
const WAYS: [(&str, &[&str]); 9] = [
    ("edge", &["ec2-user@54.0.0.1:22"]),
    ("inner", &["ec2-user@54.0.0.1:22", "admin@inner.inner.example:2201"]),
    ("island", &["ec2-user@54.0.0.1:22", "ops@inner.inner.example:2202", "admin@10.0.0.9:2203", "admin@island:22"]),
    (
        "behind-island",
        &[
            "ec2-user@54.0.0.1:22",
            "ops@inner.inner.example:2202",
            "admin@10.0.0.9:2203",
            "admin@island:22",
            "admin@10.9.9.9:22",
        ],
    ),
    ("cloud", &["admin@cloud:22"]),
    ("behind-cloud", &["admin@cloud:22", "admin@behind-cloud:22"]),
    ("plain-db", &["admin@plain-edge:22", "admin@plain-db:22"]),
    ("me@plain-db", &["admin@plain-edge:22", "me@plain-db:22"]),
    ("me@wanderer", &["me@gate-wanderer:22", "me@wanderer:22"]),
];

#[test]
fn every_hop_is_what_ssh_makes_of_it() {
    let Some(oracle) = Oracle::find() else { return };
    let case = oracle.case(NETWORK);
    let mut hops = 0;
    for (target, expected) in WAYS {
        let way = oracle.resolve(&case, target).unwrap();
        let names: Vec<String> =
            way.iter().map(|hop| format!("{}@{}:{}", *hop.user, *hop.hostname, *hop.port)).collect();
        assert_eq!(names, expected, "{target}");
        for hop in &way {
            let said = oracle.said_of(&case, &hop.user, &hop.alias, *hop.port);
            let one = |keyword: &str| said.iter().find(|line| line.0 == keyword).map(|line| line.1.as_str());
            assert_eq!(one("hostname"), Some(hop.hostname.as_str()), "{target}: {}", hop.alias);
            let alive = hop.server_alive_interval.as_secs().to_string();
            assert_eq!(one("serveraliveinterval"), Some(alive.as_str()), "{target}: {}", hop.alias);
            let keys = said.iter().filter(|line| line.0 == "identityfile").count();
            assert_eq!(keys, hop.identity_files.len(), "{target}: {}", hop.alias);
            hops += 1;
        }
    }
    println!("{} ways of {hops} hops compared with {}", WAYS.len(), oracle.version);
}

#[test]
fn the_first_jump_is_reached_by_its_own_proxy_command() {
    let Some(oracle) = Oracle::find() else { return };
    let way = oracle.resolve(&oracle.case(NETWORK), "behind-cloud").unwrap();
    let proxies: Vec<String> = way.iter().map(|hop| format!("{:?}", *hop.proxy)).collect();
    assert_eq!(proxies, ["Command { shell: \"/bin/sh\", line: \"aws-session cloud 22\", carrier: Streams }", "None"]);
}
