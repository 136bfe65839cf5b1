//! What stands in the way: each has its own words, its exit code and a way out under `--route direct`; under `auto` the
//! same words are the reason for the relay.

use std::fs;
use std::os::unix::fs::symlink;

use super::attacked::AT_THE_LOGIN;
use super::tools::Tools;
use super::{cp, fetching, goes_straight};
use crate::end_to_end::noise;
use crate::skips::{find, need_root};
use crate::street::{ACC_BASTION, ACC_PVT, DELL_PVT, Street, run};
use crate::whole::ran::run_while;

/// Refused with `--route direct`, relayed without.
pub fn refused(street: &Street, options: &[&str], code: i32, says: &[&str]) {
    refused_with(street, (options, "relay: "), code, says);
}

/// The same, where the relay begins with these words.
pub fn refused_with(street: &Street, (options, begins): (&[&str], &str), code: i32, says: &[&str]) {
    street.put(ACC_PVT, "f", b"content");
    let words = ["acc-pvt:f", "dell-pvt:"];
    let ran = run(cp(street, options).arg("-R").args(words).env("HOP_PROGRESS", ""));
    assert_eq!(ran.code, Some(code), "{ran}");
    for said in says.iter().chain(&["hint: "]) {
        assert!(ran.stderr.contains(said), "does not say `{said}`: {ran}");
    }
    assert!(!street.home(DELL_PVT).join("f").exists(), "it never relays: {ran}");
    let ran = run(cp(street, options).args(words));
    let has = |begins: &str| ran.stderr.lines().any(|line| line.starts_with(begins));
    assert!(ran.code == Some(0) && has(begins) && has("relay: "), "{ran}");
    assert!(ran.stderr.contains(says[0]), "the reason is said: {ran}");
    assert_eq!(fs::read(street.home(DELL_PVT).join("f")).expect("it is there"), b"content");
}

#[test]
fn another_host_at_that_address() {
    let Some(street) = Street::start() else { return };
    let bastion = street.server(ACC_BASTION).address.to_string();
    let says = ["acc-pvt does not meet dell-pvt", "two networks may use"];
    refused_with(&street, (&["--peer-address", &bastion], "warning: at "), 13, &says);
}

/// The host key is changed when hop has logged in, and the other host is about to: its ssh waits for that.
fn changed_meanwhile(by: &'static str, at: &'static str) {
    let waits =
        format!("{AT_THE_LOGIN}: >$here/about-to\nuntil [ -e $here/changed ]; do sleep 0.02; done\nexec $real \"$@\"");
    for (route, code) in [("direct", 13), ("auto", 0)] {
        let tools = Tools::new().put("ssh", &waits);
        let Some(street) = tools.plan(by).start() else { return };
        street.put(ACC_PVT, "f", b"content");
        let (about_to, changed) = (tools.path().join("about-to"), tools.path().join("changed"));
        let mut command = cp(&street, fetching(&street, ACC_PVT).iter().filter(|_| by == DELL_PVT));
        let mut before = 0;
        let logins = || street.server(at).log().matches("Accepted publickey").count();
        let ran = run_while(command.args(["--route", route, "acc-pvt:f", "dell-pvt:"]), |_, _| {
            if about_to.exists() && !changed.exists() {
                street.server(at).renew_host_keys();
                before = logins();
                fs::write(&changed, b"").expect("tell it");
            }
        });
        assert!(changed.exists() && ran.code == Some(code), "{route}: {ran}");
        assert!(ran.stderr.contains(&format!("{by} does not meet {at}: the host key there is not the one")), "{ran}");
        assert_eq!(logins(), before, "nobody logs in there: {ran}");
        let arrived = street.home(DELL_PVT).join("f");
        match route {
            "direct" => assert!(ran.stderr.contains("hint: ") && !arrived.exists(), "it never relays: {ran}"),
            _ => assert!(ran.stderr.contains("\nrelay: ") && arrived.exists(), "by hop's own sessions: {ran}"),
        }
    }
}

