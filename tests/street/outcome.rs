//! Running a program to its end, never forever, and what it said.

use std::fmt;
use std::io::Read;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How a program ended.
pub struct Outcome {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exit {:?} signal {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.signal, self.stdout, self.stderr
        )
    }
}

/// Runs to the end, two minutes at most.
pub fn run(command: &mut Command) -> Outcome {
    run_within(command, Duration::from_secs(120))
}

/// Runs to the end; a program that takes longer is killed and fails the test.
pub fn run_within(command: &mut Command, limit: Duration) -> Outcome {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|problem| panic!("{command:?}: {problem}"));
    let stdout = collect(child.stdout.take().expect("piped"));
    let stderr = collect(child.stderr.take().expect("piped"));
    let status = wait(&mut child, limit);
    let text = |thread: JoinHandle<Vec<u8>>| String::from_utf8_lossy(&thread.join().expect("a reader")).into_owned();
    let (stdout, stderr) = (text(stdout), text(stderr));
    let status = status.unwrap_or_else(|| panic!("not done within {limit:?}: {command:?}\n{stdout}\n{stderr}"));
    Outcome { code: status.code(), signal: status.signal(), stdout, stderr }
}

/// Waits until something holds, a minute at most: on a busy machine everything takes longer.
pub fn until(what: &str, holds: impl FnMut() -> bool) {
    until_within(Duration::from_secs(60), what, holds);
}

/// Waits until something holds, so long at most.
pub fn until_within(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !holds() {
        assert!(Instant::now() < end, "never came true: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn wait(child: &mut Child, limit: Duration) -> Option<std::process::ExitStatus> {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().expect("wait for a child") {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("kill a child");
    child.wait().expect("wait for a child");
    None
}

fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        from.read_to_end(&mut all).expect("read a pipe");
        all
    })
}
