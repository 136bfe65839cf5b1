//! What is on the source during a loan? A private folder with the client's configuration, and a process that removes it
//! and ends what runs for the loan, so that nothing is left however hop ends. Main type: [`RemoteDir`].
//!
//! The folder holds nothing secret: a known_hosts file, an ssh_config, and the pipe through which key exchanges are
//! overheard.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::kept::{self, Kept};
use super::marked_lines::{LONGEST_LINE, MarkedLines, nonce};
use crate::agent::{KexTap, LentAgent};
use crate::chain::{Output, Process, ProcessOutput, Session};
use crate::lend::error::LendError;

const SCRIPT: &str = include_str!("remote_dir.sh");
const TAP: &str = include_str!("kex_tap.sh");
/// How long the source may take to make the folder.
const READY: Duration = Duration::from_secs(20);
/// The most bytes that are read before the folder is there: login shells may greet.
const MOST_GREETING: usize = 256 * 1024;
/// The most key exchanges that are overheard at a time.
const MOST_TAPS: usize = 16;

/// What the source reports about itself. All of it is a stranger's text, except the folder, which is vetted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceFacts {
    /// The path of the private folder.
    pub folder: String,
    /// The output of `ssh -V`.
    pub client: String,
    /// The program that can copy bytes to a TCP connection there; empty if there is none.
    pub relay: String,
    /// Those of the programs hop could use that are installed.
    pub tools: Vec<String>,
}

/// The folder once it is made, and the process that keeps it.
pub struct RemoteDir {
    pub facts: SourceFacts,
    kept: Kept,
    output: ProcessOutput,
    lines: MarkedLines,
}

/// Makes the folder, and keeps it until hop has been silent for `patience`. `config` is the text of the ssh_config,
/// `known_hosts` the one line of that file.
pub async fn start(
    session: &Session,
    config: &str,
    known_hosts: &str,
    patience: Duration,
) -> Result<RemoteDir, LendError> {
    let word = format!("hop-{}", nonce(session)?);
    let variables = [("config", config), ("known_hosts", known_hosts), ("tap", TAP)];
    let program = kept::program(SCRIPT, &word, patience, &variables);
    let Process { input, output, .. } = session.exec(&program).await?;
    let mut ready =
        RemoteDir { facts: SourceFacts::default(), kept: Kept::new(input), output, lines: MarkedLines::new(&word) };
    let found = timeout_at(Instant::now() + READY, ready.listen()).await;
    let problem = match found {
        Ok(Ok(None)) => return Ok(ready),
        Ok(Ok(Some(problem))) => problem,
        Ok(Err(error)) => return Err(error),
        Err(_) => format!("no private folder within {} s", READY.as_secs()),
    };
    Err(LendError::Source { source_host: session.trail().end().to_owned(), problem })
}

impl RemoteDir {
    /// Reads the output until the folder is made; otherwise returns what is wrong.
    async fn listen(&mut self) -> Result<Option<String>, LendError> {
        let (mut read, mut errors) = (0, Vec::new());
        while let Some(output) = self.output.next().await? {
            let chunk = match output {
                Output::Stdout(chunk) => chunk,
                Output::Stderr(chunk) => {
                    errors.extend_from_slice(&chunk[..chunk.len().min(LONGEST_LINE - errors.len().min(LONGEST_LINE))]);
                    continue;
                }
                Output::Exit(_) => continue,
            };
            read += chunk.len();
            for line in self.lines.take(&chunk) {
                match self.facts.take(&line) {
                    Heard::More => {}
                    Heard::All => return Ok(None),
                    Heard::Problem(problem) => return Ok(Some(problem)),
                }
            }
            if read > MOST_GREETING {
                return Ok(Some("its login shell does not stop talking".to_owned()));
            }
        }
        let said = String::from_utf8_lossy(&errors);
        let said = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it runs no POSIX shell");
        Ok(Some(format!("no private folder: {}", said.trim())))
    }

    /// Passes key exchanges that are overheard from now on to `lent`.
    pub fn keep(self, lent: LentAgent) -> Kept {
        let RemoteDir { mut kept, mut output, mut lines, .. } = self;
        let reading = tokio::spawn(async move {
            let mut taps = Taps::default();
            while let Ok(Some(output)) = output.next().await {
                if let Output::Stdout(chunk) = output {
                    lines.take(&chunk).iter().for_each(|line| taps.hear(line, &lent));
                }
            }
        });
        kept.read_by(reading);
        kept
    }
}

enum Heard {
    More,
    All,
    Problem(String),
}

impl SourceFacts {
    fn take(&mut self, line: &str) -> Heard {
        let (what, value) = line.split_once(' ').unwrap_or((line, ""));
        match what {
            "folder" if is_private_folder(value) => self.folder = value.to_owned(),
            "folder" => return Heard::Problem("its private folder has an odd name".to_owned()),
            "client" => self.client = value.trim().to_owned(),
            "relay" => self.relay = value.to_owned(),
            "tool" => self.tools.push(value.to_owned()),
            "problem" => return Heard::Problem(value.to_owned()),
            "ready" if !self.folder.is_empty() => return Heard::All,
            "ready" => return Heard::Problem("no private folder".to_owned()),
            _ => {}
        }
        match self.tools.len() > 16 {
            true => Heard::Problem("it has too many tools".to_owned()),
            false => Heard::More,
        }
    }
}

/// Whether the path is safe to use in an ssh_config and in a shell: no character in it may have a meaning there. It
/// must be short enough that a control socket below it stays under 104 bytes.
fn is_private_folder(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    path.starts_with('/') && path.len() <= 64 && path.chars().all(plain) && !path.split('/').any(|part| part == "..")
}

/// The key exchanges in progress, by the process that passes them on.
#[derive(Default)]
struct Taps(HashMap<String, KexTap>);

impl Taps {
    /// Takes a line `overheard PROCESS HEX`.
    fn hear(&mut self, line: &str, lent: &LentAgent) {
        let mut words = line.split(' ');
        let (Some("overheard"), Some(process), Some(hex), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return;
        };
        let Some(bytes) = hex::decode(hex).ok() else { return };
        if self.0.len() >= MOST_TAPS && !self.0.contains_key(process) {
            self.0.clear(); // older ones are complete, or never will be
        }
        if let Some(overheard) = self.0.entry(process.to_owned()).or_default().take(&bytes) {
            lent.overhear(&overheard);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn a_folder_is_one_that_means_nothing_to_a_shell() {
        for good in ["/tmp/hop.Ab12_-", "/home/a/.hop.x"] {
            assert!(is_private_folder(good), "{good}");
        }
        let long = format!("/{}", "a".repeat(64));
        for bad in ["", "tmp/x", "/tmp/a b", "/tmp/$(id)", "/tmp/'x", "/tmp/../etc", "/tmp/%h", "/tmp/\"", &long] {
            assert!(!is_private_folder(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_source_says_is_taken_within_bounds(chunks in vec(vec(any::<u8>(), 0..300), 0..20), line in ".{0,60}") {
            let mut lines = MarkedLines::new("w");
            let mut facts = SourceFacts::default();
            for chunk in chunks {
                lines.take(&chunk).iter().for_each(|line| drop(facts.take(line)));
            }
            facts.take(&line);
            facts.take(&format!("folder {line}"));
            prop_assert!(facts.folder.is_empty() || is_private_folder(&facts.folder));
            hex::decode(&line).ok();
        }
    }
}
