//! hop as the transport of other programs: each is the real one, told to use `hop ssh` where it would run `ssh`.

mod probes;
mod tools;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::street::Street;

/// A program on the laptop that finds `ssh` to be hop: `bin/ssh` for programs that want one word, `hop ssh` for others.
fn told_to_use_hop(street: &Street, program: &str) -> Command {
    let ssh = ssh(street);
    let mut command = street.on_laptop(program);
    command.env("PATH", format!("{}:/usr/bin:/bin", ssh.parent().expect("a folder").display()));
    command
}

/// What is typed instead of `ssh`.
fn hop_ssh() -> String {
    format!("{} ssh -F .ssh/config", env!("CARGO_BIN_EXE_hop"))
}

/// A program by the name of ssh that is hop, as an alias or a link makes it.
fn ssh(street: &Street) -> PathBuf {
    let config = street.config();
    let script = format!("#!/bin/sh\nexec {} ssh -F {} \"$@\"\n", env!("CARGO_BIN_EXE_hop"), config.display());
    let path = street.put_here("bin/ssh", script.as_bytes());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set the mode");
    path
}