#[test]
fn a_destination_whose_host_key_is_changed_before_the_source_logs_in() {
    changed_meanwhile(ACC_PVT, DELL_PVT);
}

#[test]
fn a_source_whose_host_key_is_changed_before_the_destination_fetches() {
    changed_meanwhile(DELL_PVT, ACC_PVT);
}

#[test]
fn a_source_that_runs_no_commands() {
    let plan = Street::plan().without_sftp(ACC_PVT).sshd(ACC_PVT, "Subsystem sftp internal-sftp");
    let Some(street) = plan.sshd(ACC_PVT, "ForceCommand internal-sftp").start() else { return };
    refused(&street, &[], 10, &["acc-pvt runs no commands for this account", "needs a shell"]);
}

#[test]
fn a_destination_that_runs_no_commands_and_a_source_without_sftp() {
    let Some(street) = super::put::no_commands().start() else { return };
    with_tools(&street, &["sh", "cat", "mktemp", "mkfifo", "rm", "tr", "dd", "mkdir", "sleep", "ssh"]);
    refused(&street, &[], 10, &["dell-pvt runs no commands for this account", "needs a shell"]);
}

#[test]
fn two_hosts_that_forward_no_agent() {
    let plan = Street::plan().sshd(ACC_PVT, "AllowAgentForwarding no").sshd(DELL_PVT, "AllowAgentForwarding no");
    let Some(street) = plan.start() else { return };
    let neither =
        "acc-pvt forwards no agent (AllowAgentForwarding no, or no place for its socket); dell-pvt forwards no";
    refused(&street, &[], 14, &[neither, "sshd_config of acc-pvt needs AllowAgentForwarding yes"]);
    // where one of the two ways was chosen, the other is hinted at
    let [acc, dell] = [ACC_PVT, DELL_PVT].map(|host| street.server(host).address.to_string());
    for (option, address, by, other) in
        [("--peer-address", dell, "acc-pvt", "--fetch-from"), ("--fetch-from", acc, "dell-pvt", "--peer-address")]
    {
        fs::remove_file(street.home(DELL_PVT).join("f")).expect("remove it");
        refused(&street, &[option, &address], 14, &[&format!("{by} forwards no agent"), other]);
    }
}

#[test]
fn a_source_that_forwards_no_agent_and_a_destination_that_does_not_reach_it() {
    let Some(street) = Street::plan().sshd(ACC_PVT, "AllowAgentForwarding no").start() else { return };
    if !street.own_homes() {
        return;
    }
    street.hide(ACC_PVT, DELL_PVT);
    let says = ["acc-pvt forwards no agent", "; dell-pvt cannot open acc-pvt.internal:", "AllowAgentForwarding yes"];
    refused(&street, &[], 14, &says);
}

/// What a source without ssh may have.
pub const WITHOUT_SSH: [&str; 9] = ["sh", "cat", "mktemp", "mkfifo", "rm", "tr", "dd", "mkdir", "sleep"];

/// A source whose commands find these tools only; `false`, and skipped, where that cannot be had.
pub fn with_tools(street: &Street, tools: &[&str]) -> bool {
    let folder = street.home(ACC_PVT).join("bin");
    fs::create_dir(&folder).expect("a folder");
    for tool in tools {
        symlink(find(tool).unwrap_or_else(|| panic!("no {tool} here")), folder.join(tool)).expect("a link");
    }
    street.put(ACC_PVT, ".bashrc", b"PATH=$HOME/bin\n");
    let is_read = run(street.openssh("ssh").args([ACC_PVT, "command -v ls"])).stdout.is_empty();
    if !is_read {
        crate::skips::skip("the login shell does not read .bashrc for commands");
    }
    is_read
}

#[test]
fn a_source_without_ssh_that_the_destination_does_not_reach() {
    let Some(street) = Street::start() else { return };
    if !street.own_homes() || !with_tools(&street, &WITHOUT_SSH) {
        return;
    }
    street.hide(ACC_PVT, DELL_PVT);
    let says = ["acc-pvt has no OpenSSH client", "; dell-pvt cannot open acc-pvt.internal:", "install OpenSSH"];
    refused(&street, &[], 10, &says);
}

