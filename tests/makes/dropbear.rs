//! Dropbear: the server of routers and small devices. Files are served by OpenSSH's `sftp-server`; there is a shell.

use super::make::{Make, Part, Times, daemon, path};
use super::scenario;
use crate::skips;
use crate::street::Server;

const MAKE: Make = Make {
    needs: &["sbin/dropbear", "bin/dropbearconvert", "lib/openssh/sftp-server"],
    launch,
    settings: &[],
    part: Part::GoesOn,
    times: Times::Kept,
};

const START: &str =
    r#"dropbearconvert openssh dropbear "$1" "$1.dropbear" && exec dropbear -F -E -s -r "$1.dropbear" -p "$2""#;

const WITHOUT: Make = Make { launch: launch_without, ..MAKE };

/// Its own build of it has no SFTP server beside it.
fn launch_without(server: &Server) -> Vec<String> {
    let hide = r#"mount --bind /dev/null /usr/lib/openssh/sftp-server && exec "$@""#;
    let words = ["sh", "-c", hide, "sh"].map(str::to_owned);
    words.into_iter().chain(launch(server)).collect()
}

fn launch(server: &Server) -> Vec<String> {
    let (key, address) = (path(server, "host_ed25519"), server.listens.to_string());
    daemon(server, &["sh", "-c", START, "sh", &key, &address])
}

#[test]
fn serves() {
    scenario::serves(&MAKE);
}

#[test]
fn a_host_without_an_sftp_server_is_told() {
    if skips::need_root("a program is hidden from its host") {
        scenario::is_without_sftp(&WITHOUT);
    }
}

#[test]
fn forwards() {
    scenario::forwards(&MAKE);
}
