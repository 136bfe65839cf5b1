//! Running hop to its end, or until it is killed, and what it took.

use std::fmt;
use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A run that takes longer has hung.
const PATIENCE: Duration = Duration::from_secs(120);

/// How it ended.
pub struct Ran {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
    /// Most memory it had, in KiB.
    pub peak: u64,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ran { code, signal, stdout, took, peak, .. } = self;
        // the SSH library's own lines come with the trace
        let ours = self.stderr.lines().filter(|line| !line.starts_with("russh::"));
        let stderr = ours.collect::<Vec<_>>().join("\n");
        write!(
            f,
            "exit {code:?} signal {signal:?} after {took:?}, {peak} KiB\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}

impl Ran {
    /// A number of the summary that `--json` prints.
    pub fn summary(&self, key: &str) -> u64 {
        let last = self.stdout.lines().last().unwrap_or_default();
        let summary: serde_json::Value = serde_json::from_str(last).unwrap_or_else(|_| panic!("no summary: {self}"));
        summary[key].as_u64().unwrap_or_else(|| panic!("no number `{key}`: {self}"))
    }

    /// Bytes of its one file that it knew to be there when it ended, by its trace (`-vvv`); `None` if it was not traced,
    /// or ended before.
    pub fn there(&self) -> Option<u64> {
        let mut there = None;
        for line in self.stderr.lines().filter_map(|line| line.strip_prefix("file 0: ")) {
            let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("no number: {line}"));
            if let Some(from) = line.strip_prefix("goes on from ").and_then(|rest| rest.strip_suffix(" bytes")) {
                there = Some(number(from));
            } else if let Some(now) = line.strip_suffix(" bytes are there") {
                // two blocks that come back at once may be told in either order
                there = there.max(Some(number(now)));
            }
        }
        there
    }
}

/// Runs to the end.
pub fn run(command: &mut Command) -> Ran {
    run_while(command, |_, _| {})
}

/// Runs to the end; `meanwhile` is called every few milliseconds with the child and its age.
pub fn run_while(command: &mut Command, mut meanwhile: impl FnMut(&mut Child, Duration)) -> Ran {
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|problem| panic!("{command:?}: {problem}"));
    let stdout = collect(child.stdout.take().expect("piped"));
    let stderr = collect(child.stderr.take().expect("piped"));
    let mut peak = 0;
    let status: ExitStatus = loop {
        if let Some(status) = child.try_wait().expect("wait for a child") {
            break status;
        }
        peak = peak.max(memory(child.id()));
        meanwhile(&mut child, began.elapsed());
        if began.elapsed() > PATIENCE {
            child.kill().expect("kill a child");
            let ran = ended(child.wait().expect("wait for a child"), (stdout, stderr), (began.elapsed(), peak));
            panic!("not done within {PATIENCE:?}: {command:?}: {ran}");
        }
        std::thread::sleep(Duration::from_millis(3));
    };
    ended(status, (stdout, stderr), (began.elapsed(), peak))
}

type Reader = JoinHandle<Vec<u8>>;

fn ended(status: ExitStatus, (stdout, stderr): (Reader, Reader), (took, peak): (Duration, u64)) -> Ran {
    let text = |reader: Reader| String::from_utf8_lossy(&reader.join().expect("a reader")).into_owned();
    let (code, signal) = (status.code(), status.signal());
    Ran { code, signal, stdout: text(stdout), stderr: text(stderr), took, peak }
}

/// `VmHWM` in KiB.
fn memory(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn collect(mut from: impl Read + Send + 'static) -> Reader {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        from.read_to_end(&mut all).expect("read a pipe");
        all
    })
}
