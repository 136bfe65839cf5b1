//! Keys that the user's agent holds for certain hosts only (`ssh-add -h`): hop's own logins show the agent where they go,
//! through bastions too; a lent one cannot, and says so.

use std::fs;

use crate::auth::Agent;
use crate::skips::skip;
use crate::street::{ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT, Street, run};

/// The laptop's keys in an agent, each for the hosts of its network.
fn agent(street: &Street) -> Option<Agent> {
    let agent = Agent::new()?;
    let all = [ACC_BASTION, ACC_PVT, DELL_BASTION, DELL_PVT];
    let known = fs::read_to_string(street.known_hosts()).expect("known hosts");
    let named = all.iter().flat_map(|host| {
        let address = street.server(host).address;
        let before = format!("[{}]:{} ", address.ip(), address.port());
        known
            .lines()
            .filter_map(move |line| Some(format!("{host} {}\n", line.strip_prefix(&before)?)))
            .collect::<Vec<_>>()
    });
    fs::write(agent.file("known"), named.collect::<String>()).expect("known hosts");
    for network in ["acc", "dell"] {
        let pem = street.laptop().join(format!("{network}.pem"));
        let hosts = format!("-H known -h {network}-bastion -h {network}-pvt");
        if !agent.hold(&pem, &hosts) {
            skip("ssh-add knows no -h");
            return None;
        }
        fs::remove_file(&pem).expect("the agent has it");
    }
    let options = "IdentitiesOnly no\n  IdentityFile none";
    street.configure(&format!("Host *\n  IdentityAgent \"{}\"\n  {options}", agent.socket().display()));
    Some(agent)
}

#[test]
fn a_key_for_certain_hosts_logs_in_through_bastions() {
    let Some(street) = Street::start() else { return };
    let Some(_agent) = agent(&street) else { return };
    let by_ssh = run(street.openssh("ssh").args([DELL_PVT, "echo there"]));
    assert_eq!((by_ssh.code, &by_ssh.stdout[..]), (Some(0), "there\n"), "as ssh does: {by_ssh}");
    street.put(ACC_PVT, "f", b"content");
    let ran = run(street.hop("cp").args(["-3", "acc-pvt:f", "dell-pvt:"]));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(fs::read(street.home(DELL_PVT).join("f")).expect("it is there"), b"content");
}

#[test]
fn a_lent_login_with_it_is_refused_before_anything_is_asked_of_it() {
    let plan = Street::plan().sshd(DELL_PVT, "AuthorizedKeysFile .ssh/authorized_keys %h/../authorized_keys");
    let Some(street) = plan.start() else { return };
    let Some(_agent) = agent(&street) else { return };
    street.put(ACC_PVT, "f", b"content");
    let ran = run(street.hop("cp").args(["-R", "acc-pvt:f", "dell-pvt:"]));
    assert!(ran.code == Some(14) && ran.stderr.contains("is held for certain hosts only (ssh-add -h)"), "{ran}");
    assert!(ran.stderr.contains("hint: ") && ran.stderr.contains("--direct-auth ephemeral"), "{ran}");
    let ran = run(street.hop("ssh").args(["--lend", DELL_PVT, ACC_PVT, "true"]));
    assert!(ran.code == Some(255) && ran.stderr.contains("is held for certain hosts only"), "{ran}");
    let ran = run(street.hop("cp").args(["-R", "--direct-auth", "ephemeral", "acc-pvt:f", "dell-pvt:"]));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(fs::read(street.home(DELL_PVT).join("f")).expect("it is there"), b"content");
}
