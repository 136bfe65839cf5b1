//! libssh: the library of many a device and gateway. It brings no server of its own that serves files, so a small one in C
//! stands on it. It gives no shell.

use std::process::Command;

use super::make::{Make, Part, Times, as_user, path, script, unpacked};
use super::scenario;
use crate::street::Server;

const MAKE: Make =
    Make { needs: &["include/libssh/sftp.h"], launch, settings: &[], part: Part::GoesOn, times: Times::Kept };

/// The working folder is where relative names begin.
const START: &str = r#"cd "$HOME" && exec "$@""#;

fn launch(server: &Server) -> Vec<String> {
    let source = script(server, "server.c", include_str!("servers/libssh_server.c"));
    let [ip, port] = [server.listens.ip().to_string(), server.listens.port().to_string()];
    let [program, key, let_in] = ["server", "host_ed25519", "authorized_keys"].map(|name| path(server, name));
    build(&source, &program);
    as_user(server, &["sh", "-c", START, "sh", &program, &ip, &port, &key, &let_in])
}

fn build(source: &str, program: &str) {
    let libraries = unpacked().join(format!("lib/{}-linux-gnu", std::env::consts::ARCH));
    let mut cc = Command::new("cc");
    cc.args(["-Wno-deprecated-declarations", "-I"]).arg(unpacked().join("include"));
    cc.arg("-L").arg(libraries).args(["-o", program, source, "-lssh"]);
    let built = cc.output().expect("a C compiler, as Rust needs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}

#[test]
fn serves() {
    scenario::serves(&MAKE);
}

#[test]
fn forwards() {
    scenario::forwards(&MAKE);
}
