//! The user's agent on a host: lent with `-A`, bound to the session, and never without.

use std::process::{Child, Command, Stdio};

use crate::skips::need;
use crate::street::{ACC_PVT, Street, run, until};

/// A real ssh-agent with the street's key.
struct Agent {
    process: Child,
    socket: std::path::PathBuf,
}

impl Agent {
    fn start(street: &Street) -> Option<Agent> {
        let (agent, add) = (need("ssh-agent")?, need("ssh-add")?);
        let socket = street.laptop().join("agent");
        let process =
            Command::new(agent).arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().expect("an agent");
        until("the agent listens", || socket.exists());
        let ran = run(street.on_laptop(add.to_str().expect("a path")).arg("acc.pem").env("SSH_AUTH_SOCK", &socket));
        assert_eq!(ran.code, Some(0), "{ran}");
        Some(Agent { process, socket })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.process.kill().expect("kill the agent");
        self.process.wait().expect("wait for the agent");
    }
}

#[test]
fn the_agent_is_lent_with_a_flag_and_not_without() {
    let Some(street) = Street::start() else { return };
    let Some(agent) = Agent::start(&street) else { return };
    let list = |flag: &str| {
        let mut hop = street.hop("ssh");
        run(hop.args([flag, ACC_PVT, "ssh-add -l"]).env("SSH_AUTH_SOCK", &agent.socket))
    };
    let lent = list("-A");
    assert_eq!(lent.code, Some(0), "{lent}");
    assert!(lent.stdout.contains("RSA"), "{lent}");
    assert_eq!(list("-a").code, Some(2), "{}", list("-a"));
}
