//! `rclone serve sftp`: files of a cloud, or of a disk. Its shell is none: it echoes, and knows a few words more.

use super::make::{Make, Part, Times, as_user, path};
use super::scenario;
use crate::street::Server;

const MAKE: Make = Make { needs: &["bin/rclone"], launch, settings: &[], part: Part::BeginsAnew, times: Times::Kept };

fn launch(server: &Server) -> Vec<String> {
    let (address, home) = (server.listens.to_string(), server.home.display().to_string());
    let [key, let_in, cache] = ["host_ed25519", "authorized_keys", "cache"].map(|name| path(server, name));
    let words = ["rclone", "serve", "sftp", "--config", "/dev/null", "--cache-dir", &cache];
    // files come and go behind its back
    let words = [&words[..], &["--dir-cache-time", "0", "--addr", &address]].concat();
    let words = [&words[..], &["--key", &key, "--authorized-keys", &let_in, &home]].concat();
    as_user(server, &words)
}

#[test]
fn serves() {
    scenario::serves(&MAKE);
}
