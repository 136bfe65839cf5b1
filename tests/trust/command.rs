//! Is `KnownHostsCommand` run as `ssh` runs it? A script that notes its arguments stands in both; the notes are compared.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use hop::progress::Silent;
use hop::prompt::Asking;
use hop::trust::{KnownHostsCommand, Lookup, Policy, TrustError, known_algorithms, verify};

use super::ground::{Files, Identity, World, block_on, run, tools};

const ARGUMENTS: &str = r#"%I %H %t %f %K %h:%p %% 'one word' two\ words "it's" ${HOP_TEST_WORD}x"#;

/// The script: notes its arguments, and says what it is told to.
fn script(world: &World, notes: &str, says: &str) -> String {
    let (file, notes) = (world.path(&format!("{notes}.sh")), world.path(notes));
    let note = format!("for word; do printf '%s|' \"$word\"; done >> {0}; echo >> {0}", notes.display());
    fs::write(&file, format!("#!/bin/sh\n{note}\n{says}\n")).expect("write a script");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).expect("set its mode");
    file.display().to_string()
}

fn by_ssh(world: &World, server: &Identity, command: &str, port: u16) -> bool {
    let options = [
        format!("KnownHostsCommand={command}"),
        format!("HostKeyAlgorithms=+{}", server.algorithm),
        format!("Port={port}"),
        "StrictHostKeyChecking=yes".to_owned(),
        "BatchMode=yes".to_owned(),
    ];
    let mut ssh = world.ssh(&server.config, &Files::new("", ""), &options);
    let output = run(ssh.env("HOP_TEST_WORD", "from the environment").arg("nobody@Host"));
    String::from_utf8_lossy(&output.stderr).contains("Permission denied")
}

fn by_hop(server: &Identity, command: &str, port: u16) -> Result<(), TrustError> {
    let files = Files::new("", "");
    let command = KnownHostsCommand {
        template: command.to_owned(),
        tokens: vec![('h', "host".to_owned()), ('p', port.to_string())],
        variables: [("HOP_TEST_WORD".to_owned(), "from the environment".into())].into(),
    };
    let lookup = Lookup { command: Some(command), ..files.lookup(port, Policy::Strict) };
    block_on(async {
        known_algorithms(&lookup).await?;
        verify(&lookup, &server.presented, Asking::nobody(), &Silent).await.map(drop)
    })
}

#[test]
fn the_command_hears_what_it_hears_from_ssh() {
    let Some(tools) = tools() else { return };
    let world = World::new(tools);
    let mut lines = 0;
    for (index, server) in world.plain().iter().chain(world.certified().first()).enumerate() {
        for port in [22, 2222] {
            let name = if port == 22 { "host".to_owned() } else { format!("[host]:{port}") };
            let knows = format!("echo '{name} {}'", server.key);
            let [theirs, ours] = ["ssh", "hop"].map(|who| format!("{who}-{index}-{port}"));
            let accepted = by_ssh(&world, server, &format!("{} {ARGUMENTS}", script(&world, &theirs, &knows)), port);
            let verified = by_hop(server, &format!("{} {ARGUMENTS}", script(&world, &ours, &knows)), port);
            assert!(accepted && verified.is_ok(), "{} on {port}: {accepted}, {verified:?}", server.title);
            let read = |notes: &str| fs::read_to_string(world.path(notes)).expect("the script's notes");
            assert_eq!(read(&ours), read(&theirs));
            lines += read(&ours).lines().count();
        }
    }
    println!("{lines} invocations compared");
    assert_eq!(lines, 16, "ORDER and HOSTNAME, four servers, two ports");
}

#[test]
fn a_command_that_fails_refuses_as_in_ssh() {
    let Some(tools) = tools() else { return };
    let world = World::new(tools);
    let server = &world.plain()[0];
    let command = script(&world, "fails", &format!("echo 'host {}'\nexit 1", server.key));
    assert!(!by_ssh(&world, server, &command, 22));
    assert!(matches!(by_hop(server, &command, 22), Err(TrustError::Command { .. })));
}
