//! Does a whole configuration mean what it says? From text and flags to hops.

use super::*;
use crate::config::host::{IdentityAgent, Proxy, StrictHostKeyChecking};
use crate::target::HostSpec;

fn local_env() -> LocalEnv {
    LocalEnv { home: "/home/me".into(), user: "me".into(), ..LocalEnv::default() }
}

fn configuration(text: &str, flags: Flags) -> Result<Configuration, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(&file, text).unwrap();
    Configuration::load(Flags { config_file: Some(file), ..flags }, local_env())
}

fn host(name: &str) -> HostSpec {
    HostSpec { user: None, host: name.to_owned(), port: None }
}

fn ways(text: &str, flags: Flags, name: &str) -> Result<Vec<String>, ConfigError> {
    let hops = configuration(text, flags)?.resolve(&host(name))?;
    let hop = |hop: &Host| {
        let keys: Vec<_> = hop.identity_files.iter().filter(|key| key.origin != Origin::Default).collect();
        let keys: Vec<_> = keys.iter().map(|key| format!(" {}", key.display())).collect();
        format!("{}@{}:{}{}", *hop.user, *hop.hostname, *hop.port, keys.concat())
    };
    Ok(hops.iter().map(hop).collect())
}

const STREET: &str = "
    Host acc-bastion
        HostName 54.0.0.1
        User ec2-user
        IdentityFile ~/bastion.pem
    Host acc-pvt
        HostName 10.10.2.20
        ProxyJump acc-bastion
        StrictHostKeyChecking accept-new
    Host deep
        ProxyJump acc-pvt,u@mid:2222
    Host *
        User admin
";

#[test]
fn jumps_come_before_the_hosts_behind_them() {
    let to = |name| ways(STREET, Flags::default(), name).unwrap();
    let bastion = "ec2-user@54.0.0.1:22 /home/me/bastion.pem";
    assert_eq!(to("acc-bastion"), [bastion]);
    assert_eq!(to("acc-pvt"), [bastion, "admin@10.10.2.20:22"]);
    assert_eq!(to("deep"), [bastion, "admin@10.10.2.20:22", "u@mid:2222", "admin@deep:22"]);
}

#[test]
fn every_value_knows_where_it_came_from() {
    let hops = configuration(STREET, Flags::default()).unwrap().resolve(&host("acc-pvt")).unwrap();
    let target = hops.last().unwrap();
    assert!(matches!(&target.hostname.origin, Origin::SshConfig(file, 7) if file.ends_with("config")));
    assert_eq!(target.strict_host_key_checking.value, StrictHostKeyChecking::AcceptNew);
    assert_eq!(target.port.origin, Origin::Default);
    assert_eq!(target.identity_agent.value, IdentityAgent::None);
    assert_eq!(target.proxy.value, Proxy::None);
    assert!(target.identity_files.iter().all(|key| key.origin == Origin::Default));
}

#[test]
fn keys_and_jumps_of_the_command_line_go_to_the_hosts_their_patterns_name() {
    let patterned = |pattern: &str, value: &str| Patterned { pattern: Some(pattern.into()), value: value.into() };
    let flags = Flags {
        jumps: vec![patterned("10.10.*", "ec2-user@54.1.1.1"), patterned("10.20.*", "ec2-user@13.2.2.2")],
        identities: vec![
            Patterned { pattern: Some("10.10.*".into()), value: "/acc.pem".into() },
            Patterned { pattern: Some("10.20.*".into()), value: "/dell.pem".into() },
            Patterned { pattern: Some("13.*".into()), value: "/jump.pem".into() },
        ],
        ..Flags::default()
    };
    let to = |name| ways("", flags.clone(), name).unwrap();
    assert_eq!(to("10.10.2.20"), ["ec2-user@54.1.1.1:22 /acc.pem", "me@10.10.2.20:22 /acc.pem"]);
    assert_eq!(to("10.20.2.20"), ["ec2-user@13.2.2.2:22 /jump.pem", "me@10.20.2.20:22 /dell.pem"]);
    assert_eq!(to("other"), ["me@other:22"]);
}

