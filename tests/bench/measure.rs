//! Running one command: how long it took, when its first byte came, and how much memory it needed at most.

use std::fs;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What one run took.
#[derive(Clone, Copy, Default)]
pub struct Taken {
    pub time: Duration,
    /// `VmHWM` of the process, in KiB; zero when it ended too fast to be seen.
    pub memory: u64,
}

/// Runs to the end; what it complained of when it failed.
pub fn run(mut command: Command) -> Result<Taken, String> {
    let began = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("start a program");
    let mut taken = Taken::default();
    let status = loop {
        taken.memory = taken.memory.max(peak_memory(&child));
        if let Some(status) = child.try_wait().expect("wait for a program") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    taken.time = began.elapsed();
    if status.success() { Ok(taken) } else { Err(format!("{status}: {}", complaint(&mut child))) }
}

/// Runs until the first byte of standard output, then to the end.
pub fn first_byte(mut command: Command) -> Taken {
    let began = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start a program");
    let read = child.stdout.take().expect("piped").read_exact(&mut [0]);
    let time = began.elapsed();
    let status = child.wait().expect("wait for a program");
    assert!(read.is_ok() && status.success(), "{command:?}: {status}\n{}", complaint(&mut child));
    Taken { time, memory: 0 }
}

/// The run in the middle.
pub fn median(mut runs: Vec<Taken>) -> Taken {
    runs.sort_by_key(|taken| taken.time);
    runs[runs.len() / 2]
}

fn complaint(child: &mut Child) -> String {
    let mut text = String::new();
    let read = child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut text));
    read.map_or_else(String::new, |_| text)
}

/// proc(5), `/proc/pid/status`.
pub fn peak_memory(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
