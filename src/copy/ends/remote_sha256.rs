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

/// Most whole files whose sums are asked for together: one process of the host computes them.
const TOGETHER: usize = 256;

/// Most bytes of their paths.
const PATHS_MAX: usize = 64 * 1024;

/// A question to send, and the task that waits for its answer.
struct Question {
    about: About,
    reply: oneshot::Sender<Option<Sum>>,
}

enum About {
    /// A range of a file, as the line that asks for it.
    Range(Bytes),
    /// The whole of the file with this path.
    Whole(String),
}

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
        let (questions, inbox) = mpsc::channel(TOGETHER);
        tokio::spawn(answer(to, lines, inbox));
        Some(RemoteSha256 { questions })
    }

    /// The SHA-256 of `count` units of `unit` bytes of the file at the absolute `path`, from unit `skip` on. `None`
    /// when the file cannot be read there, or the shell has ended.
    pub async fn of(&self, path: &[u8], unit: u64, skip: u64, count: u64) -> Option<Sum> {
        let line = format!("{unit} {skip} {count} {}\n", escaped(path));
        self.ask(About::Range(line.into())).await
    }

    /// The SHA-256 of all of the regular file at the absolute `path`, together with others that are asked for. `None`
    /// where it, or one of the others, cannot be read there, the path is not plain, or the shell has ended.
    pub async fn of_whole(&self, path: &[u8]) -> Option<Sum> {
        let plain = Some(escaped(path)).filter(|path| !path.contains('\\'))?;
        self.ask(About::Whole(plain)).await
    }

    async fn ask(&self, about: About) -> Option<Sum> {
        let (reply, answer) = oneshot::channel();
        self.questions.send(Question { about, reply }).await.ok()?;
        answer.await.ok()?
    }

    /// Whether the shell has ended.
    pub fn has_ended(&self) -> bool {
        self.questions.is_closed()
    }
}

/// Orders for whole files that may be under way. Meanwhile others wait, so that there are many of them in the next one.
const UNDER_WAY: usize = 2;

/// The answers that are waited for, in their order.
#[derive(Default)]
struct AwaitedSums {
    replies: VecDeque<AwaitedSum>,
    /// Orders for whole files under way.
    under_way: usize,
}

struct AwaitedSum {
    reply: oneshot::Sender<Option<Sum>>,
    /// The last of an order for whole files.
    ends_order: bool,
}

impl AwaitedSums {
    fn add(&mut self, reply: oneshot::Sender<Option<Sum>>) {
        self.replies.push_back(AwaitedSum { reply, ends_order: false });
    }

    /// The last one that was added is the last of an order for whole files.
    fn end_order(&mut self) {
        if let Some(last) = self.replies.back_mut() {
            last.ends_order = true;
            self.under_way += 1;
        }
    }

    /// Whoever waits for the next answer.
    fn next(&mut self) -> Option<oneshot::Sender<Option<Sum>>> {
        let AwaitedSum { reply, ends_order } = self.replies.pop_front()?;
        self.under_way -= usize::from(ends_order);
        Some(reply)
    }

    fn has_room(&self) -> bool {
        self.under_way < UNDER_WAY
    }
}

/// Paths of whole files that will be one order.
#[derive(Default)]
struct WholeFiles {
    lines: String,
    count: usize,
}

impl WholeFiles {
    /// The order for them, if there are any.
    fn order(&mut self, waiting: &mut AwaitedSums) -> Option<Bytes> {
        let WholeFiles { lines, count } = std::mem::take(self);
        (count > 0).then(|| {
            waiting.end_order();
            format!("all {count}\n{lines}").into()
        })
    }
}

/// Passes questions on and returns answers, in order, until either side ends.
async fn answer(to: mpsc::Sender<Bytes>, mut lines: ShellLines, mut inbox: mpsc::Receiver<Question>) {
    let (mut waiting, mut questions) = (AwaitedSums::default(), Vec::new());
    loop {
        tokio::select! {
            count = inbox.recv_many(&mut questions, TOGETHER), if waiting.has_room() => {
                if count == 0 {
                    return;
                }
                for order in orders(questions.drain(..), &mut waiting) {
                    if to.send(order).await.is_err() {
                        return;
                    }
                }
            }
            line = lines.next() => {
                let Some(line) = line else { return };
                if let Some(said) = line.strip_prefix("hop-sum ") {
                    let Some(reply) = waiting.next() else { return };
                    // whoever asked may have gone
                    let _ = reply.send(read(said));
                }
            }
        }
    }
}

/// What to send for these questions, in their order; who waits for the answers is `waiting` then.
fn orders(questions: impl Iterator<Item = Question>, waiting: &mut AwaitedSums) -> Vec<Bytes> {
    let (mut orders, mut whole) = (Vec::new(), WholeFiles::default());
    for Question { about, reply } in questions {
        match about {
            About::Whole(path) => {
                if whole.lines.len() + path.len() > PATHS_MAX {
                    orders.extend(whole.order(waiting));
                }
                whole.lines += &path;
                whole.lines.push('\n');
                whole.count += 1;
            }
            About::Range(line) => {
                orders.extend(whole.order(waiting));
                orders.push(line);
            }
        }
        waiting.add(reply);
    }
    orders.extend(whole.order(waiting));
    orders
}

/// The 64 hexadecimal digits in a tool's answer: `DIGITS  PATH`, `SHA2-256(PATH)= DIGITS`. A path may be such digits, too.
fn read(said: &str) -> Option<Sum> {
    let said = said.rsplit_once(")= ").map_or(said, |(_, digits)| digits);
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
    fn a_path_of_digits_is_no_sum() {
        let (path, digits) = ("0".repeat(64), "1".repeat(64));
        for said in [format!("{digits}  /{path}"), format!("SHA2-256(/{path})= {digits}")] {
            assert_eq!(read(&said), Some([0x11; 32]), "{said}");
        }
    }

    #[test]
    fn whole_files_are_asked_for_together_and_in_order() {
        let question = |about| Question { about, reply: oneshot::channel().0 };
        let whole = |path: &str| question(About::Whole(path.to_owned()));
        let long = "x".repeat(PATHS_MAX);
        let questions = [
            whole("/a"),
            whole("/b"),
            question(About::Range("1 2 3 /c\n".into())),
            whole("/d"),
            whole(&long),
            whole("/e"),
        ];
        let mut waiting = AwaitedSums::default();
        let orders = orders(questions.into_iter(), &mut waiting);
        let long = format!("all 1\n{long}\n");
        assert_eq!(orders, ["all 2\n/a\n/b\n", "1 2 3 /c\n", "all 1\n/d\n", &long, "all 1\n/e\n"]);
        assert_eq!((waiting.replies.len(), waiting.under_way, waiting.has_room()), (6, 4, false));
        for left in [6, 5, 4, 3, 2] {
            assert_eq!(waiting.replies.len(), left);
            assert!(waiting.next().is_some());
        }
        assert!(waiting.has_room() && waiting.next().is_some() && waiting.next().is_none());
        assert_eq!(waiting.under_way, 0);
    }

    #[test]
    fn any_path_fits_a_line() {
        assert_eq!(escaped(b"/a b'\n\\\xff1"), "/a\\0040b\\0047\\0012\\0134\\03771");
    }
}
