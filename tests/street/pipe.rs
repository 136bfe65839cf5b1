//! A real OpenSSH `sftp-server` on a pipe: the shortest way to a [`Client`] whose other end is not ours.

use std::path::Path;
use std::process::Stdio;

use hop::sftp::{Client, Reader, Writer};
use tokio::process::{Child, Command};

use crate::skips::need;

/// A server process, killed when dropped, and a client of it.
pub struct Pipe {
    /// The session. It ends when the process does.
    pub client: Client,
    /// The process, to kill or to look at.
    pub server: Child,
}

/// Starts `sftp-server`, whose home and working folder is `dir`; `arguments` are its own (`-R`, `-P`, `-u`, …).
/// `None` where the machine has none, after saying so loudly.
pub async fn start(dir: &Path, arguments: &[&str]) -> Option<Pipe> {
    Some(run(Command::new(need("sftp-server")?), dir, arguments).await)
}

/// The same as a user that may do little, which takes root (`setpriv`, of util-linux).
pub async fn start_as_nobody(dir: &Path, arguments: &[&str]) -> Option<Pipe> {
    let mut command = Command::new(need("setpriv")?);
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(need("sftp-server")?);
    Some(run(command, dir, arguments).await)
}

async fn run(mut command: Command, dir: &Path, arguments: &[&str]) -> Pipe {
    let mut server = command
        .args(arguments)
        .current_dir(dir)
        .env("HOME", dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("sftp-server starts");
    let output = server.stdout.take().expect("piped above");
    let input = server.stdin.take().expect("piped above");
    let client = Client::start(Reader::new(output), Writer::new(input)).await.expect("sftp-server greets");
    Pipe { client, server }
}
