//! The shells that `/bin/sh` is: dash on Debian, bash on Red Hat's systems, busybox on Alpine. Main types: [`Shell`];
//! [`Started`], a script that talks.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use hop::lend::line;
use tempfile::TempDir;

use crate::skips::need;

/// How long a script may be silent that has something to say.
const SILENCE: Duration = Duration::from_secs(60);

/// One of them.
pub struct Shell {
    pub name: &'static str,
    program: PathBuf,
    applet: Option<&'static str>,
}

/// All three.
pub fn shells() -> Option<[Shell; 3]> {
    let shell = |name, applet| Some(Shell { name, program: need(name)?, applet });
    Some([shell("dash", None)?, shell("bash", None)?, shell("busybox", Some("sh"))?])
}

impl Shell {
    /// A script, as the line for a login shell would have `/bin/sh` run it. It has no environment but a `PATH`.
    pub fn script(&self, script: &[u8]) -> Command {
        let line = line(script);
        let inside = line.strip_prefix(b"exec /bin/sh -c '").and_then(|rest| rest.strip_suffix(b"'"));
        let mut command = self.command();
        command.arg("-c").arg(OsStr::from_bytes(inside.expect("one word for /bin/sh")));
        command
    }

    /// A script that is read from standard input.
    pub fn input(&self) -> Command {
        self.command()
    }

    /// A script in a file.
    pub fn file(&self, path: &Path) -> Command {
        let mut command = self.command();
        command.arg(path);
        command
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        match self.applet {
            Some(applet) => command.arg(applet),
            None => command.arg0("sh"), // bash keeps to POSIX then
        };
        command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command
    }
}

/// What a command prints on standard output; it has nothing to complain of.
pub fn printed(command: &mut Command) -> String {
    let said = command.output().expect("it starts");
    assert!(said.stderr.is_empty(), "{command:?}: {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).expect("text")
}

/// Programs that stand before the real ones on `PATH`.
pub struct Programs(TempDir);

impl Programs {
    pub fn new(programs: &[(&str, &str)]) -> Programs {
        let folder = tempfile::tempdir().expect("a folder for programs");
        for (name, script) in programs {
            // by another process: one that this one is writing cannot be started, if a test beside it forks just then
            let mut write = Command::new("/bin/sh");
            write.args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$1\" >\"$0\" && chmod 755 \"$0\""]);
            write.arg(folder.path().join(name)).arg(script);
            assert!(write.status().expect("sh").success(), "{name} is written");
        }
        Programs(folder)
    }

    pub fn path(&self) -> String {
        format!("{}:/usr/bin:/bin", self.0.path().display())
    }

    /// Of these programs only.
    pub fn nothing_else(&self) -> &Path {
        self.0.path()
    }
}

/// A script under way, in a process group of its own.
pub struct Started {
    pub child: Child,
    pub input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Started {
    pub fn new(command: &mut Command) -> Started {
        let mut child =
            command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell starts");
        let (tell, lines) = channel();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Started { input: child.stdin.take(), child, lines }
    }

    pub fn tell(&mut self, words: &str) {
        self.input.as_mut().expect("open").write_all(words.as_bytes()).expect("it listens");
    }

    /// The rest of the next line that begins with `w WORD`; no line before it tells of a problem.
    pub fn answer(&self, word: &str) -> String {
        self.answer_to("w", word)
    }

    /// The rest of the next line that begins with `TOKEN WORD`; no line before it tells of a problem.
    pub fn answer_to(&self, token: &str, word: &str) -> String {
        loop {
            let said = self.said(token, word);
            assert!(!said.starts_with("problem"), "{said}");
            match said.strip_prefix(word) {
                Some(rest) if rest.is_empty() || rest.starts_with(' ') => return rest.trim_start().to_owned(),
                _ => {}
            }
        }
    }

    /// The rest of the next line that begins with `TOKEN`, where `word` is waited for.
    pub fn said(&self, token: &str, word: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(SILENCE).unwrap_or_else(|_| panic!("it never says {token} {word}"));
            if let Some(said) = line.strip_prefix(token).and_then(|line| line.strip_prefix(' ')) {
                return said.to_owned();
            }
        }
    }
}
