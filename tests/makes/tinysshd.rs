//! TinySSH: a small server with few algorithms. Files are served by OpenSSH's `sftp-server`; there is a shell, and it
//! forwards nothing.

use super::make::{Make, Part, Times, daemon, path, script};
use super::scenario;
use crate::skips;
use crate::street::Server;

const MAKE: Make = Make {
    needs: &["sbin/tinysshd", "bin/python3", "lib/openssh/sftp-server"],
    launch,
    settings: &[],
    part: Part::GoesOn,
    times: Times::Kept,
};

fn launch(server: &Server) -> Vec<String> {
    let text = script(server, "server.py", include_str!("servers/tinysshd_server.py"));
    let [ip, port] = [server.listens.ip().to_string(), server.listens.port().to_string()];
    let folder = server.home.parent().expect("a host's folder").display().to_string();
    daemon(server, &["/usr/bin/python3", &text, &ip, &port, &path(server, "host_ed25519"), &folder])
}

#[test]
fn serves() {
    if skips::need_root("tinysshd becomes its user") {
        scenario::serves(&MAKE);
    }
}
