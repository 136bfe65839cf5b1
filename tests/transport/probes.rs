//! Programs that drive `ssh` by its command line: the lines that Ansible and VS Code type, word for word.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use super::told_to_use_hop;
use crate::forward::{bytes, free_port};
use crate::street::{ACC_PVT, Street, run};

/// `ssh_args` of Ansible, its ControlPersist included, and what its ssh plugin adds.
const ANSIBLE: [&str; 17] = [
    "-C",
    "-o",
    "ControlMaster=auto",
    "-o",
    "ControlPersist=60s",
    "-o",
    "StrictHostKeyChecking=yes",
    "-o",
    "KbdInteractiveAuthentication=no",
    "-o",
    "PreferredAuthentications=gssapi-with-mic,gssapi-keyex,hostbased,publickey",
    "-o",
    "PasswordAuthentication=no",
    "-o",
    "ConnectTimeout=10",
    "-o",
    "ControlPath=\"~/.ansible/cp/7f3a9c\"",
];

#[test]
fn ansibles_lines_are_understood() {
    let Some(street) = Street::start() else { return };
    let user = format!("User=\"{}\"", street.user());
    let ssh = |words: &[&str]| {
        let mut ssh = told_to_use_hop(&street, "ssh");
        run(ssh.args(ANSIBLE).args(["-o", &user]).args(words))
    };
    let home = ssh(&[ACC_PVT, "/bin/sh -c 'echo ~ && sleep 0'"]);
    assert_eq!((home.code, home.stdout.lines().count(), home.stderr.as_str()), (Some(0), 1, ""), "{home}");
    let module = ssh(&["-tt", ACC_PVT, "/bin/sh -c '/bin/echo {\"changed\": false} && exit 3'"]);
    assert_eq!((module.code, module.stdout.as_str()), (Some(3), "{changed: false}\r\n"), "{module}");
    let unreachable = ssh(&["-o", "HostName=127.0.0.1", "-o", "ProxyJump=none", "-p", "1", ACC_PVT, "true"]);
    assert_eq!(unreachable.code, Some(255), "255 is what Ansible takes for unreachable: {unreachable}");

    // `ansible_ssh_transfer_method: piped`
    let content = bytes(1_000_000);
    let file = street.put_here("module.py", &content);
    let mut put = told_to_use_hop(&street, "ssh");
    put.args(ANSIBLE).args(["-o", &user, ACC_PVT, "dd of=module.py bs=65536"]);
    let put = put.stdin(fs::File::open(file).expect("the file")).output().expect("hop ssh");
    assert!(put.status.success(), "{put:?}");
    assert!(fs::read(street.home(ACC_PVT).join("module.py")).expect("it arrived") == content);
}

#[test]
fn vs_codes_probes_are_answered() {
    let Some(street) = Street::start() else { return };
    let version = run(told_to_use_hop(&street, "ssh").arg("-V"));
    assert_eq!(version.code, Some(0), "{version}");
    let number = version.stderr.strip_prefix("OpenSSH_").and_then(|rest| rest.split(['.', 'p', ',', '-', ' ']).next());
    assert!(number.is_some_and(|number| number.parse::<u32>().is_ok_and(|major| major >= 8)), "{version}");

    // a script on standard input, a port for SOCKS beside it, markers on standard output
    let port = free_port();
    let mut ssh = told_to_use_hop(&street, "ssh");
    ssh.args(["-v", "-T", "-D", &port.to_string(), "-o", "ConnectTimeout=15", ACC_PVT, "bash"]);
    let mut child = ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("hop ssh");
    let script = format!(
        "echo 8f2e: running; uname -s; read -r answer; echo \"$answer\"\necho in the script\nexit 4\n# {}\n",
        "x".repeat(100_000)
    );
    child.stdin.take().expect("piped").write_all(script.as_bytes()).expect("a script");
    let ended = child.wait_with_output().expect("hop ssh");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(said.lines().next(), Some("8f2e: running"), "{said}");
    assert_eq!((said.lines().nth(2), ended.status.code()), (Some("echo in the script"), Some(4)), "{said}");

    let dump = run(told_to_use_hop(&street, "ssh").args(["-G", ACC_PVT]));
    assert!(dump.stdout.lines().any(|line| line == "proxyjump acc-bastion"), "{dump}");
}
