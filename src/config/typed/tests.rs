//! What words of a configuration become, as values of a host.

use super::*;
use crate::config::configuration::Configuration;
use crate::config::flags::Flags;
use crate::target::HostSpec;

fn host(options: &[&str], env: &[(&str, &str)]) -> Host {
    let flags = Flags {
        config_file: Some("none".into()),
        options: options.iter().map(|&option| option.to_owned()).collect(),
        ..Flags::default()
    };
    let env = env.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
    let local_env = LocalEnv { home: "/home/me".into(), env, ..LocalEnv::default() };
    let target = HostSpec { user: None, host: "h".to_owned(), port: None };
    Configuration::load(flags, local_env).unwrap().resolve(&target).unwrap().remove(0)
}

#[test]
fn the_agent_is_the_one_ssh_would_ask() {
    let agent = |option: &[&str]| host(option, &[("SSH_AUTH_SOCK", "/agent"), ("MINE", "/mine")]).identity_agent.value;
    let socket = |path: &str| IdentityAgent::Socket(path.into());
    assert_eq!(agent(&[]), socket("/agent"));
    assert_eq!(agent(&["IdentityAgent=SSH_AUTH_SOCK"]), socket("/agent"));
    assert_eq!(agent(&["IdentityAgent=none"]), IdentityAgent::None);
    assert_eq!(agent(&["IdentityAgent=$MINE"]), socket("/mine"));
    assert_eq!(agent(&["IdentityAgent=$NOBODYS"]), IdentityAgent::None);
    assert_eq!(agent(&["IdentityAgent=${MINE}/%h"]), socket("/mine/h"));
    assert_eq!(agent(&["IdentityAgent=~/%n"]), socket("/home/me/h"));
    assert_eq!(host(&[], &[]).identity_agent.value, IdentityAgent::None);
}

#[test]
fn keys_are_added_as_the_words_say() {
    let added = |option: &str| host(&[option], &[]).add_keys_to_agent.value;
    for (option, add, lifetime) in [
        ("AddKeysToAgent=no", AddKeys::No, None),
        ("AddKeysToAgent=yes", AddKeys::Yes, None),
        ("AddKeysToAgent=1h", AddKeys::Yes, Some(3600)),
        ("AddKeysToAgent=ask", AddKeys::Ask, None),
        ("AddKeysToAgent=confirm 5m", AddKeys::Confirm, Some(300)),
    ] {
        assert_eq!(added(option), AddKeysToAgent { add, lifetime }, "{option}");
    }
}

#[test]
fn files_named_none_are_no_files() {
    let host = host(&["IdentityFile=none", "UserKnownHostsFile=none", "GlobalKnownHostsFile=NONE"], &[]);
    assert!(host.identity_files.is_empty());
    assert!(host.user_known_hosts_files.is_empty() && host.global_known_hosts_files.is_empty());
}

#[test]
fn limits_are_typed() {
    let host = host(&["RekeyLimit=1M 1h", "ConnectTimeout=0", "ServerAliveInterval=1m"], &[]);
    assert_eq!(*host.rekey_limit.unwrap(), (Some(1 << 20), Some(Duration::from_secs(3600))));
    assert_eq!(host.connect_timeout, None);
    assert_eq!(*host.server_alive_interval, Duration::from_secs(60));
}

#[test]
fn only_lists_that_were_set_are_given_on() {
    let host = host(&["Ciphers=^aes256-ctr", "MACs=-hmac-sha1*"], &[]);
    assert_eq!(host.ciphers.unwrap().first().unwrap(), "aes256-ctr");
    assert_eq!(host.macs.unwrap().len(), 4);
    assert_eq!(host.kex_algorithms, None);
}

#[test]
fn what_hop_does_not_speak_is_passed_over_unless_it_is_all() {
    let some = host(&["MACs=umac-64@openssh.com,hmac-sha1"], &[]);
    assert_eq!(some.not_honoured[0].setting.value, "macs umac-64@openssh.com");
    let flags = Flags {
        config_file: Some("none".into()),
        options: vec!["MACs=umac-64@openssh.com".to_owned()],
        ..Flags::default()
    };
    let target = HostSpec { user: None, host: "h".to_owned(), port: None };
    let configuration = Configuration::load(flags, LocalEnv::default()).unwrap();
    let error = configuration.resolve(&target).unwrap_err().to_string();
    assert!(error.contains("(-o MACs=umac-64@openssh.com): hop speaks none of umac-64"), "{error}");
    assert!(configuration.dump(&target).is_ok(), "ssh -G shows the list");
}

#[test]
fn what_is_not_honoured_is_named_with_its_line() {
    let options = ["VerifyHostKeyDNS=yes", "Tunnel=no", "ForwardX11=yes", "ControlMaster=auto", "ControlPath=/x"];
    let host = host(&[&options[..], &["ChannelTimeout=session=5m *=1h", "ChannelTimeout=none"]].concat(), &[]);
    let text = |said: &NotHonoured| format!("{} ({})", said.setting.value, said.setting.origin);
    let said: Vec<_> = host.not_honoured.iter().map(text).collect();
    let expected = [
        "forwardx11 yes (-o ForwardX11=yes)",
        "verifyhostkeydns true (-o VerifyHostKeyDNS=yes)",
        "channeltimeout session=5m *=1h (-o ChannelTimeout=session=5m *=1h)",
    ];
    assert_eq!(said, expected);
}
