//! What does a host's shell say? [`ShellLines`] splits its output into lines, and finds the answer to a first question
//! behind whatever a login shell prints.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

/// Time for a shell to start and to give its first answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Most bytes of a line; a longer one is dropped.
const LINE_MAX: usize = 1024;

/// Most bytes a login shell may print before the first answer.
const CHATTER_MAX: usize = 64 * 1024;

/// The output of a program on a host, line by line.
pub struct ShellLines {
    from: mpsc::Receiver<Bytes>,
    held: Vec<u8>,
}

impl ShellLines {
    /// The lines of this output.
    pub fn of(from: mpsc::Receiver<Bytes>) -> ShellLines {
        ShellLines { from, held: Vec::new() }
    }

    /// The next line; `None` at the end. May be cancelled without loss.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.held.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.held.drain(..=end).collect();
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if self.held.len() > LINE_MAX {
                self.held.clear();
            }
            self.held.extend_from_slice(&self.from.recv().await?);
        }
    }

    /// What follows `word` on the first line that begins with it; `None` when no such line comes in time.
    pub async fn first_answer(&mut self, word: &str) -> Option<String> {
        let answer = async {
            let mut heard = 0;
            while heard <= CHATTER_MAX {
                let line = self.next().await?;
                heard += line.len() + 1;
                if let Some(said) = line.strip_prefix(word) {
                    return Some(said.to_owned());
                }
            }
            None
        };
        tokio::time::timeout(PATIENCE, answer).await.ok()?
    }

    /// What has come behind the lines that were read, and what comes after it.
    pub fn rest(self) -> (Vec<u8>, mpsc::Receiver<Bytes>) {
        (self.held, self.from)
    }

    /// Returns when the program has ended, whatever it still says.
    pub async fn end(&mut self) {
        while self.from.recv().await.is_some() {}
    }
}
