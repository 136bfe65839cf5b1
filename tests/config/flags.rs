//! What does the command line change? Flags are given to ssh and to us, and the values compared.

use hop::config::{AddressFamily, Flags, Patterned};

use super::oracle::Oracle;

const TEXT: &str = "
User file
Port 8
IdentityFile /file
AddressFamily any
Compression no
BatchMode no
ProxyJump file-jump
Host h
    ProxyCommand never
#file: key
no key at all
";

/// ssh's arguments, and ours.
fn cases() -> Vec<(&'static [&'static str], Flags)> {
    let jumps =
        |jumps: &str| Flags { jumps: vec![Patterned { pattern: None, value: jumps.to_owned() }], ..Flags::default() };
    let options = |options: &[&str]| Flags {
        options: options.iter().map(|&option| option.to_owned()).collect(),
        ..Flags::default()
    };
    vec![
        (&["-l", "me"], Flags { user: Some("me".into()), ..Flags::default() }),
        (&["-p", "2022"], Flags { port: Some(2022), ..Flags::default() }),
        (&["-4"], Flags { address_family: Some(AddressFamily::Inet), ..Flags::default() }),
        (&["-6"], Flags { address_family: Some(AddressFamily::Inet6), ..Flags::default() }),
        (&["-C"], Flags { compression: true, ..Flags::default() }),
        (&["-o", "BatchMode=yes"], Flags { batch: true, ..Flags::default() }),
        (&["-J", "none"], jumps("none")),
        (&["-J", "u@a:1,b"], jumps("u@a:1,b")),
        (&["-J", "10.0.0.1"], jumps("10.0.0.1")),
        (&["-o", "ProxyCommand=nc %h"], options(&["ProxyCommand=nc %h"])),
        (&["-o", "SetEnv A=1 B=2", "-o", "SendEnv=X"], options(&["SetEnv A=1 B=2", "SendEnv=X"])),
        (&["-o", "User=one", "-o", "User=two"], options(&["User=one", "User=two"])),
        (&["-o", "Nonsense=x"], options(&["Nonsense=x"])),
        (&["-o", "IgnoreUnknown=Non*", "-o", "Port=1"], options(&["IgnoreUnknown=Non*", "Port=1"])),
        (&["-o", "Port=x"], options(&["Port=x"])),
        (&["-J", "a;b"], jumps("a;b")),
        (&["-J", "a:port"], jumps("a:port")),
        (&["-l", "-x"], Flags { user: Some("-x".into()), ..Flags::default() }),
    ]
}

#[test]
fn flags_count_as_they_do_for_ssh() {
    let Some(oracle) = Oracle::find() else { return };
    let cases = cases();
    let mut findings = Vec::new();
    for (arguments, flags) in &cases {
        let mut case = oracle.case(TEXT);
        case.arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        case.flags = flags.clone();
        for host in ["h", "typed@h", "other"] {
            let found = oracle.differences(&case, host);
            findings.extend(found.iter().map(|found| format!("{arguments:?} {host}: {found}")));
        }
    }
    println!("{} command lines compared with {}", cases.len(), oracle.version);
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn an_identity_of_the_command_line_comes_first() {
    let Some(oracle) = Oracle::find() else { return };
    let mut case = oracle.case(TEXT);
    let key = case.path("key");
    case.arguments = vec!["-i".to_owned(), key.display().to_string()];
    case.flags.identities = vec![Patterned { pattern: None, value: key }];
    assert_eq!(oracle.differences(&case, "h"), [""; 0]);
}

#[test]
fn names_that_a_shell_could_act_on_are_refused_where_they_are_typed() {
    let Some(oracle) = Oracle::find() else { return };
    let case = oracle.case("");
    for host in ["$(id)", "a;b", "a`b`", "u;x@h", "u`x`@h", "a b", "u -x@h", "u\\@h"] {
        assert_eq!(oracle.differences(&case, host), [""; 0], "{host}");
        assert!(oracle.refuses(&case, host), "{host}");
    }
}

#[test]
fn the_files_of_this_machine_are_read_alike() {
    let Some(oracle) = Oracle::find() else { return };
    let mut case = oracle.case("");
    case.file = None;
    assert_eq!(oracle.differences(&case, "h"), [""; 0]);
}
