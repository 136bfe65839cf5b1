//! Twisted Conch: a library that honeypots and gateways are built with. It gives no shell.

use super::make::{Make, python};
use super::scenario;

const MAKE: Make = Make::in_python(&["bin/python3", "lib/python3/dist-packages/twisted/conch"], |server| {
    python(server, include_str!("servers/conch_server.py"))
});

#[test]
fn serves() {
    scenario::serves(&MAKE);
}

#[test]
fn forwards() {
    scenario::forwards(&MAKE);
}
