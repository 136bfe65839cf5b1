//! Twisted Conch: a library that honeypots and gateways are built with. It gives no shell.

use super::make::{Make, Part, Times, python};
use super::scenario;

const MAKE: Make = Make {
    needs: &["bin/python3", "lib/python3/dist-packages/twisted/conch"],
    launch: |server| python(server, include_str!("servers/conch_server.py")),
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
