//! The user's agent on a host: lent with `-A`, bound to the session, and never without.

use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use crate::skips::need;
use crate::street::{ACC_BASTION, ACC_PVT, Street, run, until};

/// A real ssh-agent with the street's key.
struct Agent {
    process: Child,
    socket: std::path::PathBuf,
}

impl Agent {
    /// `limits` are words for ssh-add(1).
    fn start(street: &Street, limits: &[&str]) -> Option<Agent> {
        let (agent, add) = (need("ssh-agent")?, need("ssh-add")?);
        let socket = street.laptop().join("agent");
        let process =
            Command::new(agent).arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().expect("an agent");
        // from here on it is killed whatever comes
        let agent = Agent { process, socket };
        let socket = &agent.socket;
        // its socket has a name before anybody listens there
        until("the agent listens", || UnixStream::connect(socket).is_ok());
        let ran = run(street
            .on_laptop(add.to_str().expect("a path"))
            .args(limits)
            .arg("acc.pem")
            .env("SSH_AUTH_SOCK", socket));
        assert_eq!(ran.code, Some(0), "{ran}");
        Some(agent)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.process.kill().expect("kill the agent");
        self.process.wait().expect("wait for the agent");
        let _ = std::fs::remove_file(&self.socket); // it may have removed it itself
    }
}

#[test]
fn the_agent_is_lent_with_a_flag_and_not_without() {
    let Some(street) = Street::start() else { return };
    let Some(agent) = Agent::start(&street, &[]) else { return };
    let list = |flag: &str| {
        let mut hop = street.hop("ssh");
        run(hop.args([flag, ACC_PVT, "ssh-add -l"]).env("SSH_AUTH_SOCK", &agent.socket))
    };
    let lent = list("-A");
    assert_eq!(lent.code, Some(0), "{lent}");
    assert!(lent.stdout.contains("RSA"), "{lent}");
    assert_eq!(list("-a").code, Some(2), "{}", list("-a"));
}

#[test]
fn a_key_for_one_host_is_not_shown_beyond_it() {
    let Some(street) = Street::start() else { return };
    let address = |host| {
        let address = street.server(host).address;
        format!("[{}]:{}", address.ip(), address.port())
    };
    let (pvt, bastion) = (address(ACC_PVT), address(ACC_BASTION));
    let known = street.known_hosts();
    let known = known.to_str().expect("a path");
    let list = |limits: &[&str]| {
        let agent = Agent::start(&street, &[&["-q", "-H", known][..], limits].concat())?;
        let mut hop = street.hop("ssh");
        let ran = run(hop.args(["-A", ACC_PVT, "ssh-add -l"]).env("SSH_AUTH_SOCK", &agent.socket));
        Some(ran)
    };
    let onward = format!("{pvt}>{bastion}");
    let Some(only_there) = list(&["-h", &pvt]) else { return };
    assert_eq!(only_there.code, Some(1), "an agent that knows who asks shows nothing: {only_there}");
    let beyond = list(&["-h", &pvt, "-h", &onward]).expect("as before");
    assert_eq!(beyond.code, Some(0), "{beyond}");
}
