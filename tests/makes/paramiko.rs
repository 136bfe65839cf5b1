//! paramiko: a library that gateways, test servers and appliances are built with. It gives no shell.

use super::make::{Make, Part, Times, python};
use super::scenario;

const MAKE: Make = Make {
    needs: &["bin/python3", "lib/python3/dist-packages/paramiko"],
    launch: |server| python(server, include_str!("servers/paramiko_server.py")),
    settings: &[],
    part: Part::GoesOn,
    times: Times::Kept,
};

#[test]
fn serves() {
    scenario::serves(&MAKE);
}

#[test]
fn forwards() {
    scenario::forwards(&MAKE);
}