#[test]
fn jumps_of_the_command_line_are_the_targets_and_replace_the_files() {
    let flags = |jumps: &str| Flags {
        jumps: vec![Patterned { pattern: None, value: jumps.into() }],
        user: Some("flag".into()),
        port: Some(7),
        ..Flags::default()
    };
    assert_eq!(ways(STREET, flags("none"), "acc-pvt").unwrap(), ["flag@10.10.2.20:7"]);
    assert_eq!(ways(STREET, flags("x@h"), "acc-pvt").unwrap(), ["x@h:22", "flag@10.10.2.20:7"]);
    assert!(matches!(ways(STREET, flags("$(id)"), "acc-pvt"), Err(ConfigError::BadLines(_))));
}

#[test]
fn loops_are_refused() {
    let text = "Host a\nProxyJump b\nHost b\nProxyJump c\nHost c\nProxyJump a\n";
    let error = ways(text, Flags::default(), "a").unwrap_err();
    assert_eq!(error.to_string(), "a: the jumps go in a loop: a > b > c > a");
    let list = vec![Patterned { pattern: None, value: "a,b,a".to_owned() }];
    let twice = ways("User u", Flags { jumps: list, ..Flags::default() }, "h").unwrap();
    assert_eq!(twice, ["u@a:22", "u@b:22", "u@a:22", "u@h:22"], "a list that names a jump twice is no loop");
    let to_self = ways("ProxyJump bastion", Flags::default(), "bastion").unwrap_err();
    assert!(matches!(to_self, ConfigError::JumpLoop { .. }));
    let endless = ways("ProxyJump x%h", Flags::default(), "h").unwrap_err();
    assert!(matches!(endless, ConfigError::TooManyHops { .. }), "{endless}");
}

#[test]
fn unknown_keywords_are_errors_with_their_line_unless_ignored() {
    let error = ways("Port 1\nNonsense x\nPort y\n", Flags::default(), "h").unwrap_err().to_string();
    assert!(error.ends_with("config:3: port: bad port `y`"), "{error}");
    let error = ways("Port 1\nNonsense x\n", Flags::default(), "h").unwrap_err().to_string();
    assert!(error.ends_with("config:2: unknown keyword `nonsense`"), "{error}");
    assert!(ways("IgnoreUnknown non*\nNonsense x\n", Flags::default(), "h").is_ok());
}

#[test]
fn names_from_the_configuration_are_vetted() {
    for bad in ["HostName $(id)", "HostName -x", "ProxyJump a;b", "ProxyJump -x"] {
        assert!(ways(bad, Flags::default(), "h").is_err(), "{bad}");
    }
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let flags = Flags { config_file: Some("/nonexistent/config".into()), ..Flags::default() };
    assert!(matches!(Configuration::load(flags, local_env()), Err(ConfigError::Read { .. })));
    let flags = Flags { config_file: Some("none".into()), ..Flags::default() };
    assert_eq!(Configuration::load(flags, local_env()).unwrap().resolve(&host("h")).unwrap().len(), 1);
}

/// Pieces to build configurations from; none of them runs anything.
const SCRAPS: [&str; 36] = [
    "\n",
    "\n",
    "\n",
    " ",
    " ",
    " ",
    "=",
    "\"",
    "'",
    "\\",
    "#",
    "\t",
    "\r",
    "\u{0}",
    "é",
    "%h",
    "%",
    "${X}",
    "${",
    "~",
    ",",
    "!",
    "*",
    "Host",
    "Match",
    "final",
    "host",
    "h",
    "ProxyJump",
    "ProxyCommand",
    "HostName",
    "Include",
    "Port",
    "22",
    "IdentityFile",
    "CanonicalDomains",
];

proptest::proptest! {
    #[test]
    fn no_text_makes_a_configuration_panic(
        scraps in proptest::collection::vec(proptest::sample::select(&SCRAPS[..]), 0..60),
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..8),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, [scraps.concat().as_bytes(), &bytes].concat()).unwrap();
        let flags = Flags { config_file: Some(file), ..Flags::default() };
        if let Ok(configuration) = Configuration::load(flags, local_env()) {
            let _ = (configuration.dump(&host("h")), configuration.resolve(&host("h")));
        }
    }
}
