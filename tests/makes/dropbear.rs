//! Dropbear: the server of routers and small devices. Files are served by OpenSSH's `sftp-server`; there is a shell.

use super::make::{Make, daemon, path};
use super::scenario;
use crate::street::Server;

const MAKE: Make =
    Make { needs: &["sbin/dropbear", "bin/dropbearconvert", "lib/openssh/sftp-server"], launch, settings: &[] };

const START: &str =
    r#"dropbearconvert openssh dropbear "$1" "$1.dropbear" && exec dropbear -F -E -s -r "$1.dropbear" -p "$2""#;

fn launch(server: &Server) -> Vec<String> {
    let (key, address) = (path(server, "host_ed25519"), server.listens.to_string());
    daemon(server, &["sh", "-c", START, "sh", &key, &address])
}

#[test]
fn serves() {
    scenario::serves(&MAKE);
}

#[test]
fn forwards() {
    scenario::forwards(&MAKE);
}
