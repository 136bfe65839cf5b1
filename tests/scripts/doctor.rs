//! What `hop doctor` asks servers.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::Command;

use hop::doctor::Facts;
use hop::lend::with_variables;

use super::shells::{Programs, Shell, printed, shells};

const FACTS: &str = include_str!("../../src/doctor/facts.sh");
const CLOUD: &str = include_str!("../../src/doctor/cloud.sh");
const HALF_OPEN: &str = include_str!("../../src/doctor/half_open.sh");
const PROBE: &str = include_str!("../../src/doctor/probe.sh");

#[test]
fn a_server_says_what_it_is() {
    let Some(shells) = shells() else { return };
    let home = tempfile::tempdir().expect("a home");
    for shell in &shells {
        let mut script = shell.script(FACTS.as_bytes());
        script.env("HOME", home.path()).env("SSH_AUTH_SOCK", "/tmp/agent");
        let said = printed(script.env("SSH_CONNECTION", "10.0.0.1 5 10.0.0.2 22"));
        let facts = Facts::read(said.as_bytes()).unwrap_or_else(|| panic!("{}: {said}", shell.name));
        let home = facts.has_home && facts.home_is_writable;
        assert!(home && facts.has_agent && facts.clock.is_some() && facts.noise.is_empty(), "{}: {said}", shell.name);
        assert!(facts.tools.contains(&"bash".to_owned()) && !facts.client.is_empty(), "{}: {said}", shell.name);
        assert_eq!(facts.networks.address.map(|address| address.to_string()).as_deref(), Some("10.0.0.2"));
    }
}

#[test]
fn a_cloud_says_which_network_it_is() {
    let Some(shells) = shells() else { return };
    let programs = Programs::new(&[(
        "curl",
        r#"for last; do :; done
case "$*" in
*'-X PUT'*) printf secret; exit ;;
*'X-aws-ec2-metadata-token: secret'*) ;;
*) exit 22 ;;
esac
case $last in
*/placement/region) printf us-east-1 ;;
*/meta-data/mac) printf 02:00 ;;
*/macs/02:00/vpc-id) printf vpc-1 ;;
*/macs/02:00/subnet-id) printf subnet-1 ;;
*/macs/02:00/vpc-ipv4-cidr-blocks) printf '10.0.0.0/16\n10.1.0.0/16' ;;
esac"#,
    )]);
    let told = ["hop-begin", "region us-east-1", "vpc vpc-1", "subnet subnet-1", "block 10.0.0.0/16"];
    let told = [&told[..], &["block 10.1.0.0/16", "hop-end"]].concat();
    let empty = Programs::new(&[]);
    for shell in &shells {
        let said = printed(shell.script(CLOUD.as_bytes()).env("PATH", programs.path()));
        assert_eq!(said.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>(), told, "{}", shell.name);
        // what is written in octal is read again by a builtin
        let said = printed(shell.script(CLOUD.as_bytes()).env("PATH", empty.nothing_else()));
        assert_eq!(said, "", "{}: without curl", shell.name);
    }
}

#[test]
fn the_kernels_table_is_read_to_its_end() {
    let Some(shells) = shells() else { return };
    for shell in &shells {
        let said = printed(&mut shell.script(HALF_OPEN.as_bytes()));
        let lines: Vec<_> = said.lines().collect();
        let (last, half_open) = lines.split_last().expect("a mark");
        assert!(*last == "hop-end" && half_open.iter().all(|line| line.contains(" 03 ")), "{}: {said}", shell.name);
    }
}

#[test]
fn what_answers_at_a_port_is_heard_and_what_does_not_is_told() {
    let Some(shells) = shells() else { return };
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("a port").port();
    std::thread::spawn(move || {
        listener.incoming().flatten().for_each(|mut stream| stream.write_all(b"SSH-2.0-x\r\n").expect("it listens"));
    });
    for shell in &shells {
        assert_eq!(printed(&mut probe(shell, port)), "hop-open\nSSH-2.0-x\r\n", "{}", shell.name);
        let refused = probe(shell, 1).output().expect("it starts");
        let words = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.stdout.is_empty() && words.contains("refused"), "{}: {words}", shell.name);
    }
}

fn probe(shell: &Shell, port: u16) -> Command {
    let variables = [("host", "127.0.0.1"), ("port", &port.to_string()), ("limit", "60")];
    shell.script(&with_variables(&variables, PROBE))
}
