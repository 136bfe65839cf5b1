//! Does `CheckHostIP` do what it does in `ssh`? Both clients go by TCP to the same sshd, in a network namespace with an
//! address that is not loopback and a private hosts file, for names and addresses that are known, unknown, or known
//! otherwise; verdict and file afterwards are compared.
//!
//! Where nobody watches, hop records an address only if it was told to accept what is new; ssh always does. What is
//! refused leaves no trace with hop; ssh has then recorded a new name already.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::ground::{World, tools};
use crate::skips::{need, need_root, skip};

const ADDRESS: &str = "10.9.8.7";

/// What is done for every case; `$1` its folder. The first word of each verdict file is the client's exit status.
const CLIENTS: &str = "
for folder in cases/*; do
  cp $folder/known_hosts $folder/ssh.known; cp $folder/known_hosts $folder/hop.known
  timeout 60 $SSH -F $folder/config -o UserKnownHostsFile=$PWD/$folder/ssh.known nobody@host true >$folder/ssh.said 2>&1 </dev/null & ssh=$!
  timeout 60 $HOP ssh -F $folder/config -o UserKnownHostsFile=$PWD/$folder/hop.known nobody@host true >$folder/hop.said 2>&1 </dev/null
  wait $ssh
done";

struct Case {
    title: String,
    known_hosts: String,
    config: String,
    watched: bool,
}

/// Options, the names the host and its address then have in known_hosts.
const VARIANTS: [(&str, &str, &str); 9] = [
    ("CheckHostIP yes\nStrictHostKeyChecking yes", "host", ADDRESS),
    ("CheckHostIP yes\nStrictHostKeyChecking accept-new", "host", ADDRESS),
    ("CheckHostIP yes\nStrictHostKeyChecking no", "host", ADDRESS),
    ("CheckHostIP yes\nStrictHostKeyChecking ask", "host", ADDRESS),
    ("CheckHostIP no\nStrictHostKeyChecking accept-new", "host", ADDRESS),
    ("CheckHostIP yes\nStrictHostKeyChecking accept-new\nPort 2222", "[host]:2222", "[10.9.8.7]:2222"),
    ("CheckHostIP yes\nStrictHostKeyChecking accept-new\nHostKeyAlias other", "other", ADDRESS),
    ("CheckHostIP yes\nStrictHostKeyChecking accept-new\nPort 2222\nHostKeyAlias other", "other", "[10.9.8.7]:2222"),
    (
        "CheckHostIP yes\nStrictHostKeyChecking accept-new\nProxyCommand $SSHD -i -f address.sshd_config",
        "host",
        ADDRESS,
    ),
];

fn cases(world: &World) -> Vec<Case> {
    let (key, another, third) =
        (world.public("host-ed25519"), world.public("another-ed25519"), world.public("third-rsa"));
    let mut cases = Vec::new();
    for (options, host, address) in VARIANTS {
        for name in [None, Some(&key), Some(&another)] {
            for ip in [None, Some(&key), Some(&another), Some(&third)] {
                let mut known_hosts = String::new();
                for (names, key) in [(host, name), (address, ip)] {
                    if let Some(key) = key {
                        writeln!(known_hosts, "{names} {key}").expect("a string takes it");
                    }
                }
                let config = format!(
                    "{options}\nBatchMode yes\nHostKeyAlgorithms ssh-ed25519\nGlobalKnownHostsFile none\nHashKnownHosts no\n"
                );
                let title = format!("{} with {known_hosts:?}", options.replace('\n', ", "));
                let watched = options.contains("accept-new") || options.contains("Checking no");
                cases.push(Case { title, known_hosts, config, watched });
            }
        }
    }
    cases
}

#[test]
fn hop_checks_addresses_as_ssh_does() {
    let (Some(tools), Some(_), Some(_)) = (tools(), need("unshare"), need("ip")) else { return };
    if !need_root("an address of its own takes a network namespace") {
        return;
    }
    let programs = (tools.ssh.clone(), tools.sshd.clone());
    let world = World::new(tools);
    let cases = cases(&world);
    if let Err(why) = meet(&world, &cases, programs) {
        return skip(&why);
    }
    let (mut accepted, mut recorded, mut failures) = (0, 0, Vec::new());
    for (index, case) in cases.iter().enumerate() {
        let read = |name: &str| fs::read_to_string(case_folder(&world, index).join(name)).expect("what a client left");
        let [ssh, hop] = ["ssh", "hop"]
            .map(|client| Ending { said: read(&format!("{client}.said")), known: read(&format!("{client}.known")) });
        accepted += usize::from(ssh.accepts());
        recorded += usize::from(ssh.known != case.known_hosts);
        if !alike(case, &ssh, &hop) {
            failures.push(format!("{}:\nssh: {}{}\nhop: {}{}", case.title, ssh.said, ssh.known, hop.said, hop.known));
        }
    }
    println!("{} cases of CheckHostIP: ssh accepts {accepted} and records in {recorded}", cases.len());
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
    assert!(accepted > 20 && recorded > 10, "too little was accepted to compare");
}

fn case_folder(world: &World, index: usize) -> PathBuf {
    world.path(&format!("cases/{index:03}"))
}

/// Puts both clients before the sshd, once a case; an error where there are no namespaces.
fn meet(world: &World, cases: &[Case], (ssh, sshd): (PathBuf, PathBuf)) -> Result<(), String> {
    let write = |name: &str, text: &str| fs::write(world.path(name), text).expect("a file");
    write("hosts", &format!("127.0.0.1 localhost\n{ADDRESS} host\n"));
    write("nsswitch.conf", "hosts: files\n");
    let key = world.path("host-ed25519").display().to_string();
    write(
        "address.sshd_config",
        &format!(
            "ListenAddress {ADDRESS}:22\nListenAddress {ADDRESS}:2222\nHostKey {key}\nPidFile none\nUsePAM no\n\
             StrictModes no\nMaxStartups 100\n"
        ),
    );
    for (index, case) in cases.iter().enumerate() {
        let folder = case_folder(world, index);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("known_hosts"), &case.known_hosts).expect("a file");
        fs::write(folder.join("config"), &case.config).expect("a file");
    }
    let script = format!(
        "cd {} && mount --bind hosts /etc/hosts && mount --bind nsswitch.conf /etc/nsswitch.conf &&
         ip link set lo up && ip address add {ADDRESS}/32 dev lo || exit 9
         $SSHD -D -e -f address.sshd_config 2>sshd.log & sshd=$!
         until grep -q 'listening on .* port 2222' sshd.log && grep -q 'listening on .* port 22\\.' sshd.log; do
           kill -0 $sshd || exit 8; sleep 0.05
         done
         {CLIENTS}
         kill $sshd",
        world.path("").display(),
    );
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", &script]);
    command.env("SSH", ssh).env("SSHD", &sshd).env("HOP", env!("CARGO_BIN_EXE_hop"));
    let output = command.output().expect("unshare runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() == Some(9) || said.contains("unshare failed") {
        return Err(format!("no namespaces: {said}"));
    }
    assert!(output.status.success(), "{said}");
    Ok(())
}

/// What a client said, and its known_hosts afterwards.
struct Ending {
    said: String,
    known: String,
}

impl Ending {
    /// Whoever gets as far as a login trusts the host.
    fn accepts(&self) -> bool {
        let accepts = self.said.contains("Permission denied") || self.said.contains(": authenticate: ");
        let refuses = self.said.contains("Host key verification failed") || self.said.contains(": verify host key: ");
        assert!(accepts != refuses, "no verdict:\n{}", self.said);
        accepts
    }
}

fn alike(case: &Case, ssh: &Ending, hop: &Ending) -> bool {
    // a changed key is never accepted, whatever StrictHostKeyChecking says
    if hop.said.contains("CHANGED") && case.config.contains("StrictHostKeyChecking no") {
        return ssh.accepts();
    }
    // ssh writes the name down before it looks at the address, and leaves it there when it refuses
    let silent = hop.known == case.known_hosts && (!case.watched || !ssh.accepts());
    ssh.accepts() == hop.accepts() && (ssh.known == hop.known || silent)
}
