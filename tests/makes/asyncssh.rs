//! asyncssh: a library that gateways and test servers are built with. It gives no shell.

use super::make::{Make, python};
use super::scenario;

const MAKE: Make = Make::in_python(&["bin/python3", "lib/python3/dist-packages/asyncssh"], |server| {
    python(server, include_str!("servers/asyncssh_server.py"))
});

#[test]
fn serves() {
    scenario::serves(&MAKE);
}

#[test]
fn forwards() {
    scenario::forwards(&MAKE);
}
