//! A guest of the street: a fresh street, a folder of one's own, and OpenSSH's clients pointed at it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use hop::demo::Street;

use crate::skips::need;

/// Stands on a street of its own; everything is gone when it is dropped.
pub struct Guest {
    pub street: Street,
    pub desk: tempfile::TempDir,
}

impl Guest {
    /// `None` where OpenSSH's clients are missing; the skip is recorded.
    pub fn new() -> Option<Guest> {
        for tool in ["ssh", "scp", "sftp"] {
            need(tool)?;
        }
        let desk = tempfile::tempdir().unwrap();
        Some(Guest { street: Street::start_temporary().unwrap(), desk })
    }

    /// A file on the guest's own desk.
    pub fn path(&self, name: &str) -> PathBuf {
        self.desk.path().join(name)
    }

    /// One of OpenSSH's clients with the street's ssh_config, in the guest's folder, with nothing of this environment.
    pub fn tool(&self, tool: &str) -> Command {
        let mut command = self.bare(tool);
        command.arg("-F").arg(self.street.config());
        command
    }

    /// One of OpenSSH's clients without any configuration.
    pub fn bare(&self, tool: &str) -> Command {
        let mut command = Command::new(need(tool).unwrap());
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.desk.path())
            .env("HOP_HOME", self.desk.path())
            .current_dir(self.desk.path())
            .stdin(Stdio::null())
            .args(["-o", "BatchMode=yes"]);
        command
    }

    /// `ssh HOST LINE` to its end.
    pub fn ssh(&self, host: &str, line: &str) -> Output {
        self.tool("ssh").args([host, line]).output().unwrap()
    }

    /// `sftp HOST` with these commands; it stops at the first that fails.
    pub fn sftp(&self, host: &str, batch: &str) -> Output {
        feed(self.tool("sftp").args(["-b", "-", host]), batch.as_bytes())
    }

    /// The port a bastion listens on.
    pub fn port(&self, host: &str) -> String {
        let output = self.tool("ssh").args(["-G", host]).output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().find_map(|line| line.strip_prefix("port ")).unwrap().to_owned()
    }
}

/// Runs the command with `input` as its stdin.
pub fn feed(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // A child that stops reading early shows in its output.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    })
}

/// Success, or the client's own words.
#[track_caller]
pub fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
}

/// Equal contents, without printing megabytes when they differ.
#[track_caller]
pub fn same(path: &Path, expected: &[u8]) {
    let found = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(found == expected, "{}: {} bytes differ from {}", path.display(), found.len(), expected.len());
}