#[test]
fn a_source_without_tar_sends_one_by_one() {
    let Some(street) = Street::start() else { return };
    if !with_tools(&street, &[&WITHOUT_SSH[..], &["ssh"]].concat()) {
        return;
    }
    for index in 0..5 {
        street.put(ACC_PVT, format!("tree/{index}"), b"content");
    }
    goes_straight(cp(&street, ["-Rr", "acc-pvt:tree", "dell-pvt:"]));
    assert_eq!(fs::read_dir(street.home(DELL_PVT).join("tree")).expect("it is there").count(), 5);
}

#[test]
fn what_cannot_be_meant() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "f", b"x");
    street.put(DELL_PVT, "g", b"x");
    let refused = |words: &[&str], says: &str| {
        let ran = run(cp(&street, ["-R"]).args(words));
        assert!(ran.code == Some(2) && ran.stderr.contains(says) && ran.stderr.contains("hint: "), "{words:?}: {ran}");
    };
    refused(&["acc-pvt:f", "acc-pvt:g"], "source and destination are the same host");
    refused(&["acc-pvt:f", "dell-pvt:g", "dell-bastion:"], "the sources are on several hosts");
}

#[test]
fn a_login_shell_that_prints_is_not_listened_to() {
    prints_for_nobody(|_| vec!["-R".to_owned()]);
}

/// Both hosts' login shells print what could be data or an answer; a small and a large file arrive as they are.
pub fn prints_for_nobody(options: impl Fn(&Street) -> Vec<String>) {
    let plan = Street::plan().without_sftp(ACC_PVT).sshd(ACC_PVT, "Subsystem sftp internal-sftp");
    let plan = plan.without_sftp(DELL_PVT).sshd(DELL_PVT, "Subsystem sftp internal-sftp");
    let Some(street) = plan.start() else { return };
    if !street.own_homes() {
        return;
    }
    let greets = b"echo Welcome to $HOSTNAME; echo hop-1 done 1 0 1+0; echo 7+7 records in; echo 7+7 records in >&2\n\
                   printf 'no line\\0 \\377'; printf careful >&2\n";
    for host in [ACC_PVT, DELL_PVT] {
        street.put(host, ".bashrc", greets);
    }
    let large = noise(12, 5_000_001);
    street.put(ACC_PVT, "tree/small", b"content");
    street.put(ACC_PVT, "tree/large", &large);
    goes_straight(cp(&street, options(&street).iter().map(String::as_str).chain(["-r", "acc-pvt:tree", "dell-pvt:"])));
    assert_eq!(fs::read(street.home(DELL_PVT).join("tree/small")).expect("it is there"), b"content");
    assert!(fs::read(street.home(DELL_PVT).join("tree/large")).expect("it is there") == large);
}

#[test]
fn files_that_cannot_be_read_or_written_fail_alone() {
    let Some(street) = Street::start() else { return };
    secret_fails_alone(&street, &[]);
}

/// Of a tree one file cannot be read; the others arrive.
pub fn secret_fails_alone(street: &Street, options: &[String]) {
    if !street.own_homes() || !need_root("to give a file away") {
        return;
    }
    for name in ["a", "secret", "z"] {
        street.put(ACC_PVT, format!("tree/{name}"), name.as_bytes());
    }
    let secret = street.home(ACC_PVT).join("tree/secret");
    std::os::unix::fs::chown(&secret, Some(0), Some(0)).expect("give it away");
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("set the mode");
    let ran = run(cp(street, options).args(["-Rr", "acc-pvt:tree", "dell-pvt:"]));
    assert_eq!(ran.code, Some(23), "{ran}");
    let said = ["secret: permission denied", "1 file failed, 2 files arrived"];
    assert!(said.iter().all(|said| ran.stderr.contains(said)), "{ran}");
    assert_eq!(fs::read_dir(street.home(DELL_PVT).join("tree")).expect("it is there").count(), 2);
}
