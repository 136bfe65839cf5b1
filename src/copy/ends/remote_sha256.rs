//! What is the SHA-256 of some bytes of a file? [`RemoteSha256`] asks a host's own tools, so that the bytes need not
//! travel. One shell, started when it is first needed, answers any number of questions in order. It uses the first of
//! `sha256sum`, `shasum -a 256`, `openssl dgst -sha256` and `busybox sha256sum` that gives the right answer for no
//! input.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::shell_lines::ShellLines;
use crate::copy::connector::ShellPipe;

/// A SHA-256.
pub type Sum = [u8; 32];

/// Bytes of a unit, unless the question names another. A question begins at a multiple of its unit, and ends at one or
/// at the end of the file.
pub const UNIT: u64 = 64 * 1024;

/// The program that `sh` reads; after it come questions, one a line.
const SCRIPT: &str = include_str!("remote_sha256.sh");

/// A question to send, and the task that waits for its answer.
type Question = (Bytes, oneshot::Sender<Option<Sum>>);

/// A host's checksum tool. Clones share the shell, which ends with the last of them.
#[derive(Clone)]
pub struct RemoteSha256 {
    questions: mpsc::Sender<Question>,
}

impl RemoteSha256 {
    /// Finds out whether the shell behind `shell` has a tool.
    pub async fn start(ShellPipe { to, from }: ShellPipe) -> Option<RemoteSha256> {
        to.send(Bytes::from_static(SCRIPT.as_bytes())).await.ok()?;
        let mut lines = ShellLines::of(from);
        if lines.first_answer("hop-sums ").await? == "none" {
            return None;
        }
        let (questions, inbox) = mpsc::channel(64);
        tokio::spawn(answer(to, lines, inbox));
        Some(RemoteSha256 { questions })
    }

    /// The SHA-256 of `count` units of `unit` bytes of the file at the absolute `path`, from unit `skip` on. `None`
    /// when the file cannot be read there, or the shell has ended.
    pub async fn of(&self, path: &[u8], unit: u64, skip: u64, count: u64) -> Option<Sum> {
        let (reply, answer) = oneshot::channel();
        let line = format!("{unit} {skip} {count} {}\n", escaped(path));
        self.questions.send((line.into(), reply)).await.ok()?;
        answer.await.ok()?
    }

    /// Whether the shell has ended.
    pub fn has_ended(&self) -> bool {
        self.questions.is_closed()
    }
}

/// Passes questions on and returns answers, in order, until either side ends.
async fn answer(to: mpsc::Sender<Bytes>, mut lines: ShellLines, mut inbox: mpsc::Receiver<Question>) {
    let mut waiting = VecDeque::new();
    loop {
        tokio::select! {
            question = inbox.recv() => {
                let Some((line, reply)) = question else { return };
                waiting.push_back(reply);
                if to.send(line).await.is_err() {
                    return;
                }
            }
            line = lines.next() => {
                let Some(line) = line else { return };
                if let Some(said) = line.strip_prefix("hop-sum ") {
                    let Some(reply) = waiting.pop_front() else { return };
                    // whoever asked may have gone
                    let _ = reply.send(read(said));
                }
            }
        }
    }
}

/// The 64 hexadecimal digits in a tool's answer: `DIGITS  -`, `SHA2-256(stdin)= DIGITS`.
fn read(said: &str) -> Option<Sum> {
    let digits = said.split(|c: char| !c.is_ascii_hexdigit()).find(|word| word.len() == 64)?;
    let mut sum = [0; 32];
    hex::decode_to_slice(digits, &mut sum).ok()?;
    Some(sum)
}

/// A path as `printf %b` reads it: letters and digits as they are, every other byte in octal.
fn escaped(path: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    path.iter().map(|&byte| if plain(byte) { char::from(byte).to_string() } else { format!("\\0{byte:03o}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tools_way_of_saying_it_is_read() {
        let digits = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for said in [format!("{digits}  -"), format!("SHA2-256(stdin)= {digits}"), format!("(stdin)= {digits}")] {
            assert_eq!(read(&said).map(|sum| sum[..2].to_vec()), Some(vec![0xe3, 0xb0]), "{said}");
        }
        assert_eq!(read(""), None);
        assert_eq!(read("sha256sum: x: Permission denied"), None);
    }

    #[test]
    fn any_path_fits_a_line() {
        assert_eq!(escaped(b"/a b'\n\\\xff1"), "/a\\0040b\\0047\\0012\\0134\\03771");
    }
}
